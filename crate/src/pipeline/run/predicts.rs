//! Checks from a UNet's first prediction whether it predicts what the schedule says.
//!
//! ```text
//! x = signal · x₀ + noise · ε, and in the first step nearly all of it is noise:
//! the prediction of ε is nearly x, that of v = signal · ε − noise · x₀ is not
//! ```
//!
//! A checkpoint in one file rarely says which it is, and with the wrong one the picture is noise.

use crate::diffusion::{NoiseLevel, Prediction};

/// The lowest correlation of latents with a prediction of ε.
const CORRELATION_MIN: f64 = 0.5;

/// The check applies only if the latents' noise is at least this many times their signal.
const NOISE_MIN: f64 = 4.0;

/// The notice for the user.
pub(super) const ODD: &str = "This file does not say what its UNet predicts, and its first answer \
    is not the noise that it was given: the picture may be noise too. If it is a v-prediction \
    model, open it with --prediction v_prediction; on the page, add &prediction=v_prediction to \
    the address.";

/// Whether a prediction for latents of this level can be of this kind; true if it cannot be
/// decided. Both have their values in the same order.
pub(super) fn fits(
    prediction: Prediction,
    level: NoiseLevel,
    latents: &[f32],
    answer: &[f32],
) -> bool {
    let is_told = level.noise > NOISE_MIN * level.signal;
    prediction == Prediction::V || !is_told || correlation(latents, answer) > CORRELATION_MIN
}

/// Pearson's correlation, −1 to 1; NaN if one of them is constant.
fn correlation(a: &[f32], b: &[f32]) -> f64 {
    let mean = |x: &[f32]| x.iter().map(|x| f64::from(*x)).sum::<f64>() / x.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (f64::from(*a) - mean_a, f64::from(*b) - mean_b);
        (ab, aa, bb) = (ab + a * b, aa + a * a, bb + b * b);
    }
    ab / (aa * bb).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::noise::Rng;

    #[test]
    fn noise_is_known_from_what_is_none() {
        let mut generator = Rng::Torch.seeded(1).unwrap();
        let [noise, x0] = [(), ()].map(|()| generator.randn(256));
        let level = NoiseLevel { signal: 0.07, noise: 0.99 };
        let mix = |a: f64, b: f64| -> Vec<f32> {
            noise
                .iter()
                .zip(&x0)
                .map(|(e, x)| (a * f64::from(*e) + b * f64::from(*x)) as f32)
                .collect()
        };
        let latents = mix(level.noise, level.signal);
        let v = mix(level.signal, -level.noise);
        assert!(fits(Prediction::Epsilon, level, &latents, &noise));
        // guided, the prompts' difference comes seven times
        assert!(fits(Prediction::Epsilon, level, &latents, &mix(1.0, 0.4)));
        assert!(!fits(Prediction::Epsilon, level, &latents, &v));
        assert!(!fits(Prediction::Epsilon, level, &latents, &[0.0; 256]));
        assert!(fits(Prediction::V, level, &latents, &v));
        // where the picture is already seen nothing is said
        assert!(fits(Prediction::Epsilon, NoiseLevel { signal: 0.9, noise: 0.4 }, &latents, &v));
    }
}
