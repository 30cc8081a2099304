//! FreeU in the up path of the UNet on candle: the first half of the channels from below is scaled,
//! and of the skips the lowest frequencies, those that `fftshift` puts in the middle and before it.
//! diffusers: `apply_freeu`, `fourier_filter` with threshold 1.
//!
//! ```text
//! low = Re (A_h · x · A_wᵀ)      A[i, j] = Σₖ e^(2πik(i − j)/n) / n      k = 0, and −1 where n > 1
//! ```

use candle_core::{Result, Tensor};
use std::f64::consts::TAU;

/// `[from below, skip]`, both `[b, c, h, w]`, with the scales `[of the half, of the low
/// frequencies]`.
///
/// # Errors
/// candle's, where shapes do not fit.
pub(super) fn scaled(
    below: Tensor,
    skip: &Tensor,
    [backbone, scale]: [f32; 2],
) -> Result<[Tensor; 2]> {
    let c = below.dim(1)?;
    let (half, rest) = (below.narrow(1, 0, c / 2)?, below.narrow(1, c / 2, c - c / 2)?);
    let below = Tensor::cat(&[&half.affine(f64::from(backbone), 0.0)?, &rest], 1)?;
    let skip = (skip + low_frequencies(skip)?.affine(f64::from(scale) - 1.0, 0.0)?)?;
    Ok([below, skip])
}

fn low_frequencies(x: &Tensor) -> Result<Tensor> {
    let (_, _, height, width) = x.dims4()?;
    let [[down, down_imaginary], [across, across_imaginary]] = [axis(height, x)?, axis(width, x)?];
    let filtered =
        |down: &Tensor, across: &Tensor| down.broadcast_matmul(&x.broadcast_matmul(&across.t()?)?);
    filtered(&down, &across)? - filtered(&down_imaginary, &across_imaginary)?
}

/// The real and the imaginary part of an axis' matrix `[n, n]`.
fn axis(n: usize, like: &Tensor) -> Result<[Tensor; 2]> {
    let matrix = |of_zero: f64, of_angle: fn(f64) -> f64| {
        let angle = |i: usize| TAU * ((i % n) as f64 - (i / n) as f64) / n as f64;
        let second = |i: usize| if n > 1 { of_angle(angle(i)) } else { 0.0 };
        let values = (0..n * n).map(|i| ((of_zero + second(i)) / n as f64) as f32);
        Tensor::from_vec(values.collect::<Vec<_>>(), (n, n), like.device())
    };
    Ok([matrix(1.0, f64::cos)?, matrix(0.0, f64::sin)?])
}
