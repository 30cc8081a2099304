//! The directory of a zip file, as torch writes it: no entry is compressed, all are aligned. The
//! page's exports are of the same kind.
//!
//! ```text
//! entry: local header │ name │ extra │ bytes   … │ directory │ its zip64 end │ end
//! ```
//!
//! The directory is at the end of the file. It has each entry's name, size, and the offset of its
//! local header; only the local header says where the bytes begin. torch uses the 64-bit fields
//! (zip64) whenever its files may be large. Format: PKWARE's APPNOTE, 4.3 and 4.5.3.

use std::ops::Range;

use crate::error::{Result, bad_file};
use crate::weights::source::{Source, read_exact};

const END: u64 = 22;
const END_LOCATOR: u64 = 20;
const END_ZIP64: u64 = 56;
const ENTRY: usize = 46;
const LOCAL: u64 = 30;
/// The longest comment at the end of a file.
const COMMENT_MAX: u64 = 65_535;
/// The largest directory that is read; v1.4's has 100 kB.
const DIRECTORY_BYTES_MAX: u64 = 64 << 20;

/// A file in the zip.
pub(in crate::weights) struct Entry {
    pub name: String,
    /// Bytes, uncompressed.
    pub size: u64,
    packed_size: u64,
    method: u16,
    header: u64,
}

/// The bytes of the entry `wanted` of the zip file `path`, or of the first one in any folder.
///
/// # Errors
/// [`Error::BadFile`](crate::Error::BadFile) when there is none, or it is compressed, or has more
/// than `bytes_max`; those of the source.
pub async fn read_stored(
    source: &dyn Source,
    path: &str,
    wanted: &str,
    bytes_max: u64,
) -> Result<Vec<u8>> {
    let entries = entries(source, path).await?;
    let in_folder = |entry: &&Entry| {
        entry.name.strip_suffix(wanted).is_some_and(|folder| folder.ends_with('/'))
    };
    let exact = entries.iter().find(|entry| entry.name == wanted);
    let Some(entry) = exact.or_else(|| entries.iter().find(in_folder)) else {
        return Err(bad_file(path, format!("there is no `{wanted}` in it")));
    };
    if entry.size > bytes_max {
        return Err(bad_file(path, format!("`{wanted}` in it has {} bytes", entry.size)));
    }
    read_exact(source, path, entry.range(source, path).await?).await
}

/// Reads the directory of `path`.
///
/// # Errors
/// Those of the source; [`Error::BadFile`](crate::Error::BadFile) for a damaged directory, or a
/// compressed entry.
pub(in crate::weights) async fn entries(source: &dyn Source, path: &str) -> Result<Vec<Entry>> {
    let size = source.size(path).await?;
    let tail_start = size.saturating_sub(END + COMMENT_MAX);
    let tail = read_exact(source, path, tail_start..size).await?;
    let end = (0..tail.len().saturating_sub(END as usize - 1))
        .rev()
        .find(|at| tail[*at..].starts_with(b"PK\x05\x06"))
        .ok_or_else(|| bad_file(path, "its end is missing: the download was not finished"))?;
    let field = |at: usize, bytes: usize| number(&tail, end + at, bytes);
    let (mut length, mut offset) = (field(12, 4), field(16, 4));
    if let Some(at) = end.checked_sub(END_LOCATOR as usize)
        && tail[at..].starts_with(b"PK\x06\x07")
        && let Some(place) = number(&tail, at + 8, 8)
        && place.checked_add(END_ZIP64).is_some_and(|end| end <= size)
    {
        let record = read_exact(source, path, place..place + END_ZIP64).await?;
        if record.starts_with(b"PK\x06\x06") {
            (length, offset) = (number(&record, 40, 8), number(&record, 48, 8));
        }
    }
    let (length, offset) = (length.unwrap_or(0), offset.unwrap_or(u64::MAX));
    let directory = offset.checked_add(length).filter(|end| *end <= size);
    let Some(end) = directory.filter(|_| length <= DIRECTORY_BYTES_MAX) else {
        let reason = format!("its directory of {length} bytes at {offset} is not in it");
        return Err(bad_file(path, reason));
    };
    let directory = read_exact(source, path, offset..end).await?;
    parse(&directory).ok_or_else(|| bad_file(path, "its directory is damaged"))
}

fn parse(directory: &[u8]) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut rest = directory;
    while rest.starts_with(b"PK\x01\x02") {
        let field = |at: usize, bytes: usize| number(rest, at, bytes);
        let name_end = ENTRY + field(28, 2)? as usize;
        let extra_end = name_end + field(30, 2)? as usize;
        let comment_end = extra_end + field(32, 2)? as usize;
        let name = String::from_utf8_lossy(rest.get(ENTRY..name_end)?).into_owned();
        let extra = rest.get(name_end..extra_end)?;
        let method = field(10, 2)? as u16;
        // Values that do not fit 32 bits are in the extra field, in this order.
        let mut wide = [field(24, 4)?, field(20, 4)?, field(42, 4)?];
        let mut wide_fields = zip64(extra);
        for value in wide.iter_mut().filter(|value| **value == u64::from(u32::MAX)) {
            *value = number(wide_fields, 0, 8)?;
            wide_fields = &wide_fields[8..];
        }
        let [size, packed_size, header] = wide;
        entries.push(Entry { name, size, packed_size, method, header });
        rest = rest.get(comment_end..)?;
    }
    Some(entries)
}

/// The 64-bit fields of an entry's extra field (4.5.3), or nothing.
fn zip64(mut extra: &[u8]) -> &[u8] {
    while let (Some(id), Some(length)) = (number(extra, 0, 2), number(extra, 2, 2)) {
        let end = 4 + length as usize;
        let Some(field) = extra.get(4..end) else { break };
        if id == 1 {
            return field;
        }
        extra = &extra[end..];
    }
    &[]
}

impl Entry {
    /// Where its bytes lie in `path`.
    ///
    /// # Errors
    /// `Error::BadFile` when it is compressed, or lies outside of the file.
    pub(crate) async fn range(&self, source: &dyn Source, path: &str) -> Result<Range<u64>> {
        let name = &self.name;
        if self.method != 0 || self.size != self.packed_size {
            let reason =
                format!("`{name}` in it is compressed: pack it without compression, as torch does");
            return Err(bad_file(path, reason));
        }
        let outside = || bad_file(path, format!("`{name}` lies outside of it"));
        let file_size = source.size(path).await?;
        let header_end = self.header.checked_add(LOCAL).filter(|end| *end <= file_size);
        let header_end = header_end.ok_or_else(outside)?;
        let local = read_exact(source, path, self.header..header_end).await?;
        if !local.starts_with(b"PK\x03\x04") {
            return Err(bad_file(path, format!("`{name}` is not where its directory says")));
        }
        let lengths = [26, 28].map(|at| number(&local, at, 2).unwrap_or(0));
        let start = header_end + lengths[0] + lengths[1];
        let end = start.checked_add(self.size).filter(|end| *end <= file_size);
        Ok(start..end.ok_or_else(outside)?)
    }
}

/// A little-endian number of `bytes` bytes.
fn number(from: &[u8], at: usize, bytes: usize) -> Option<u64> {
    let bytes = from.get(at..at.checked_add(bytes)?)?;
    Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}
