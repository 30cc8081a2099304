//! One comparison of a verification, and what it says.

use crate::dtype::{Precision, WeightType};
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
    /// The largest difference of all values that were compared.
    pub difference: f32,
    /// What f32 is held to.
    pub tolerance: f32,
    /// What this run is held to: more, where its precision is known to cost more.
    pub bound: f32,
    pub verdict: Verdict,
}

impl Check {
    /// Compares what should be equal; `loss` is what the precision of the run costs.
    pub(super) fn new(
        name: &str,
        [expected, got]: [&[f32]; 2],
        tolerance: f32,
        loss: f32,
    ) -> Check {
        let errors = expected.iter().zip(got).map(|(a, b)| (a - b).abs());
        // Unlike `f32::max`, this does not overlook what is no number.
        let worst = |a: f32, b: f32| if a.is_nan() || a >= b { a } else { b };
        let difference = match expected.len() == got.len() {
            true => errors.fold(0.0, worst),
            false => f32::NAN,
        };
        let bound = tolerance.max(loss);
        let verdict = match difference {
            d if d <= tolerance => Verdict::Pass,
            d if d <= bound => Verdict::Precision,
            _ => Verdict::Fail,
        };
        let (expected, got) = (expected.to_vec(), got.to_vec());
        Check { name: name.into(), expected, got, difference, tolerance, bound, verdict }
    }
}

/// What a type costs at most, of values in 0…1, in the published requests.
pub(super) fn loss_of(precision: Precision, weights: WeightType) -> f32 {
    let of_activations = match precision {
        Precision::F32 => 0.0,
        Precision::F16 => F16_LOSS,
    };
    let bits = weights.bytes(1024) * 8 / 1024;
    let of_weights = match bits {
        32.. => 0.0,
        16.. => F16_LOSS,
        8.. => Q8_LOSS,
        _ => Q4_LOSS,
    };
    f32::max(of_activations, of_weights)
}

const F16_LOSS: f32 = 0.02;
const Q8_LOSS: f32 = 0.05;
const Q4_LOSS: f32 = 0.3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_never_hides_a_fault() {
        let check = |got: &[f32], loss| Check::new("x", [&[0.5, 0.25], got], 1e-3, loss);
        assert_eq!(check(&[0.5, 0.2505], 0.0).verdict, Verdict::Pass);
        assert_eq!(check(&[0.5, 0.26], 0.0).verdict, Verdict::Fail);
        assert_eq!(check(&[0.5, 0.26], 0.02).verdict, Verdict::Precision);
        assert_eq!(check(&[0.5, 0.28], 0.02).verdict, Verdict::Fail);
        assert_eq!(check(&[f32::NAN, 0.25], 0.02).verdict, Verdict::Fail);
        assert_eq!(check(&[0.5], 0.02).verdict, Verdict::Fail);
        assert_eq!(check(&[0.5, 0.26], 0.02).bound, 0.02);
    }

    #[test]
    fn coarser_types_may_cost_more() {
        assert_eq!(loss_of(Precision::F32, WeightType::F32), 0.0);
        assert!(loss_of(Precision::F16, WeightType::F32) <= 0.02);
        assert!(loss_of(Precision::F32, WeightType::F16) <= 0.02);
    }
}
