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
pub(super) enum Loss {
    /// All in f32.
    None,
    /// Eleven bits of a number are kept.
    F16,
    /// Eight bits, as in bf16 and q8_0.
    Bits8,
    /// Four or five bits.
    Bits4,
}

impl Loss {
    /// Of activations in `precision` and weights of so many bits.
    pub(super) fn of(precision: Precision, bits: u64) -> Loss {
        let of_activations = if precision == Precision::F16 { Loss::F16 } else { Loss::None };
        let of_weights = match bits {
            32.. => Loss::None,
            16.. => Loss::F16,
            8.. => Loss::Bits8,
            _ => Loss::Bits4,
        };
        of_activations.max(of_weights)
    }

    /// What any of the published values in 0…1 may be off.
    pub(super) const fn largest(self) -> f32 {
        match self {
            Loss::None => 0.0,
            Loss::F16 => 0.02,
            Loss::Bits8 => 0.02,
            Loss::Bits4 => 0.2,
        }
    }

    /// What a picture's values may be off as a root mean square, if that says anything.
    pub(super) const fn typical(self) -> Option<f32> {
        match self {
            Loss::None => Some(0.0),
            Loss::F16 => Some(0.02),
            Loss::Bits8 => Some(0.06),
            Loss::Bits4 => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_coarser_part_decides() {
        assert_eq!(Loss::of(Precision::F32, 32), Loss::None);
        assert_eq!(Loss::of(Precision::F16, 32), Loss::F16);
        assert_eq!(Loss::of(Precision::F16, 8), Loss::Bits8);
        assert_eq!(Loss::of(Precision::F32, 5), Loss::Bits4);
        assert!(Loss::F16.largest() <= 0.02);
    }
}
