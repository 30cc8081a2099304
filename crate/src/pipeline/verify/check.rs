//! Makes the comparisons of a verification.

use super::rounding::RoundingBound;
use crate::pipeline::control::{Check, CheckResult};

impl Check {
    /// Compares the nine published values.
    pub(super) fn of_corners(
        name: &str,
        pair: [&[f32]; 2],
        tolerance: f32,
        rounding: RoundingBound,
    ) -> Check {
        let bound = tolerance.max(rounding.max_bound());
        Check::compared(name, largest(pair), tolerance, bound).with_corners(pair)
    }

    /// Compares whole pictures; `rms_bound` is that of [`RoundingBound::rms_bound`].
    pub(super) fn of_pictures(
        name: &str,
        pair: [&[f32]; 2],
        tolerance: f32,
        rms_bound: f32,
    ) -> Check {
        let check = Check::compared(name, largest(pair), tolerance, tolerance);
        if check.verdict == CheckResult::Pass || rms_bound <= tolerance {
            return check;
        }
        let mut check = Check::compared(name, root_mean_square(pair), tolerance, rms_bound);
        if check.verdict == CheckResult::Pass {
            check.verdict = CheckResult::Precision;
        }
        check
    }

    /// Adds the corners of both pictures, for display.
    pub(super) fn with_corners(self, [expected, got]: [&[f32]; 2]) -> Check {
        Check { expected: expected.to_vec(), got: got.to_vec(), ..self }
    }

    fn compared(name: &str, difference: f32, tolerance: f32, bound: f32) -> Check {
        let verdict = match difference {
            d if d <= tolerance => CheckResult::Pass,
            d if d <= bound => CheckResult::Precision,
            _ => CheckResult::Fail,
        };
        let (expected, got) = (Vec::new(), Vec::new());
        Check { name: name.into(), expected, got, difference, tolerance, bound, verdict }
    }
}

/// The largest difference; NaN where a value is NaN, or the lengths differ.
fn largest([expected, got]: [&[f32]; 2]) -> f32 {
    let errors = expected.iter().zip(got).map(|(a, b)| (a - b).abs());
    // Unlike `f32::max`, this does not ignore NaN.
    let worst = |a: f32, b: f32| if a.is_nan() || a >= b { a } else { b };
    if expected.len() == got.len() { errors.fold(0.0, worst) } else { f32::NAN }
}

fn root_mean_square([expected, got]: [&[f32]; 2]) -> f32 {
    let squares = expected.iter().zip(got).map(|(a, b)| f64::from(a - b).powi(2));
    let mean = squares.sum::<f64>() / expected.len() as f64;
    if expected.len() == got.len() { mean.sqrt() as f32 } else { f32::NAN }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_never_hides_a_fault() {
        let check =
            |got: &[f32], rounding| Check::of_corners("x", [&[0.5, 0.25], got], 1e-3, rounding);
        assert_eq!(check(&[0.5, 0.2505], RoundingBound::None).verdict, CheckResult::Pass);
        assert_eq!(check(&[0.5, 0.26], RoundingBound::None).verdict, CheckResult::Fail);
        assert_eq!(check(&[0.5, 0.26], RoundingBound::F16).verdict, CheckResult::Precision);
        assert_eq!(check(&[0.5, 0.28], RoundingBound::F16).verdict, CheckResult::Fail);
        assert_eq!(check(&[f32::NAN, 0.25], RoundingBound::F16).verdict, CheckResult::Fail);
        assert_eq!(check(&[0.5], RoundingBound::F16).verdict, CheckResult::Fail);
        assert_eq!(check(&[0.5, 0.26], RoundingBound::F16).bound, RoundingBound::F16.max_bound());
    }

    #[test]
    fn pictures_are_held_to_every_pixel_in_f32_only() {
        let expected = [0.5; 100];
        let mut got = expected;
        got[7] = 0.55;
        let check = |got: &[f32], rms_bound| {
            Check::of_pictures("x", [&expected, got], 2.0 / 255.0, rms_bound).verdict
        };
        assert_eq!(check(&expected, 0.02), CheckResult::Pass);
        assert_eq!(check(&got, 0.0), CheckResult::Fail);
        assert_eq!(check(&got, 0.02), CheckResult::Precision);
        assert_eq!(check(&[0.55; 100], 0.02), CheckResult::Fail);
        assert_eq!(check(&[f32::NAN; 100], 0.02), CheckResult::Fail);
    }
}
