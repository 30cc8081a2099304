//! One comparison of a verification, and what it says.

use super::loss::Loss;
use serde::Serialize;

/// What a comparison says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Equal to the tolerance that holds in f32.
    Pass,
    /// Beyond that, but within what the chosen precision is known to cost.
    Precision,
    /// Something is wrong.
    Fail,
}

/// Numbers that should be equal, and how equal they are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// Such as `ddim`.
    pub name: String,
    /// The blue of the picture's last three rows and columns, in 0…1, as it should be.
    pub expected: Vec<f32>,
    /// And as it is.
    pub got: Vec<f32>,
    /// The largest difference of all values that were compared; of a whole picture in less than
    /// f32, their root mean square, since single pixels at edges say nothing there.
    pub difference: f32,
    /// What f32 is held to.
    pub tolerance: f32,
    /// What this run is held to: more, where its precision is known to cost more.
    pub bound: f32,
    pub verdict: Verdict,
}

impl Check {
    /// Compares the published numbers.
    pub(super) fn of_corners(name: &str, pair: [&[f32]; 2], tolerance: f32, loss: Loss) -> Check {
        let bound = tolerance.max(loss.largest());
        Check::judge(name, largest(pair), tolerance, bound).with_corners(pair)
    }

    /// Compares whole pictures; `typical` as of [`Loss::typical`].
    pub(super) fn of_pictures(
        name: &str,
        pair: [&[f32]; 2],
        tolerance: f32,
        typical: f32,
    ) -> Check {
        let check = Check::judge(name, largest(pair), tolerance, tolerance);
        if check.verdict == Verdict::Pass || typical <= tolerance {
            return check;
        }
        let mut check = Check::judge(name, root_mean_square(pair), tolerance, typical);
        if check.verdict == Verdict::Pass {
            check.verdict = Verdict::Precision;
        }
        check
    }

    /// Keeps what is shown of both.
    pub(super) fn with_corners(self, [expected, got]: [&[f32]; 2]) -> Check {
        Check { expected: expected.to_vec(), got: got.to_vec(), ..self }
    }

    fn judge(name: &str, difference: f32, tolerance: f32, bound: f32) -> Check {
        let verdict = match difference {
            d if d <= tolerance => Verdict::Pass,
            d if d <= bound => Verdict::Precision,
            _ => Verdict::Fail,
        };
        let (expected, got) = (Vec::new(), Vec::new());
        Check { name: name.into(), expected, got, difference, tolerance, bound, verdict }
    }
}

/// The largest difference; NaN when a value is none, or the lengths differ.
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
        assert_eq!(check(&[0.5, 0.2505], Loss::None).verdict, Verdict::Pass);
        assert_eq!(check(&[0.5, 0.26], Loss::None).verdict, Verdict::Fail);
        assert_eq!(check(&[0.5, 0.26], Loss::F16).verdict, Verdict::Precision);
        assert_eq!(check(&[0.5, 0.28], Loss::F16).verdict, Verdict::Fail);
        assert_eq!(check(&[f32::NAN, 0.25], Loss::F16).verdict, Verdict::Fail);
        assert_eq!(check(&[0.5], Loss::F16).verdict, Verdict::Fail);
        assert_eq!(check(&[0.5, 0.26], Loss::F16).bound, Loss::F16.largest());
    }

    #[test]
    fn pictures_are_held_to_every_pixel_in_f32_only() {
        let expected = [0.5; 100];
        let mut got = expected;
        got[7] = 0.55;
        let check = |got: &[f32], typical| {
            Check::of_pictures("x", [&expected, got], 2.0 / 255.0, typical).verdict
        };
        assert_eq!(check(&expected, 0.02), Verdict::Pass);
        assert_eq!(check(&got, 0.0), Verdict::Fail);
        assert_eq!(check(&got, 0.02), Verdict::Precision);
        assert_eq!(check(&[0.55; 100], 0.02), Verdict::Fail);
        assert_eq!(check(&[f32::NAN; 100], 0.02), Verdict::Fail);
    }
}
