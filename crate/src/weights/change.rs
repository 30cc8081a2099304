//! Changes of a checkpoint's values while they are read. They are applied to the f32 values, before
//! these are quantised or put into another layout. Both loaders (for the GPU and for the CPU) read
//! rows with [`Archive::decode_rows`](super::Archive::decode_rows), which applies the changes.

use super::formats::header::TensorInfo;
use super::source::LocalFuture;
use std::fmt::Debug;
use std::ops::Range;

/// A product of two small matrices, row-major, that is added to a tensor `[n, …]` of `k` numbers a
/// row: `W[o, i] += Σⱼ up[o, j] · down[j, i]`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Product {
    /// Rows of `down`, columns of `up`.
    pub rank: usize,
    /// `[n, rank]`
    pub up: Vec<f32>,
    /// `[rank, k]`
    pub down: Vec<f32>,
}

impl Product {
    /// The sum of products of the same shape, as one.
    pub fn sum(products: &[Product]) -> Product {
        let rank = products.iter().map(|one| one.rank).sum();
        let rows = products.iter().map(|one| one.up.len() / one.rank.max(1)).max().unwrap_or(0);
        let mut up = Vec::with_capacity(rows * rank);
        for row in 0..rows {
            up.extend(products.iter().flat_map(|one| &one.up[row * one.rank..][..one.rank]));
        }
        Product { rank, up, down: products.iter().flat_map(|one| one.down.clone()).collect() }
    }
}

/// Something that changes tensors while they are read: a LoRA.
pub trait Change: Debug + Send + Sync {
    /// Whether it changes this tensor.
    fn concerns(&self, tensor: &TensorInfo) -> bool;

    /// Whether it changes this tensor only as a whole: [`Change::apply`] is then given all rows.
    fn needs_all_rows(&self, _tensor: &TensorInfo) -> bool {
        false
    }

    /// The product that it adds to this tensor, where it does nothing else to it; `None` where it
    /// does. Its rank is known at once, its numbers when they are read.
    fn product<'a>(&'a self, _tensor: &'a TensorInfo) -> Option<(usize, LocalFuture<'a, Product>)> {
        None
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
