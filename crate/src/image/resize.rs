//! Resizing as Pillow does it, byte for byte: bicubic, what CLIP was trained on and transformers'
//! image processor calls; Lanczos, what diffusers calls for the pictures of ControlNets.
//!
//! ```text
//! y[i] = Σⱼ x[j] · k((j + ½ − centre) / scale)      centre = begin + (i + ½) · from / to
//! bicubic: Keys' cubic with a = −½, |t| < 2         scale  = max(from / to, 1)
//! Lanczos: sinc(t) · sinc(t / 3), |t| < 3
//! ```
//!
//! For a smaller picture the kernel is wider, so that every pixel counts (antialiasing). The
//! coefficients of an output add up to one and are rounded to 22 bits; rows are resized first,
//! rounded to bytes, then columns, as in Pillow before version 13, which chooses by the
//! sizes. (Pillow, `Resample.c`; R. G. Keys 1981.)

use super::rgba::Rgba;
use std::borrow::Cow;
use std::ops::Range;

/// Fractional bits of a coefficient: 32, less 8 for the pixel and 2 for sums that are larger than a
/// pixel.
const PRECISION_BITS: u32 = 22;

/// A kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// Keys' cubic convolution.
    Bicubic,
    /// A windowed sinc of three lobes, which diffusers' image processors use.
    Lanczos,
}

impl Filter {
    /// The kernel's radius at scale one.
    fn support(self) -> f64 {
        match self {
            Filter::Bicubic => 2.0,
            Filter::Lanczos => 3.0,
        }
    }

    fn at(self, t: f64) -> f64 {
        match self {
            Filter::Bicubic => cubic(t),
            Filter::Lanczos if (-3.0..3.0).contains(&t) => sinc(t) * sinc(t / 3.0),
            Filter::Lanczos => 0.0,
        }
    }
}

impl Rgba {
    /// The picture at another size, bicubic; opacity is treated like a colour. Pillow:
    /// `Image.resize(size, BICUBIC)`.
    ///
    /// # Panics
    /// When one of the two pictures has no pixels.
    pub fn resize_bicubic(&self, width: u32, height: u32) -> Rgba {
        self.resize(width, height, Filter::Bicubic)
    }

    /// The same with any kernel. Pillow: `Image.resize(size, filter)`.
    ///
    /// # Panics
    /// When one of the two pictures has no pixels.
    pub fn resize(&self, width: u32, height: u32, filter: Filter) -> Rgba {
        let from = [self.width(), self.height()];
        let pixels = resampled::<4>(self.pixels(), from, [width, height], filter);
        Rgba::new(width, height, pixels)
    }
}

/// Pixels of C bytes at another size.
///
/// # Panics
/// When one of the two pictures has no pixels.
pub(super) fn resampled<const C: usize>(
    pixels: &[u8],
    from: [u32; 2],
    to: [u32; 2],
    filter: Filter,
) -> Vec<u8> {
    resampled_part::<C>(pixels, from, (to, to.map(|side| 0..side as usize)), filter)
}

/// Of pixels of C bytes at another size, some columns and rows: no others are made.
///
/// # Panics
/// When one of the two pictures has no pixels.
pub(super) fn resampled_part<const C: usize>(
    pixels: &[u8],
    from: [u32; 2],
    (to, [columns, rows]): ([u32; 2], [Range<usize>; 2]),
    filter: Filter,
) -> Vec<u8> {
    assert!(![from, to].concat().contains(&0), "a picture has pixels");
    let [from_width, from_height] = from.map(|side| side as usize);
    let [to_width, to_height] = to.map(|side| side as usize);
    let row_bytes = columns.len() * C;
    // A side that keeps its length is not resampled.
    let narrow = match to_width == from_width && row_bytes == from_width * C {
        true => Cow::Borrowed(pixels),
        false => {
            let taps = taps(from_width, [0, from_width], (to_width, columns), filter);
            let mut made = Vec::with_capacity(row_bytes * from_height);
            let wide = pixels.chunks_exact(from_width * C);
            wide.for_each(|row| made.extend(along_row::<C>(row, &taps)));
            Cow::Owned(made)
        }
    };
    if to_height == from_height {
        return narrow[rows.start * row_bytes..rows.end * row_bytes].to_vec();
    }
    down(&narrow, row_bytes, &taps(from_height, [0, from_height], (to_height, rows), filter))
}

/// `count` rows (or, of a row, pixels of C bytes) made of nothing but the first edge of a side of
/// `from`, or of its last edge. Pillow: `Image.resize` of a box without extent.
pub(super) fn edge_taps(from: usize, last: bool, count: usize) -> Vec<Tap> {
    let edge = if last { from } else { 0 };
    taps(from, [edge, edge], (count, 0..count), Filter::Bicubic)
}

