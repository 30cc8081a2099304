//! A picture while it develops: what the latents would be if the noise that is left in them were
//! taken away as the step's prediction has it.
//!
//! ```text
//! x = signal · x₀ + noise · ε        x₀ = (x − noise · ε) / signal
//! ```
//!
//! Nothing of it is computed unless someone wants to see it, and nothing of the run depends on it.

use crate::diffusion::{NoiseLevel, Prediction};
use crate::pipeline::engine::Engine;

/// x₀ of latents and the guided prediction for them.
pub(super) fn denoised<E: Engine>(
    engine: &E,
    prediction: Prediction,
    level: NoiseLevel,
    [latents, eps]: [&E::Array; 2],
) -> E::Array {
    let NoiseLevel { signal, noise } = level;
    let [of_latents, of_eps] = match prediction {
        Prediction::Epsilon => [1.0 / signal, -noise / signal],
        // v is of latents of variance one, and so is what it gives.
        Prediction::V => {
            let square = signal * signal + noise * noise;
            [signal / square, -noise / square.sqrt()]
        }
    };
    engine.sum(&[(of_latents, latents), (of_eps, eps)])
}
