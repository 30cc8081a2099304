//! Sums while they are built, and what every sampler computes from the UNet's prediction: x₀, ε and
//! the derivative.

use crate::diffusion::plan::{Combination, Slot};
use crate::diffusion::schedule::Prediction;

/// A sum while it is built; [`Terms::sum`] adds equal slots.
#[derive(Clone, Default)]
pub(super) struct Terms(Vec<(Slot, f64)>);

impl Terms {
    /// 1 · slot.
    pub(super) fn one(slot: Slot) -> Self {
        Terms(vec![(slot, 1.0)])
    }

    /// The sum of latents and prediction of the current evaluation, with these factors.
    fn present(latents: f64, prediction: f64) -> Self {
        Terms(vec![(Slot::Latents, latents), (Slot::Prediction, prediction)])
    }

    /// `self + factor · other`.
    #[must_use]
    pub(super) fn plus(mut self, factor: f64, other: &Terms) -> Self {
        self.0.extend(other.0.iter().map(|(slot, own)| (*slot, own * factor)));
        self
    }

    /// `factor · self`.
    #[must_use]
    pub(super) fn times(&self, factor: f64) -> Self {
        Terms::default().plus(factor, self)
    }

    /// The finished sum.
    pub(super) fn sum(&self) -> Combination {
        Combination::new(&self.0)
    }
}

/// x₀ from the prediction and latents `signal`·x₀ + `noise`·ε, where these are √ᾱ and √(1−ᾱ).
pub(super) fn x0(prediction: Prediction, signal: f64, noise: f64) -> Terms {
    match prediction {
        Prediction::Epsilon => Terms::present(1.0 / signal, -noise / signal),
        Prediction::V => Terms::present(signal, -noise),
    }
}

/// ε from the same prediction and latents.
pub(super) fn eps(prediction: Prediction, signal: f64, noise: f64) -> Terms {
    match prediction {
        Prediction::Epsilon => Terms::one(Slot::Prediction),
        Prediction::V => Terms::present(noise, signal),
    }
}

/// dx/dσ = (x − x₀) / σ from the prediction and latents x = x₀ + σ·ε.
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

/// x₀ = x − σ·dx/dσ from the prediction and latents x = x₀ + σ·ε.
pub(super) fn denoised(prediction: Prediction, sigma: f64) -> Terms {
    Terms::one(Slot::Latents).plus(-sigma, &derivative(prediction, sigma))
}
