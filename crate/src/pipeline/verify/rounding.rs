//! How much rounding of activations and weights may change a picture: bounds that pass correct
//! pictures in a lower precision, but no faulty ones.
//!
//! Measured on the built-in model against f32, in three steps of each published sampler, with the
//! published prompt (which that model was not trained on, so that guidance enlarges every error)
//! and with one that it was trained on:
//!
//! ```text
//!               root mean square          the nine values
//! f16           0.001 to 0.011
//! q8_0          0.002 to 0.029            at most 0.009
//! q5_0, q4_0    0.015 to 0.29             at most 0.098
//! ```
//!
//! The bounds are about twice that. Whole pictures in four or five bits differ as much as those of
//! a faulty kernel: there is no bound for them.

use crate::dtype::Precision;

/// The bounds, from the smallest to the largest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RoundingBound {
    /// All values are f32.
    None,
    /// Values have eleven significant bits.
    F16,
    /// Eight bits, as in bf16 and q8_0.
    Bits8,
    /// Four or five bits.
    Bits4,
}

impl RoundingBound {
    /// For activations of `precision` and weights with so many significant bits.
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

    /// The largest allowed difference of any of the published values, which are in 0…1.
    pub(super) const fn max_bound(self) -> f32 {
        match self {
            RoundingBound::None => 0.0,
            RoundingBound::F16 => 0.02,
            RoundingBound::Bits8 => 0.02,
            RoundingBound::Bits4 => 0.2,
        }
    }

    /// The largest allowed root mean square difference of a whole picture; `None` if there is no
    /// useful bound.
    pub(super) const fn rms_bound(self) -> Option<f32> {
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
        assert!(RoundingBound::F16.max_bound() <= 0.02);
    }
}
