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
    /// The file in which it lies.
    pub file: Arc<str>,
    /// Where its bytes lie, from the beginning of the file.
    pub range: Range<u64>,
    /// How many elements lie between neighbours of each dimension; none when they lie row by row.
    pub strides: Option<Arc<[usize]>>,
}

impl TensorInfo {
    /// Whether it is a table of words: it may be zeros for all of them that were never trained.
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
    /// Free text pairs.
    pub metadata: BTreeMap<String, String>,
}
