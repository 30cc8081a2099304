//! Changes of a checkpoint's values while they are read. They are applied to the f32 values, before
//! these are quantised or put into another layout. Both loaders (for the GPU and for the CPU) read
//! rows with [`Archive::decode_rows`](super::Archive::decode_rows), which applies the changes.

use super::formats::header::TensorInfo;
use super::source::LocalFuture;
use std::fmt::Debug;
use std::ops::Range;

/// Something that changes tensors while they are read: a LoRA.
pub trait Change: Debug + Send + Sync {
    /// Whether it changes this tensor.
    fn concerns(&self, tensor: &TensorInfo) -> bool;

    /// Whether it changes this tensor only as a whole: [`Change::apply`] is then given all rows.
    fn needs_all_rows(&self, _tensor: &TensorInfo) -> bool {
        false
    }

    /// What it is, as a text: two changes with the same key change a tensor in the same way.
    fn key(&self) -> String;

    /// Changes the given rows of a tensor that it concerns; `values` are those of the rows, in the
    /// file's order.
    ///
    /// # Errors
    /// Those of reading the change itself.
    fn apply<'a>(
        &'a self,
        tensor: &'a TensorInfo,
        rows: Range<usize>,
        values: &'a mut [f32],
    ) -> LocalFuture<'a, ()>;
}
