//! Changes of a checkpoint's numbers: made after they are read and widened to f32, before they are
//! laid out, quantised or kept. Both loaders (for the GPU and for the CPU) read rows by
//! [`Archive::decode_rows`](super::Archive::decode_rows), which makes them.

use super::formats::header::TensorInfo;
use super::source::LocalFuture;
use std::fmt::Debug;
use std::ops::Range;

/// Something that changes tensors while they are read: a LoRA.
pub trait Change: Debug + Send + Sync {
    /// Whether it changes this tensor.
    fn concerns(&self, tensor: &TensorInfo) -> bool;

    /// Changes some rows of a tensor that it concerns: `values` are theirs, in the file's order.
    ///
    /// # Errors
    /// Those of where the change is read from.
    fn apply<'a>(
        &'a self,
        tensor: &'a TensorInfo,
        rows: Range<usize>,
        values: &'a mut [f32],
    ) -> LocalFuture<'a, ()>;
}
