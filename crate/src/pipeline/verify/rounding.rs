//! What rounding of activations and weights may cost in a picture, so that a verification neither
//! calls it a fault nor hides a fault behind it.
//!
//! Measured on the built-in model against f32, in three steps of each published sampler, with the
//! published prompt (which that model has never seen, so that guidance enlarges every error) and
//! with one that it knows:
//!
//! ```text
//!               root mean square          the nine values
//! f16           0.001 to 0.011
//! q8_0          0.002 to 0.029            at most 0.009
//! q5_0, q4_0    0.015 to 0.29             at most 0.098
//! ```
//!
//! The bounds are about twice that. Whole pictures in four or five bits differ as much as pictures
//! of a faulty kernel do: there is no bound for them.

use crate::dtype::Precision;

/// From exact to coarse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RoundingBound {
    /// All in f32.
    None,
    /// Eleven bits of a number are kept.
    F16,
    /// Eight bits, as in bf16 and q8_0.
    Bits8,
    /// Four or five bits.
    Bits4,
}

impl RoundingBound {
    /// Of activations in `precision` and weights of so many bits.
    pub(super) fn of(precision: Precision, bits: u64) -> RoundingBound {
        let of_activations =
            if precision == Precision::F16 { RoundingBound::F16 } else { RoundingBound::None };
        let of_weights = match bits {
            32.. => RoundingBound::None,
            16.. => RoundingBound::F16,
            8.. => RoundingBound::Bits8,
            _ => RoundingBound::Bits4,
        };
        of_activations.max(of_weights)
    }

    /// What any of the published values in 0…1 may be off.
    pub(super) const fn largest(self) -> f32 {
        match self {
            RoundingBound::None => 0.0,
            RoundingBound::F16 => 0.02,
            RoundingBound::Bits8 => 0.02,
            RoundingBound::Bits4 => 0.2,
        }
    }

    /// What a picture's values may be off as a root mean square, if that says anything.
    pub(super) const fn typical(self) -> Option<f32> {
        match self {
            RoundingBound::None => Some(0.0),
            RoundingBound::F16 => Some(0.02),
            RoundingBound::Bits8 => Some(0.06),
            RoundingBound::Bits4 => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_coarser_part_decides() {
        assert_eq!(RoundingBound::of(Precision::F32, 32), RoundingBound::None);
        assert_eq!(RoundingBound::of(Precision::F16, 32), RoundingBound::F16);
        assert_eq!(RoundingBound::of(Precision::F16, 8), RoundingBound::Bits8);
        assert_eq!(RoundingBound::of(Precision::F32, 5), RoundingBound::Bits4);
        assert!(RoundingBound::F16.largest() <= 0.02);
    }
}
