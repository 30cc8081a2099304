//! Euler's method in σ: "Elucidating the Design Space of Diffusion-Based Generative Models"
//! (Karras et al., 2206.00364), algorithm 2 without churn; diffusers: `EulerDiscreteScheduler`.
//!
//!     input = x / √(σ² + 1)
//!     d     = (x − x₀) / σ                 = ε for a model that answers noise
//!     x'    = x + (σ' − σ)·d               σ' = 0 after the last step
//!
//! Here x = x₀ + σ·ε, so the first latents are noise times the largest σ.

use crate::diffusion::plan::{Combination, Evaluation, Plan, Slot};
use crate::diffusion::schedule::{Prediction, Schedule};
use crate::diffusion::spacing::Spacing;
use crate::error::Result;

/// Euler's coefficients.
pub(super) fn plan(schedule: &Schedule, steps: usize) -> Result<Plan> {
    let table = schedule.sigmas();
    let timesteps = schedule.timesteps(Spacing::Linspace, steps)?;
    // diffusers keeps timesteps and sigmas in float32.
    let timesteps: Vec<f64> = timesteps.into_iter().map(|time| f64::from(time as f32)).collect();
    let mut sigmas: Vec<f64> =
        timesteps.iter().map(|time| f64::from(interpolate(&table, *time) as f32)).collect();
    sigmas.push(0.0);

    let evaluations = timesteps.iter().zip(sigmas.windows(2)).enumerate();
    let evaluations = evaluations.map(|(index, (timestep, pair))| {
        let (sigma, next) = (pair[0], pair[1]);
        let scale = 1.0 / (sigma * sigma + 1.0).sqrt();
        Evaluation::new(index + 1, *timestep, scale, update(schedule.prediction(), sigma, next))
    });
    let largest = sigmas.iter().copied().fold(0.0, f64::max);
    let init_noise_sigma = match schedule.spacing.unwrap_or(Spacing::Linspace) {
        Spacing::Linspace | Spacing::Trailing => largest,
        Spacing::Leading => (largest * largest + 1.0).sqrt(),
    };
    Ok(Plan { init_noise_sigma, evaluations: evaluations.collect() })
}

/// From the level `sigma` to the level `next`.
fn update(prediction: Prediction, sigma: f64, next: f64) -> Combination {
    let dt = next - sigma;
    let (latents, eps) = match prediction {
        Prediction::Epsilon => (1.0, dt),
        // x₀ = x / (σ² + 1) − v·σ / √(σ² + 1), so d = x·σ / (σ² + 1) + v / √(σ² + 1).
        Prediction::V => {
            let square = sigma * sigma + 1.0;
            (1.0 + dt * sigma / square, dt / square.sqrt())
        }
    };
    Combination::new(&[(Slot::Latents, latents), (Slot::Eps, eps)])
}

/// `numpy.interp` at `x` in a table over 0, 1, 2, …: linear between, constant beyond.
fn interpolate(table: &[f32], x: f64) -> f64 {
    let last = table.len() - 1;
    let index = (x.max(0.0) as usize).min(last);
    let below = f64::from(table[index]);
    let fraction = x - index as f64;
    if index == last || fraction <= 0.0 {
        return below;
    }
    (f64::from(table[index + 1]) - below) * fraction + below
}
