//! What an adapter's numbers mean for how a model is held: types that cannot be relied on there are
//! refused by name. Another type in their place would change what pictures say they were made with.

use super::engine::Options;
use crate::dtype::{Precision, WeightType};
use crate::error::{Error, Result};
use crate::measure::Numerics;

/// Checks that an adapter computes reliably with these options.
///
/// # Errors
/// [`Error::Request`] naming the option that cannot be relied on.
pub(super) fn check_numerics(options: &Options, numerics: Numerics) -> Result<()> {
    if !numerics.overflow_is_infinite && options.precision == Precision::F16 {
        let reason = "can only be f32: this graphics adapter does not turn numbers beyond f16's \
                      range into infinity, so a picture could be wrong without a sign of it";
        return Err(Error::Request { field: "precision", reason: reason.into() });
    }
    if !numerics.keeps_subnormals && options.weights.is_some_and(WeightType::is_quantised) {
        let reason = "can only be f16 or f32: this graphics adapter takes the smallest f16 numbers \
                      for zero, and the scales of quantised weights are among them";
        return Err(Error::Request { field: "weights", reason: reason.into() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_that_cannot_be_relied_on_is_refused_by_name() {
        let exact = Numerics::EXACT;
        let small = Options {
            precision: Precision::F16,
            weights: Some(WeightType::Q8_0),
            ..Options::default()
        };
        let refused = |options: &Options, numerics| match check_numerics(options, numerics) {
            Err(Error::Request { field, .. }) => Some(field),
            other => {
                other.unwrap();
                None
            }
        };
        let clamps = Numerics { overflow_is_infinite: false, ..exact };
        let flushes = Numerics { keeps_subnormals: false, ..exact };
        assert_eq!(refused(&small, exact), None);
        assert_eq!(refused(&small, clamps), Some("precision"));
        assert_eq!(refused(&small, flushes), Some("weights"));
        // what is not asked for is not refused
        let both = Numerics { overflow_is_infinite: false, ..flushes };
        assert_eq!(refused(&Options::default(), both), None);
    }
}
