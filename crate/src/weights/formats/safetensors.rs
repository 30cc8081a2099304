//! The header of a safetensors file.
//!
//! ```text
//! u64, little-endian: n │ n bytes of JSON │ the tensors' bytes, end to end
//! {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, "__metadata__": {…}}
//! ```
//!
//! The crate `safetensors` needs the whole file in memory and counts in `usize`, which is 32 bits
//! in wasm; a checkpoint is read here by its header alone, in u64. As in that crate the tensors
//! must cover their part of the file without a hole or an overlap, so a header that passes agrees
//! with the file's size.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;

use super::header::{Header, TensorInfo};
use crate::dtype::FileType;
use crate::error::{Result, bad_file};
use crate::weights::source::{Source, read_exact};

/// The largest header that is read; the same limit as in the crate `safetensors`.
pub(in crate::weights) const MAX_HEADER_BYTES: u64 = 100_000_000;

/// The key in the header that is not a tensor.
pub(in crate::weights) const METADATA: &str = "__metadata__";

/// Reads and checks the header of `path`, `length` bytes of JSON that lie within the file.
///
/// # Errors
/// Those of the source; [`Error::BadFile`](crate::Error::BadFile) for a damaged header.
pub(in crate::weights) async fn read(
    source: &dyn Source,
    path: &str,
    length: u64,
) -> Result<Header> {
    let header = read_exact(source, path, 8..8 + length).await?;
    parse(path, &header, source.size(path).await?)
}

/// Checks the JSON `header` of a file of `file_size` bytes.
fn parse(file: &str, header: &[u8], file_size: u64) -> Result<Header> {
    let raw: RawHeader = serde_json::from_slice(header)
        .map_err(|error| bad_file(file, format!("the header is not safetensors: {error}")))?;
    let start = 8 + header.len() as u64;
    let data_size = file_size.saturating_sub(start);
    let place: Arc<str> = file.into();
    let mut tensors = Vec::with_capacity(raw.tensors.len());
    for (name, entry) in raw.tensors {
        let [begin, end] = entry.data_offsets;
        if begin > end || end > data_size {
            let reason = format!("`{name}` lies at bytes {begin} to {end} of {data_size}");
            return Err(bad_file(file, reason));
        }
        // An unknown type is an error only if this tensor is read.
        let file_type = FileType::from_name(&entry.dtype).unwrap_or(FileType::Other);
        let bytes = size_of(&entry.shape, file_type);
        let fits = bytes.is_some_and(|n| n == end - begin || file_type == FileType::Other);
        if !fits {
            let (shape, length) = (&entry.shape, end - begin);
            let reason = format!("`{name}` of shape {shape:?} cannot have {length} bytes");
            return Err(bad_file(file, reason));
        }
        let shape = entry.shape.iter().map(|n| usize::try_from(*n)).collect::<Result<_, _>>();
        let shape = shape.map_err(|_| bad_file(file, format!("`{name}` is too large")))?;
        let (file, range) = (place.clone(), start + begin..start + end);
        tensors.push(TensorInfo { name, file_type, shape, file, range, strides: None });
    }
    tensors.sort_by_key(|tensor| (tensor.range.start, tensor.range.end));
    let mut end = start;
    for tensor in &tensors {
        if tensor.range.start != end {
            let reason = format!("`{}` overlaps another tensor or leaves a gap", tensor.name);
            return Err(bad_file(file, reason));
        }
        end = tensor.range.end;
    }
    if end != file_size {
        let reason = format!("its tensors end at byte {end}, but it has {file_size}");
        return Err(bad_file(file, reason));
    }
    Ok(Header { tensors, metadata: raw.metadata })
}

/// Bytes of a tensor; `None` beyond u64. The product of the dimensions other than zero must fit
/// too, so that no later product overflows.
pub(in crate::weights) fn size_of(shape: &[u64], file_type: FileType) -> Option<u64> {
    let mut nonzero = shape.iter().filter(|n| **n != 0);
    let elements = nonzero.try_fold(1_u64, |size, n| size.checked_mul(*n))?;
    let empty = shape.contains(&0);
    let bound = if empty { elements.checked_mul(8) } else { file_type.bytes_of(elements) }?;
    usize::try_from(bound.max(elements)).ok()?;
    Some(if empty { 0 } else { bound })
}

struct RawHeader {
    tensors: Vec<(String, Entry)>,
    metadata: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: [u64; 2],
}

impl<'de> Deserialize<'de> for RawHeader {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

/// Reads the map by hand, to refuse a name that comes twice: with serde's own maps the second one
/// would replace the first.
struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = RawHeader;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a map of tensor names")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawHeader, A::Error> {
        let mut header = RawHeader { tensors: Vec::new(), metadata: BTreeMap::new() };
        let mut seen = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if !seen.insert(name.clone()) {
                return Err(A::Error::custom(format!("the name `{name}` appears twice")));
            }
            match name.as_str() {
                METADATA => header.metadata = texts(map.next_value()?),
                _ => header.tensors.push((name, map.next_value()?)),
            }
        }
        Ok(header)
    }
}

/// The pairs of `__metadata__` whose value is text. Some files have other values there, or
/// something else than a map: none of it says anything about the tensors, so it is ignored.
fn texts(metadata: Value) -> BTreeMap<String, String> {
    let Value::Object(pairs) = metadata else { return BTreeMap::new() };
    let text = |(key, value)| match value {
        Value::String(text) => Some((key, text)),
        _ => None,
    };
    pairs.into_iter().filter_map(text).collect()
}
