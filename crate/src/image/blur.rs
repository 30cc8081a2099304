//! The Gaussian blur of a mask as Pillow does it, byte for byte: three box blurs along the rows,
//! then three down the columns.
//!
//! ```text
//! σ² = radius² / 3        L = √(12 · σ² + 1)        l = ⌊(L − 1) / 2⌋
//! r  = l + (2l + 1) · (l(l + 1) − 3σ²) / (6 · (σ² − (l + 1)²))
//! y[i] = w · Σ x[i − ⌊r⌋ … i + ⌊r⌋] + f · (x[i − ⌊r⌋ − 1] + x[i + ⌊r⌋ + 1])
//! w  = 1 / (2r + 1)       f = (1 − w · (2⌊r⌋ + 1)) / 2          with 24 fractional bits
//! ```
//!
//! Beyond an edge is what is at the edge. (Pillow, `BoxBlur.c`; Gwosdek et al., "Theoretical
//! Foundations of Gaussian Convolution by Extended Box Filtering".)

use super::mask::Mask;

/// Box blurs along each axis.
const PASSES: usize = 3;

impl Mask {
    /// The mask blurred. Pillow: `Image.filter(ImageFilter.GaussianBlur(radius))`; diffusers:
    /// `VaeImageProcessor.blur`.
    #[must_use]
    pub fn blur(&self, radius: f64) -> Mask {
        if radius <= 0.0 || self.values().is_empty() {
            return self.clone();
        }
        let weights = BoxWeights::of(radius as f32);
        let [w, h] = [self.width(), self.height()].map(|side| side as usize);
        let rows = blur_rows(self.values(), w, &weights);
        let columns = blur_rows(&transposed(&rows, w, h), h, &weights);
        Mask::new(self.width(), self.height(), transposed(&columns, h, w))
    }
}

/// The weights of a box whose radius is not whole.
struct BoxWeights {
    radius: usize,
    inner: u32,
    outer: u32,
}

impl BoxWeights {
    /// For a Gaussian of this radius, as Pillow computes it, in `float`.
    fn of(radius: f32) -> BoxWeights {
        let sigma2 = radius * radius / PASSES as f32;
        let length = (12.0 * f64::from(sigma2) + 1.0).sqrt() as f32;
        let l = ((f64::from(length) - 1.0) / 2.0).floor() as f32;
        let a = (2.0 * l + 1.0) * (l * (l + 1.0) - 3.0 * sigma2);
        let radius = l + a / (6.0 * (sigma2 - (l + 1.0) * (l + 1.0)));
        let whole = radius as usize;
        let inner = ((1 << 24) as f32 / (radius * 2.0 + 1.0)) as u32;
        let outer = ((1 << 24) - (2 * whole as u32 + 1) * inner) / 2;
        BoxWeights { radius: whole, inner, outer }
    }
}

/// All passes along rows of this length.
fn blur_rows(values: &[u8], length: usize, weights: &BoxWeights) -> Vec<u8> {
    let row = |row: &[u8]| (0..PASSES).fold(row.to_vec(), |row, _| blur_row(&row, weights));
    values.chunks_exact(length).flat_map(row).collect()
}

fn blur_row(row: &[u8], &BoxWeights { radius, inner, outer }: &BoxWeights) -> Vec<u8> {
    let last = row.len() - 1;
    let at = |i: usize| u32::from(row[i.saturating_sub(radius + 1).min(last)]);
    // The sum within the box, for i = −1. Places are shifted by radius + 1: none is below 0.
    let mut sum: u32 = (0..2 * radius + 1).map(at).sum();
    let value = |i: usize| {
        sum = sum + at(i + 2 * radius + 1) - at(i);
        let bulk = sum * inner + (at(i) + at(i + 2 * radius + 2)) * outer;
        ((bulk + (1 << 23)) >> 24) as u8
    };
    (0..row.len()).map(value).collect()
}

fn transposed(values: &[u8], w: usize, h: usize) -> Vec<u8> {
    (0..w).flat_map(|x| (0..h).map(move |y| values[y * w + x])).collect()
}
