//! What an adapter's numbers mean for how a model is held: where f16 or the scales of quantised
//! weights cannot be relied on, another type takes their place, and the user is told.

use super::engine::Options;
use crate::dtype::{Precision, WeightType};
use crate::measure::Numerics;

/// Where overflow to f16 is clamped, a picture could be wrong without a sign of it.
const CLAMPS: &str = "This graphics adapter does not turn numbers beyond f16's range into \
    infinity, so activations are f32 here: they take more memory.";

/// Where subnormal f16 numbers become zero, blocks of small weights would be zeros.
const FLUSHES: &str = "This graphics adapter takes the smallest f16 numbers for zero, which the \
    scales of quantised weights need, so weights are f16 here: they take more memory.";

/// The options that suit an adapter, and what is to be said of the change.
pub(super) fn suited(options: &Options, numerics: Numerics) -> (Options, Vec<&'static str>) {
    let (mut suited, mut sentences) = (options.clone(), Vec::new());
    if !numerics.overflow_is_infinite && options.precision == Precision::F16 {
        suited.precision = Precision::F32;
        sentences.push(CLAMPS);
    }
    if !numerics.keeps_subnormals && options.weights.is_some_and(WeightType::is_quantised) {
        suited.weights = Some(WeightType::F16);
        sentences.push(FLUSHES);
    }
    (suited, sentences)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_that_cannot_be_relied_on_is_replaced_and_told() {
        let small = Options {
            precision: Precision::F16,
            weights: Some(WeightType::Q8_0),
            ..Options::default()
        };
        let of = |options: &Options, numerics| {
            let (options, sentences) = suited(options, numerics);
            ((options.precision, options.weights), sentences)
        };
        let exact = Numerics::EXACT;
        assert_eq!(of(&small, exact), ((Precision::F16, Some(WeightType::Q8_0)), vec![]));
        let clamps = Numerics { overflow_is_infinite: false, ..exact };
        let replaced = (Precision::F32, Some(WeightType::Q8_0));
        assert_eq!(of(&small, clamps), (replaced, vec![CLAMPS]));
        let flushes = Numerics { keeps_subnormals: false, ..exact };
        let replaced = (Precision::F16, Some(WeightType::F16));
        assert_eq!(of(&small, flushes), (replaced, vec![FLUSHES]));
        // what was not asked for is not spoken of
        let (plain, both) =
            (Options::default(), Numerics { overflow_is_infinite: false, ..flushes });
        assert_eq!(of(&plain, both), ((Precision::F32, None), vec![]));
    }
}
