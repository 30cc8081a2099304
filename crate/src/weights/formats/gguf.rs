//! The header of a GGUF file, as stable-diffusion.cpp and llama.cpp write them.
//!
//! ```text
//! "GGUF" │ u32 version 2 or 3 │ u64 tensors │ u64 pairs
//! pairs:    key │ u32 type │ value          a text is u64 length and UTF-8
//! tensors:  name │ u32 dims │ u64 × dims, the fastest first │ u32 ggml type │ u64 offset
//! padding to `general.alignment`, 32 when it is not said │ the tensors' bytes
//! ```
//!
//! Format: ggml's docs/gguf.md. The header has no length of its own, so the file's beginning is
//! read in pieces that double until it is whole. No count in the file is trusted: memory is
//! allocated only for what has been read from the file's own bytes.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::header::{Header, TensorInfo};
use super::safetensors::size_of;
use crate::dtype::FileType;
use crate::error::{Error, Result, bad_file};
use crate::weights::source::{Source, read_exact};

/// What is read first.
const FIRST_BYTES: u64 = 1 << 18;
/// The longest header that is read; a language model's, with its vocabulary, has some 10 MB.
const HEADER_BYTES_MAX: u64 = 64 << 20;
/// The most dimensions of a tensor (`GGML_MAX_DIMS`).
const DIMS_MAX: u32 = 4;
/// The deepest nesting of arrays; no known file has more than two levels.
const DEPTH_MAX: u32 = 8;
/// The longest value of a text that is kept.
const TEXT_BYTES_MAX: usize = 1 << 20;

/// ggml's numbers of the types that are supported (`enum ggml_type`).
pub(in crate::weights) const TYPES: [(u32, FileType); 18] = [
    (0, FileType::F32),
    (1, FileType::F16),
    (2, FileType::Q4_0),
    (3, FileType::Q4_1),
    (6, FileType::Q5_0),
    (7, FileType::Q5_1),
    (8, FileType::Q8_0),
    (10, FileType::Q2K),
    (11, FileType::Q3K),
    (12, FileType::Q4K),
    (13, FileType::Q5K),
    (14, FileType::Q6K),
    (24, FileType::I8),
    (25, FileType::I16),
    (26, FileType::I32),
    (27, FileType::I64),
    (28, FileType::F64),
    (30, FileType::BF16),
];

/// GGUF's number of the type of a text.
pub(in crate::weights) const TEXT: u32 = 8;
const ARRAY: u32 = 9;

/// Reads and checks the header of `path`.
///
/// # Errors
/// Those of the source; [`Error::BadFile`] for a damaged header.
pub(in crate::weights) async fn read(source: &dyn Source, path: &str) -> Result<Header> {
    let size = source.size(path).await?;
    let most = size.min(HEADER_BYTES_MAX);
    // These bytes have been read already, and a stream cannot go back.
    let mut bytes = b"GGUF".to_vec();
    loop {
        let end = most.min((bytes.len() as u64 * 2).max(FIRST_BYTES));
        bytes.extend(read_exact(source, path, bytes.len() as u64..end).await?);
        let mut parser = Parser { file: path, bytes: &bytes, at: 0 };
        match parser.header(size) {
            Ok(header) => return Ok(header),
            Err(Stop::Bad(error)) => return Err(error),
            Err(Stop::Short) if end == most => {
                return Err(bad_file(path, "it ends within its header, or its header is no GGUF"));
            }
            Err(Stop::Short) => {}
        }
    }
}

/// Why reading ended early.
enum Stop {
    /// The header continues after these bytes.
    Short,
    Bad(Error),
}

