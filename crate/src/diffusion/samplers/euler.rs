//! Euler's method in σ: "Elucidating the Design Space of Diffusion-Based Generative Models"
//! (Karras et al., 2206.00364), algorithm 2 without churn; diffusers: `EulerDiscreteScheduler`.
//!
//! ```text
//! input = x / √(σ² + 1)
//! d     = (x − x₀) / σ                 = ε for a model that predicts the noise
//! x'    = x + (σ' − σ)·d               σ' = 0 after the last step
//! ```
//!
//! Here x = x₀ + σ·ε, so the first latents are noise times the largest σ.

use super::sigmas::{Sigmas, evaluation};
use super::terms::{self, Terms};
use crate::diffusion::plan::{Plan, Slot};
use crate::diffusion::schedule::Schedule;
use crate::error::Result;

/// Euler's coefficients.
///
/// # Errors
/// [`Error::Request`](crate::Error::Request) for a number of steps that the schedule does not have.
pub(super) fn plan(schedule: &Schedule, steps: usize) -> Result<Plan> {
    let levels = Sigmas::exploding(schedule, steps)?;
    let evaluations = levels.timesteps.iter().zip(levels.sigmas.windows(2)).enumerate();
    let evaluations = evaluations.map(|(index, (timestep, pair))| {
        let (sigma, next) = (pair[0], pair[1]);
        let derivative = terms::derivative(schedule.prediction(), sigma);
        let update = Terms::one(Slot::Latents).plus(next - sigma, &derivative);
        evaluation(index + 1, *timestep, sigma, update.sum())
    });
    let evaluations = evaluations.collect();
    Ok(Plan::new(levels.init_noise_sigma, evaluations))
}
