//! How similar two pictures of one size are: PSNR and SSIM.
//!
//! ```text
//! PSNR = 10 · log₁₀(255² / mean of (a − b)²)                           dB, infinite when equal
//! SSIM = mean of (2·μa·μb + c₁)(2·σab + c₂) / ((μa² + μb² + c₁)(σa² + σb² + c₂))       up to 1
//! ```
//!
//! Over red, green and blue; opacity is ignored. μ, σ² and σab are weighted by a Gaussian of σ 1.5
//! in a window of 11 × 11, and only windows inside the picture are used, as in the paper (Wang,
//! Bovik, Sheikh, Simoncelli: Image Quality Assessment, 2004). scikit-image gives the same with
//! `gaussian_weights=True, sigma=1.5, use_sample_covariance=False`.

use super::Rgba;
use serde::Serialize;

/// Pixels of the window on each side of its middle.
const RADIUS: usize = 5;
const SIGMA: f64 = 1.5;
/// (K · L)² of the paper: K is 0.01 and 0.03, L the largest value.
const C1: f64 = (0.01 * 255.0) * (0.01 * 255.0);
const C2: f64 = (0.03 * 255.0) * (0.03 * 255.0);

/// Two pictures, compared.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Likeness {
    /// Peak signal-to-noise ratio in dB; `None` when the pictures are equal.
    pub psnr: Option<f64>,
    /// Structural similarity; `None` when a side is shorter than the window.
    pub ssim: Option<f64>,
    /// The largest difference of two bytes.
    pub most: u8,
}

impl Likeness {
    /// Compares two pictures; `None` when their sizes differ.
    pub fn of(a: &Rgba, b: &Rgba) -> Option<Likeness> {
        if (a.width(), a.height()) != (b.width(), b.height()) {
            return None;
        }
        let pairs = || colours(a).zip(colours(b));
        let most = pairs().map(|(a, b)| a.abs_diff(b)).max().unwrap_or(0);
        let squares: u64 = pairs().map(|(a, b)| u64::from(a.abs_diff(b)).pow(2)).sum();
        let mean = squares as f64 / pairs().count() as f64;
        let psnr = (most > 0).then(|| psnr(mean, 255.0));
        Some(Likeness { psnr, ssim: ssim(a, b), most })
    }
}

/// Peak signal-to-noise ratio in dB from the mean squared difference of values up to `peak`;
/// infinite where nothing differs.
pub fn psnr(mean_square: f64, peak: f64) -> f64 {
    10.0 * (peak * peak / mean_square).log10()
}

/// The bytes of red, green and blue.
fn colours(picture: &Rgba) -> impl Iterator<Item = u8> {
    picture.pixels().as_chunks::<4>().0.iter().flat_map(|[r, g, b, _]| [*r, *g, *b])
}

fn ssim(a: &Rgba, b: &Rgba) -> Option<f64> {
    let size = [a.width() as usize, a.height() as usize];
    if size.iter().any(|side| *side <= 2 * RADIUS) {
        return None;
    }
    let channels = (0..3).map(|channel| {
        let [a, b] = [plane(a, channel), plane(b, channel)];
        let product = |x: &[f64], y: &[f64]| -> Vec<f64> {
            let products: Vec<f64> = x.iter().zip(y).map(|(x, y)| x * y).collect();
            blur(&products, size)
        };
        let (aa, bb, ab) = (product(&a, &a), product(&b, &b), product(&a, &b));
        let (ma, mb) = (blur(&a, size), blur(&b, size));
        let place = |i: usize| {
            let (ma, mb) = (ma[i], mb[i]);
            let (va, vb, cab) = (aa[i] - ma * ma, bb[i] - mb * mb, ab[i] - ma * mb);
            (2.0 * ma * mb + C1) * (2.0 * cab + C2) / ((ma * ma + mb * mb + C1) * (va + vb + C2))
        };
        (0..ma.len()).map(place).sum::<f64>() / ma.len() as f64
    });
    Some(channels.sum::<f64>() / 3.0)
}

fn plane(picture: &Rgba, channel: usize) -> Vec<f64> {
    picture.pixels().as_chunks::<4>().0.iter().map(|pixel| f64::from(pixel[channel])).collect()
}

/// The weighted means of all windows inside a plane, row by row.
fn blur(plane: &[f64], [width, height]: [usize; 2]) -> Vec<f64> {
    let weights: Vec<f64> = (0..=2 * RADIUS)
        .map(|tap| (-(tap as f64 - RADIUS as f64).powi(2) / (2.0 * SIGMA * SIGMA)).exp())
        .collect();
    let total: f64 = weights.iter().sum();
    // The window is a product of two equal windows along rows and columns, so these can be applied
    // one after the other.
    let weighted = |at: &dyn Fn(usize) -> f64| -> f64 {
        weights.iter().enumerate().map(|(tap, weight)| weight / total * at(tap)).sum()
    };
    let inner = width - 2 * RADIUS;
    let mut rows = Vec::with_capacity(inner * height);
    for line in plane.chunks_exact(width) {
        rows.extend((0..inner).map(|x| weighted(&|tap| line[x + tap])));
    }
    let place = |i: usize| weighted(&|tap| rows[i + tap * inner]);
    (0..inner * (height - 2 * RADIUS)).map(place).collect()
}
