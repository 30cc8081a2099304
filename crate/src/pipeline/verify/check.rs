//! How a comparison of a verification is made.

use super::rounding::RoundingBound;
use crate::pipeline::control::{Check, CheckResult};

impl Check {
    /// Compares the published numbers.
    pub(super) fn of_corners(
        name: &str,
        pair: [&[f32]; 2],
        tolerance: f32,
        loss: RoundingBound,
    ) -> Check {
        let bound = tolerance.max(loss.largest());
        Check::judge(name, largest(pair), tolerance, bound).with_corners(pair)
    }

    /// Compares whole pictures; `typical` as of [`RoundingBound::typical`].
    pub(super) fn of_pictures(
        name: &str,
        pair: [&[f32]; 2],
        tolerance: f32,
        typical: f32,
    ) -> Check {
        let check = Check::judge(name, largest(pair), tolerance, tolerance);
        if check.verdict == CheckResult::Pass || typical <= tolerance {
            return check;
        }
        let mut check = Check::judge(name, root_mean_square(pair), tolerance, typical);
        if check.verdict == CheckResult::Pass {
            check.verdict = CheckResult::Precision;
        }
        check
    }

    /// Keeps what is shown of both.
    pub(super) fn with_corners(self, [expected, got]: [&[f32]; 2]) -> Check {
        Check { expected: expected.to_vec(), got: got.to_vec(), ..self }
    }

    fn judge(name: &str, difference: f32, tolerance: f32, bound: f32) -> Check {
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
    // Unlike `f32::max`, this does not overlook what is no number.
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
        let check = |got: &[f32], loss| Check::of_corners("x", [&[0.5, 0.25], got], 1e-3, loss);
        assert_eq!(check(&[0.5, 0.2505], RoundingBound::None).verdict, CheckResult::Pass);
        assert_eq!(check(&[0.5, 0.26], RoundingBound::None).verdict, CheckResult::Fail);
        assert_eq!(check(&[0.5, 0.26], RoundingBound::F16).verdict, CheckResult::Precision);
        assert_eq!(check(&[0.5, 0.28], RoundingBound::F16).verdict, CheckResult::Fail);
        assert_eq!(check(&[f32::NAN, 0.25], RoundingBound::F16).verdict, CheckResult::Fail);
        assert_eq!(check(&[0.5], RoundingBound::F16).verdict, CheckResult::Fail);
        assert_eq!(check(&[0.5, 0.26], RoundingBound::F16).bound, RoundingBound::F16.largest());
    }

    #[test]
    fn pictures_are_held_to_every_pixel_in_f32_only() {
        let expected = [0.5; 100];
        let mut got = expected;
        got[7] = 0.55;
        let check = |got: &[f32], typical| {
            Check::of_pictures("x", [&expected, got], 2.0 / 255.0, typical).verdict
        };
        assert_eq!(check(&expected, 0.02), CheckResult::Pass);
        assert_eq!(check(&got, 0.0), CheckResult::Fail);
        assert_eq!(check(&got, 0.02), CheckResult::Precision);
        assert_eq!(check(&[0.55; 100], 0.02), CheckResult::Fail);
        assert_eq!(check(&[f32::NAN; 100], 0.02), CheckResult::Fail);
    }
}
