//! The header of a torch file in the format from before torch 1.6, which torch still writes on
//! request: no zip, but five pickles, one after another, and then the storages.
//!
//! ```text
//! a magic number │ 1001, the protocol │ sizes of the writer's integers │ the objects, as in a zip
//! the keys of the storages, in their order │ of each: u64 elements │ its bytes
//! ```
//!
//! Format: torch/serialization.py, `_legacy_save`.

use std::collections::HashMap;
use std::ops::Range;

use super::header::Header;
use super::pickle::{self, CUT, Object, Objects};
use super::torch::{self, PICKLE_BYTES_MAX};
use crate::error::{Result, bad_file};
use crate::weights::source::{Source, read_exact};

/// The first pickle: PROTO 2, LONG1 of ten bytes, STOP.
pub(in crate::weights) const MAGIC: [u8; 15] =
    [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, b'.'];
/// Bytes that are read at first, because the file does not say how long the pickles are.
const HEAD_BYTES: u64 = 256 << 10;

/// Reads and checks the pickles of `path`.
///
/// # Errors
/// Those of the source; [`Error::BadFile`](crate::Error::BadFile) for a damaged header.
pub(in crate::weights) async fn read(source: &dyn Source, path: &str) -> Result<Header> {
    let size = source.size(path).await?;
    let mut length = HEAD_BYTES.min(size);
    let (pickles, end) = loop {
        let head = read_exact(source, path, 0..length).await?;
        match pickles(&head) {
            Err(reason) if reason == CUT && length < size.min(2 * PICKLE_BYTES_MAX) => {
                length = (4 * length).min(size).min(2 * PICKLE_BYTES_MAX);
            }
            other => break other.map_err(|reason| unreadable(path, &reason))?,
        }
    };
    let [_, protocol, writer, objects, keys] = &pickles;
    if !matches!(protocol.root(), Object::Int(1001)) {
        return Err(bad_file(path, "it is of an unknown version of torch's old format"));
    }
    if !is_little_endian(writer) {
        return Err(bad_file(
            path,
            "its numbers are big-endian: save it on a little-endian machine",
        ));
    }
    let found = torch::tensors(objects).map_err(|reason| bad_file(path, reason))?;
    let places = storages(source, path, (keys, objects), end as u64).await?;
    torch::header(path, size, objects, &found, &places)
}

fn unreadable(path: &str, reason: &str) -> crate::Error {
    bad_file(path, format!("its pickle cannot be read: {reason}"))
}

/// The five pickles at the beginning, and where they end.
fn pickles(head: &[u8]) -> Result<([Objects; 5], usize), String> {
    let mut at = 0;
    let mut next = || {
        let (objects, length) = pickle::read(&head[at..])?;
        at += length;
        Ok::<_, String>(objects)
    };
    let pickles = [next()?, next()?, next()?, next()?, next()?];
    Ok((pickles, at))
}

/// `{"protocol_version": 1001, "little_endian": True, …}`; true if the key is missing.
fn is_little_endian(writer: &Objects) -> bool {
    let Object::Dict(fields) = writer.root() else { return true };
    let field = fields.iter().find(|(key, _)| writer.text(*key) == Some("little_endian"));
    !matches!(field.map(|(_, value)| writer.get(*value)), Some(Object::False))
}

/// Where the bytes of each storage lie; the first storage begins at `at`.
async fn storages<'a>(
    source: &dyn Source,
    path: &str,
    (keys, objects): (&'a Objects, &Objects),
    mut at: u64,
) -> Result<HashMap<&'a str, Range<u64>>> {
    let size = source.size(path).await?;
    let Object::List(keys_of_list) = keys.root() else {
        return Err(bad_file(path, "the list of its storages is missing"));
    };
    let widths = torch::storage_widths(objects);
    let mut places = HashMap::new();
    for key in keys_of_list {
        let key = keys.text(*key);
        // Without its class its length is unknown, and so is where the next one begins.
        let known = key.and_then(|key| Some((key, widths.get(key)?)));
        let Some((key, width)) = known else {
            return Err(bad_file(path, "a storage in it is of an unknown kind"));
        };
        let begin = at.checked_add(8).filter(|begin| *begin <= size);
        let begin = begin.ok_or_else(|| cut(path))?;
        let count = read_exact(source, path, at..begin).await?;
        let count = count.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let end = count.checked_mul(*width).and_then(|bytes| begin.checked_add(bytes));
        at = end.filter(|end| *end <= size).ok_or_else(|| cut(path))?;
        places.insert(key, begin..at);
    }
    Ok(places)
}

fn cut(path: &str) -> crate::Error {
    bad_file(path, "its end is missing: the download was not finished")
}
