//! One checkpoint file, opened: its tensors by name, in file order.
//!
//! Opening reads only the header. The bytes of a tensor are a range of the file; a loader that
//! walks [`Archive::tensors`] in order reads the file once, front to back.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::decode::decode;
use super::safetensors::{self, MAX_HEADER_BYTES};
use super::source::{Source, read_exact};
use crate::dtype::FileType;
use crate::error::{Error, Result, bad_file};

/// A tensor in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorInfo {
    /// The checkpoint's own name, such as `conv_in.weight`.
    pub name: String,
    /// The type of its elements in the file.
    pub file_type: FileType,
    /// Dimensions, slowest first, as torch has them (a convolution is `[out, in, h, w]`).
    pub shape: Vec<usize>,
    /// Where its bytes lie, from the beginning of the file.
    pub range: Range<u64>,
}

impl TensorInfo {
    /// Product of the dimensions; 1 for a scalar.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

/// The header of a safetensors file.
#[derive(Debug, Clone)]
pub struct Archive {
    file: String,
    tensors: Vec<TensorInfo>,
    by_name: HashMap<String, usize>,
    metadata: BTreeMap<String, String>,
}

impl Archive {
    /// Reads and checks the header of `path`: every type, shape and byte range, against each other
    /// and against the file's size.
    ///
    /// # Errors
    /// [`Error::BadFile`] for anything that is not a whole safetensors file, and the source's own
    /// faults.
    pub async fn open(source: &dyn Source, path: &str) -> Result<Archive> {
        let size = source.size(path).await?;
        if size < 8 {
            return Err(bad_file(path, format!("it has only {size} bytes")));
        }
        let length = read_exact(source, path, 0..8).await?;
        let length = length.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
        if length > MAX_HEADER_BYTES || length > size - 8 {
            let reason = format!("a header of {length} bytes in a file of {size}");
            return Err(bad_file(path, reason));
        }
        let header = read_exact(source, path, 8..8 + length).await?;
        let header = safetensors::parse(path, &header, size)?;
        let names = header.tensors.iter().enumerate();
        let by_name = names.map(|(index, tensor)| (tensor.name.clone(), index)).collect();
        let (tensors, metadata) = (header.tensors, header.metadata);
        Ok(Archive { file: path.to_owned(), tensors, by_name, metadata })
    }

    /// The path it was opened from.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The tensor of this name.
    pub fn get(&self, name: &str) -> Option<&TensorInfo> {
        self.by_name.get(name).map(|index| &self.tensors[*index])
    }

    /// All tensors, in the order of their bytes in the file.
    pub fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    /// The free text pairs of the header (`__metadata__`).
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// One tensor's numbers as f32, in the file's own layout.
    ///
    /// # Errors
    /// [`Error::MissingTensor`], [`Error::BadFile`] when it does not hold floats, and the source's
    /// own faults.
    pub async fn load(&self, source: &dyn Source, name: &str) -> Result<Vec<f32>> {
        let tensor = self.get(name).ok_or_else(|| Error::MissingTensor {
            file: self.file.clone(),
            name: name.to_owned(),
        })?;
        let bytes = read_exact(source, &self.file, tensor.range.clone()).await?;
        let mut numbers = Vec::new();
        decode(tensor.file_type, &bytes, &mut numbers)
            .map_err(|_| bad_file(&self.file, format!("`{name}` does not hold floats")))?;
        Ok(numbers)
    }
}
