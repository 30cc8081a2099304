//! Random numbers of N(0, 1) from a seed: the first latents of a run, and the noise that some
//! samplers add.
//!
//! The same seed gives the same bits natively and in wasm, because nothing here calls the
//! platform's own logarithm or cosine; and they are the numbers of torch on the CPU, of numpy, or
//! of torch on a GPU, so that other programs can make the same picture.

mod cephes;
mod mt19937;
mod numpy;
mod philox;
mod rng;
mod torch;

pub use mt19937::Mt19937;
pub use numpy::Numpy;
pub use philox::Philox;
pub use rng::{Generator, Rng};
pub use torch::Torch;

/// Converts torch's layout `[batch, channels, height, width]` to that of our tensors, `[batch,
/// height, width, channels]`.
///
/// # Panics
/// When `numbers` is not a whole number of `channels · height · width`.
pub fn nchw_to_nhwc(numbers: &[f32], channels: usize, height: usize, width: usize) -> Vec<f32> {
    transpose_pictures(numbers, channels, height * width)
}

/// The inverse: `[batch, height, width, channels]` to `[batch, channels, height, width]`.
///
/// # Panics
/// When `numbers` is not a whole number of `channels · height · width`.
pub fn nhwc_to_nchw(numbers: &[f32], channels: usize, height: usize, width: usize) -> Vec<f32> {
    transpose_pictures(numbers, height * width, channels)
}

/// Transposes each element of the batch, a matrix `[rows, columns]`.
fn transpose_pictures(numbers: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let size = rows * columns;
    assert!(size > 0 && numbers.len().is_multiple_of(size), "no pictures of {rows}×{columns}");
    let pictures = numbers.chunks_exact(size);
    let transposed = pictures.flat_map(|picture| {
        (0..columns).flat_map(move |column| picture[column..].iter().step_by(columns).copied())
    });
    transposed.collect()
}