/// A position in the first bytes of the file.
struct Parser<'a> {
    file: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl Parser<'_> {
    fn header(&mut self, file_size: u64) -> Result<Header, Stop> {
        self.take(4)?;
        let version = self.u32()?;
        if ![2, 3].contains(&version) {
            return Err(
                self.bad(format!("it is GGUF of version {version}, only 2 and 3 are known"))
            );
        }
        let (tensors, pairs) = (self.u64()?, self.u64()?);
        let (mut metadata, mut alignment) = (BTreeMap::new(), 32);
        for _ in 0..pairs {
            let key = self.text()?;
            match self.u32()? {
                TEXT => {
                    let text = self.text()?;
                    if text.len() <= TEXT_BYTES_MAX {
                        metadata.insert(key, text);
                    }
                }
                4 if key == "general.alignment" => alignment = u64::from(self.u32()?),
                kind => self.skip(kind, 0)?,
            }
        }
        if !alignment.is_power_of_two() || alignment > 1 << 20 {
            return Err(self.bad(format!("its tensors are aligned to {alignment} bytes")));
        }
        let (mut list, mut names) = (Vec::new(), HashSet::new());
        let place: Arc<str> = self.file.into();
        for _ in 0..tensors {
            let info = self.tensor(&place)?;
            if !names.insert(info.name.clone()) {
                return Err(self.bad(format!("the name `{}` appears twice", info.name)));
            }
            list.push(info);
        }
        let data = (self.at as u64).next_multiple_of(alignment);
        self.place(list, data, file_size).map(|tensors| Header { tensors, metadata })
    }

    /// One entry of the list of tensors; its range still counts from the first tensor's byte.
    fn tensor(&mut self, file: &Arc<str>) -> Result<TensorInfo, Stop> {
        let name = self.text()?;
        let dims = self.u32()?;
        if dims > DIMS_MAX {
            return Err(self.bad(format!("`{name}` has {dims} dimensions")));
        }
        let mut shape = (0..dims).map(|_| self.u64()).collect::<Result<Vec<_>, _>>()?;
        let number = self.u32()?;
        let begin = self.u64()?;
        let known = TYPES.iter().find(|(known, _)| *known == number);
        let Some((_, file_type)) = known else {
            let reason = format!("`{name}` is of ggml's type {number}, which is not supported");
            return Err(self.bad(reason));
        };
        let per_block = file_type.block().0 as u64;
        let whole_rows = shape.first().copied().unwrap_or(1).is_multiple_of(per_block);
        shape.reverse();
        let bytes = size_of(&shape, *file_type).filter(|_| whole_rows);
        let end = bytes.and_then(|bytes| begin.checked_add(bytes));
        let shape: Option<Vec<usize>> = shape.iter().map(|n| usize::try_from(*n).ok()).collect();
        match (end, shape) {
            (Some(end), Some(shape)) => {
                let (file_type, file) = (*file_type, file.clone());
                Ok(TensorInfo { name, file_type, shape, file, range: begin..end, strides: None })
            }
            _ => Err(self.bad(format!("`{name}` has a size that cannot be"))),
        }
    }

    /// Moves the tensors to where they lie in the file; they may leave gaps, but not overlap.
    fn place(
        &self,
        mut tensors: Vec<TensorInfo>,
        data: u64,
        file_size: u64,
    ) -> Result<Vec<TensorInfo>, Stop> {
        tensors.sort_by_key(|info| (info.range.start, info.range.end));
        let mut before = data;
        for info in &mut tensors {
            let moved = |at: u64| at.checked_add(data).filter(|at| *at <= file_size);
            let (Some(start), Some(end)) = (moved(info.range.start), moved(info.range.end)) else {
                let reason = format!(
                    "`{}` should end at byte {}, but the file has {file_size}; the download was \
                     not finished",
                    info.name,
                    info.range.end.saturating_add(data)
                );
                return Err(self.bad(reason));
            };
            if start < before {
                return Err(self.bad(format!("`{}` overlaps another tensor", info.name)));
            }
            info.range = start..end;
            before = end;
        }
        Ok(tensors)
    }

    /// Skips a value of type `kind`.
    fn skip(&mut self, kind: u32, depth: u32) -> Result<(), Stop> {
        if kind == TEXT {
            let length = self.u64()?;
            return self.take(length).map(drop);
        }
        if kind == ARRAY && depth < DEPTH_MAX {
            let (kind, count) = (self.u32()?, self.u64()?);
            if let Some(width) = width(kind) {
                return self.take(count.saturating_mul(width)).map(drop);
            }
            for _ in 0..count {
                self.skip(kind, depth + 1)?;
            }
            return Ok(());
        }
        match width(kind) {
            Some(width) => self.take(width).map(drop),
            None => Err(self.bad(format!("a value is of the unknown type {kind}"))),
        }
    }

    fn text(&mut self) -> Result<String, Stop> {
        let length = self.u64()?;
        let bytes = self.take(length)?;
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }

    fn u32(&mut self) -> Result<u32, Stop> {
        Ok(self.number(4)? as u32)
    }

    fn u64(&mut self) -> Result<u64, Stop> {
        self.number(8)
    }

    fn number(&mut self, bytes: u64) -> Result<u64, Stop> {
        let bytes = self.take(bytes)?;
        Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn take(&mut self, count: u64) -> Result<&[u8], Stop> {
        let end = usize::try_from(count).ok().and_then(|count| self.at.checked_add(count));
        let bytes = end.and_then(|end| self.bytes.get(self.at..end)).ok_or(Stop::Short)?;
        self.at += bytes.len();
        Ok(bytes)
    }

    fn bad(&self, reason: String) -> Stop {
        Stop::Bad(bad_file(self.file, reason))
    }
}

/// Bytes of a value of fixed size.
fn width(kind: u32) -> Option<u64> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}
