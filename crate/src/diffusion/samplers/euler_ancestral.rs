//! Euler's method with ancestral noise, after k-diffusion's `sample_euler_ancestral`; diffusers:
//! `EulerAncestralDiscreteScheduler`. The variance is that of the reverse chain in "Denoising
//! Diffusion Probabilistic Models" (Ho et al., 2006.11239).
//!
//! ```text
//! up²   = σ'²·(σ² − σ'²) / σ²          down² = σ'² − up²
//! x'    = x + (down − σ)·d + up·noise  d as in Euler's method
//! ```
//!
//! The step goes to the lower level `down`, and new noise raises it to σ'. The last step adds no
//! noise.

use super::sigmas::{Sigmas, ancestral, evaluation};
use super::terms::{self, Terms};
use crate::diffusion::plan::{Plan, Slot};
use crate::diffusion::schedule::Schedule;
use crate::error::Result;

/// The coefficients of Euler's ancestral method.
///
/// # Errors
/// [`Error::Request`](crate::Error::Request) for a number of steps that the schedule does not have.
pub(super) fn plan(schedule: &Schedule, steps: usize) -> Result<Plan> {
    let levels = Sigmas::exploding(schedule, steps)?;
    let evaluations = levels.timesteps.iter().zip(levels.sigmas.windows(2)).enumerate();
    let evaluations = evaluations.map(|(index, (timestep, pair))| {
        let (sigma, next) = (pair[0], pair[1]);
        let [down, up] = ancestral(sigma, next);
        let derivative = terms::derivative(schedule.prediction(), sigma);
        let update = Terms::one(Slot::Latents)
            .plus(down - sigma, &derivative)
            .plus(up, &Terms::one(Slot::Noise));
        evaluation(index + 1, *timestep, sigma, update.sum())
    });
    let evaluations = evaluations.collect();
    Ok(Plan::new(levels.init_noise_sigma, evaluations))
}
