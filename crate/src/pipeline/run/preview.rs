//! Previews: the predicted x₀, that is, the latents without the noise that the step predicts in
//! them.
//!
//! ```text
//! x = signal · x₀ + noise · ε        x₀ = (x − noise · ε) / signal
//! ```
//!
//! It is computed only if a preview was asked for, and does not change the run.

use crate::diffusion::{NoiseLevel, Prediction};
use crate::pipeline::engine::Engine;

/// x₀ from latents and the guided prediction for them.
pub(super) fn denoised<E: Engine>(
    engine: &E,
    prediction: Prediction,
    level: NoiseLevel,
    [latents, eps]: [&E::Array; 2],
) -> E::Array {
    let NoiseLevel { signal, noise } = level;
    let [of_latents, of_eps] = match prediction {
        Prediction::Epsilon => [1.0 / signal, -noise / signal],
        // The formula for v needs latents of variance one, so they are scaled first.
        Prediction::V => {
            let square = signal * signal + noise * noise;
            [signal / square, -noise / square.sqrt()]
        }
    };
    engine.sum(&[(of_latents, latents), (of_eps, eps)])
}
