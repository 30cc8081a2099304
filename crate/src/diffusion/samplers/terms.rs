//! Sums under construction, and what every sampler reads out of the model's answer.

use crate::diffusion::plan::{Combination, Slot};
use crate::diffusion::schedule::Prediction;

/// A sum that grows; equal slots are added up at the end.
#[derive(Clone, Default)]
pub(super) struct Terms(Vec<(Slot, f64)>);

impl Terms {
    /// One slot, once.
    pub(super) fn one(slot: Slot) -> Self {
        Terms(vec![(slot, 1.0)])
    }

    /// The latents and the answer of the present evaluation.
    fn present(latents: f64, answer: f64) -> Self {
        Terms(vec![(Slot::Latents, latents), (Slot::Prediction, answer)])
    }

    /// This and `factor` times another.
    #[must_use]
    pub(super) fn plus(mut self, factor: f64, other: &Terms) -> Self {
        self.0.extend(other.0.iter().map(|(slot, own)| (*slot, own * factor)));
        self
    }

    /// This times `factor`.
    #[must_use]
    pub(super) fn times(&self, factor: f64) -> Self {
        Terms::default().plus(factor, self)
    }

    /// The sum as the plan has it.
    pub(super) fn sum(&self) -> Combination {
        Combination::new(&self.0)
    }
}

/// x₀ from latents √ᾱ·x₀ + √(1−ᾱ)·ε, given the two roots.
pub(super) fn x0(prediction: Prediction, signal: f64, noise: f64) -> Terms {
    match prediction {
        Prediction::Epsilon => Terms::present(1.0 / signal, -noise / signal),
        Prediction::V => Terms::present(signal, -noise),
    }
}

/// ε from the same latents.
pub(super) fn eps(prediction: Prediction, signal: f64, noise: f64) -> Terms {
    match prediction {
        Prediction::Epsilon => Terms::one(Slot::Prediction),
        Prediction::V => Terms::present(noise, signal),
    }
}

/// dx/dσ = (x − x₀) / σ from latents x = x₀ + σ·ε.
pub(super) fn derivative(prediction: Prediction, sigma: f64) -> Terms {
    match prediction {
        Prediction::Epsilon => Terms::one(Slot::Prediction),
        // x₀ = x / (σ² + 1) − v·σ / √(σ² + 1).
        Prediction::V => {
            let square = sigma * sigma + 1.0;
            Terms::present(sigma / square, 1.0 / square.sqrt())
        }
    }
}