/// The inputs of one output, from `first` on, and their coefficients.
pub(super) struct Tap {
    first: usize,
    coefficients: Vec<i32>,
}

/// The taps of some of the `to` outputs of an axis, which shows what is from `begin` to `end` of
/// the `from` inputs.
fn taps(from: usize, area: [usize; 2], outputs: (usize, Range<usize>), filter: Filter) -> Vec<Tap> {
    let kernel = |t: f64| filter.at(t);
    let kernel: (f64, &dyn Fn(f64) -> f64) = (filter.support(), &kernel);
    let tap = |(first, weights): (usize, Vec<f64>)| Tap {
        first,
        coefficients: weights.into_iter().map(fixed).collect(),
    };
    weights(from, area, outputs, kernel).map(tap).collect()
}

/// The same as numbers that add up to one, by any kernel with its radius.
pub(super) fn weights<'k>(
    from: usize,
    [begin, end]: [usize; 2],
    (to, outputs): (usize, Range<usize>),
    (radius, kernel): (f64, &'k dyn Fn(f64) -> f64),
) -> impl Iterator<Item = (usize, Vec<f64>)> + 'k {
    let ratio = (end - begin) as f64 / to as f64;
    let scale = ratio.max(1.0);
    let support = radius * scale;
    let of_output = move |i: usize| {
        let centre = begin as f64 + (i as f64 + 0.5) * ratio;
        // Rounded towards zero, as in C; inputs before the first pixel are left out.
        let first = ((centre - support + 0.5) as i64).max(0) as usize;
        let end = ((centre + support + 0.5) as i64).min(from as i64) as usize;
        let weight = |j: usize| kernel((j as f64 - centre + 0.5) * (1.0 / scale));
        let weights: Vec<f64> = (first..end).map(weight).collect();
        let sum: f64 = weights.iter().sum();
        (first, weights.into_iter().map(|weight| weight / sum).collect())
    };
    outputs.map(of_output)
}

fn sinc(t: f64) -> f64 {
    let x = t * std::f64::consts::PI;
    if x == 0.0 { 1.0 } else { libm::sin(x) / x }
}

/// Keys' cubic convolution kernel.
pub(super) fn cubic(t: f64) -> f64 {
    const A: f64 = -0.5;
    let t = t.abs();
    match () {
        () if t < 1.0 => ((A + 2.0) * t - (A + 3.0)) * t * t + 1.0,
        () if t < 2.0 => (((t - 5.0) * t + 8.0) * t - 4.0) * A,
        () => 0.0,
    }
}

/// A coefficient in fixed point, rounded half away from zero.
fn fixed(coefficient: f64) -> i32 {
    let scaled = coefficient * f64::from(1 << PRECISION_BITS);
    (scaled + 0.5f64.copysign(scaled)) as i32
}

/// A weighted sum in fixed point, which was started with one half, rounded to a byte.
fn byte(sum: i32) -> u8 {
    (sum >> PRECISION_BITS).clamp(0, 255) as u8
}

const HALF: i32 = 1 << (PRECISION_BITS - 1);

/// A row of pixels of C bytes.
pub(super) fn along_row<const C: usize>(row: &[u8], taps: &[Tap]) -> Vec<u8> {
    let row = row.as_chunks::<C>().0;
    let pixel = |tap: &Tap| {
        let mut sums = [HALF; C];
        for (pixel, coefficient) in row[tap.first..].iter().zip(&tap.coefficients) {
            for (sum, value) in sums.iter_mut().zip(pixel) {
                *sum += i32::from(*value) * coefficient;
            }
        }
        sums.map(byte)
    };
    taps.iter().flat_map(pixel).collect()
}

/// Rows of so many bytes from rows above one another.
pub(super) fn down(pixels: &[u8], row_bytes: usize, taps: &[Tap]) -> Vec<u8> {
    let mut made = Vec::with_capacity(taps.len() * row_bytes);
    taps.iter().for_each(|tap| made.extend(one_row(pixels, row_bytes, tap)));
    made
}

fn one_row(pixels: &[u8], row_bytes: usize, tap: &Tap) -> Vec<u8> {
    let mut sums = vec![HALF; row_bytes];
    let rows = pixels[tap.first * row_bytes..].chunks_exact(row_bytes);
    for (row, coefficient) in rows.zip(&tap.coefficients) {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += i32::from(*value) * coefficient;
        }
    }
    sums.into_iter().map(byte).collect()
}
