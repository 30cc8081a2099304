//! What the header of a checkpoint says: its tensors and its texts.

use crate::dtype::FileType;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// A tensor in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorInfo {
    /// The checkpoint's own name, such as `conv_in.weight`.
    pub name: String,
    /// The type of its elements in the file.
    pub file_type: FileType,
    /// Dimensions, slowest first, as torch has them (a convolution is `[out, in, h, w]`).
    pub shape: Vec<usize>,
    /// The path of its file.
    pub file: Arc<str>,
    /// Its bytes, counted from the beginning of the file.
    pub range: Range<u64>,
    /// The strides of the dimensions, in elements, as torch has them; `None` when the tensor is
    /// contiguous (row-major).
    pub strides: Option<Arc<[usize]>>,
}

impl TensorInfo {
    /// Whether it is a token embedding: its rows may be zeros for all tokens that were never
    /// trained.
    pub fn is_table(&self) -> bool {
        self.name.ends_with("token_embedding.weight")
    }

    /// Product of the dimensions; 1 for a scalar.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

/// What a file's header says.
pub(in crate::weights) struct Header {
    /// In any order.
    pub tensors: Vec<TensorInfo>,
    /// Pairs of texts.
    pub metadata: BTreeMap<String, String>,
}
