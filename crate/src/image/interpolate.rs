//! Planes of numbers, such as latents, made larger: torch's `functional.interpolate` with
//! `align_corners=False`.
//!
//! ```text
//! y[i] = Σⱼ x[j] · k(j + ½ − centre)      centre = (i + ½) · from / to
//! bilinear:      1 − |t|, |t| < 1; the edge goes on beyond it
//! bicubic:       Keys' cubic with a = −¾; the edge goes on beyond it
//! Keys' bicubic: the same with a = −½; what is beyond the edge does not count (`antialias=True`)
//! nearest:       x[⌊i · from / to⌋]       nearest-exact: x[⌊centre⌋]
//! ```

use super::resize::{cubic, weights};

/// How numbers between others are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interpolation {
    /// `bilinear`, with and without `antialias`, which changes nothing where planes become larger.
    Bilinear,
    /// `bicubic`.
    Bicubic,
    /// `bicubic` with `antialias`.
    KeysBicubic,
    /// `nearest`.
    Nearest,
    /// `nearest-exact`.
    NearestExact,
}

/// The inputs of one output, with their weights.
type Tap = Vec<(usize, f32)>;

/// Planes `[any, h, w]` as `[any, to_h, to_w]`, which are not smaller; sizes are width and height.
///
/// # Panics
/// For planes of another size.
pub fn enlarged(planes: &[f32], from: [usize; 2], to: [usize; 2], how: Interpolation) -> Vec<f32> {
    let [width, height] = from;
    assert_eq!(planes.len() % (width * height), 0, "planes of {width}×{height}");
    let [across, down] = [0, 1].map(|side| taps(from[side], to[side], how));
    let mut made = Vec::with_capacity(planes.len() / (width * height) * to[0] * to[1]);
    for plane in planes.chunks_exact(width * height) {
        let wide: Vec<Vec<f32>> = plane
            .chunks_exact(width)
            .map(|row| {
                across.iter().map(|tap| tap.iter().map(|(j, w)| w * row[*j]).sum()).collect()
            })
            .collect();
        for tap in &down {
            made.extend((0..to[0]).map(|x| tap.iter().map(|(j, w)| w * wide[*j][x]).sum::<f32>()));
        }
    }
    made
}

/// The taps of each output of a side.
fn taps(from: usize, to: usize, how: Interpolation) -> Vec<Tap> {
    let triangle = |t: f64| (1.0 - t.abs()).max(0.0);
    let by = |radius: f64, kernel: &dyn Fn(f64) -> f64| {
        let tap = |(first, weights): (usize, Vec<f64>)| {
            weights.into_iter().enumerate().map(|(j, w)| (first + j, w as f32)).collect()
        };
        weights(from, [0, from], (to, 0..to), (radius, kernel)).map(tap).collect()
    };
    // In f32, as torch finds them.
    let ratio = from as f32 / to as f32;
    let one = |place: f32| vec![((place as usize).min(from - 1), 1.0)];
    match how {
        Interpolation::Bilinear => by(1.0, &triangle),
        Interpolation::KeysBicubic => by(2.0, &cubic),
        Interpolation::Bicubic => (0..to).map(|i| clamped(i, from, to)).collect(),
        Interpolation::Nearest => (0..to).map(|i| one(i as f32 * ratio)).collect(),
        Interpolation::NearestExact => (0..to).map(|i| one((i as f32 + 0.5) * ratio)).collect(),
    }
}

/// The four inputs around an output, by torch's cubic kernel; beyond the edge there is the edge.
fn clamped(i: usize, from: usize, to: usize) -> Tap {
    const A: f64 = -0.75;
    let place = (i as f64 + 0.5) * from as f64 / to as f64 - 0.5;
    let near = |t: f64| ((A + 2.0) * t - (A + 3.0)) * t * t + 1.0;
    let far = |t: f64| ((A * t - 5.0 * A) * t + 8.0 * A) * t - 4.0 * A;
    let t = place - place.floor();
    let weights = [far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)];
    let input = |k: usize| (place.floor() as i64 - 1 + k as i64).clamp(0, from as i64 - 1);
    weights.into_iter().enumerate().map(|(k, w)| (input(k) as usize, w as f32)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `interpolate(torch.tensor([[[[0., 1, 4]]]]), (1, 5), mode="bilinear")`, and so on.
    #[test]
    fn a_row_is_enlarged_as_torch_does_it() {
        let row = |how| enlarged(&[0.0, 1.0, 4.0], [3, 1], [5, 1], how);
        assert_eq!(row(Interpolation::Nearest), [0.0, 0.0, 1.0, 1.0, 4.0]);
        assert_eq!(row(Interpolation::NearestExact), [0.0, 0.0, 1.0, 4.0, 4.0]);
        for (how, wanted) in [
            (Interpolation::Bilinear, [0.0, 0.4, 1.0, 2.8, 4.0]),
            (Interpolation::Bicubic, [-0.096, 0.172_001, 1.0, 2.908, 4.288_001]),
            (Interpolation::KeysBicubic, [-0.075_472, 0.216_418, 1.0, 2.992_537, 4.226_415]),
        ] {
            for (got, want) in row(how).iter().zip(wanted) {
                assert!((got - want).abs() < 2e-6, "{how:?}: {got} {want}");
            }
        }
    }
}
