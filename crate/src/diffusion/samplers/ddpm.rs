//! DDPM: "Denoising Diffusion Probabilistic Models" (Ho et al., 2006.11239), formulas 6 and 7, over
//! a part of the timesteps; diffusers: `DDPMScheduler` with `variance_type` `fixed_small`.
//!
//! ```text
//! β  = 1 − ᾱ/ᾱ'                                   ᾱ' of the next timestep, 1 after the last
//! x' = √ᾱ'·β/(1−ᾱ)·x₀ + √(ᾱ/ᾱ')·(1−ᾱ')/(1−ᾱ)·x + √((1−ᾱ')/(1−ᾱ)·β)·noise
//! ```
//!
//! The last step adds no noise; in that class it adds some of 10⁻¹⁰.

use super::terms::{self, Terms};
use crate::diffusion::plan::{Evaluation, NoiseLevel, Plan, Slot};
use crate::diffusion::schedule::Schedule;
use crate::diffusion::spacing::Spacing;
use crate::error::Result;

/// DDPM's coefficients.
///
/// # Errors
/// [`Error::Request`](crate::Error::Request) for a number of steps that the schedule does not have.
pub(super) fn plan(schedule: &Schedule, steps: usize) -> Result<Plan> {
    let mut timesteps = schedule.timesteps(Spacing::Leading, steps)?;
    timesteps.iter_mut().for_each(|time| *time = time.round_ties_even());
    let mut evaluations = Vec::with_capacity(steps);
    for (index, timestep) in timesteps.iter().enumerate() {
        let alpha = schedule.alpha(*timestep as usize, steps)?;
        let next = match timesteps.get(index + 1) {
            Some(time) => schedule.alpha(*time as usize, steps)?,
            None => 1.0,
        };
        let (beta, level) = (1.0 - alpha / next, NoiseLevel::of_alpha(alpha));
        let rest = (1.0 - next) / (1.0 - alpha);
        let update = terms::x0(schedule.prediction(), level.signal, level.noise)
            .times(next.sqrt() * beta / (1.0 - alpha))
            .plus((alpha / next).sqrt() * rest, &Terms::one(Slot::Latents))
            .plus((rest * beta).sqrt(), &Terms::one(Slot::Noise));
        evaluations.push(Evaluation::new(index + 1, *timestep, level, update.sum()));
    }
    Ok(Plan::new(1.0, evaluations))
}
