//! DDIM: "Denoising Diffusion Implicit Models" (Song et al., 2010.02502), formulas 12 and 16;
//! diffusers: `DDIMScheduler`.
//!
//! ```text
//! x₀  = (x − √(1−ᾱ)·ε) / √ᾱ           s² = η²·(1−ᾱ')/(1−ᾱ)·(1 − ᾱ/ᾱ')
//! x'  = √ᾱ'·x₀ + √(1−ᾱ'−s²)·ε + s·noise        ᾱ' of the time ⌊N / steps⌋ earlier
//! ```
//!
//! In the last step the earlier time would be below 0: then ᾱ' is 1 with `set_alpha_to_one`,
//! otherwise ᾱ₀, as in v1.4.

use super::terms::{self, Terms};
use crate::diffusion::plan::{Evaluation, NoiseLevel, Plan, Slot};
use crate::diffusion::schedule::Schedule;
use crate::diffusion::spacing::Spacing;
use crate::error::Result;

/// DDIM's coefficients.
///
/// # Errors
/// [`Error::Request`](crate::Error::Request) for a number of steps that the schedule does not have.
pub(super) fn plan(schedule: &Schedule, steps: usize, eta: f64) -> Result<Plan> {
    let timesteps = schedule.timesteps(Spacing::Leading, steps)?;
    let stride = schedule.num_train_timesteps() / steps;
    let mut evaluations = Vec::with_capacity(timesteps.len());
    for (index, timestep) in timesteps.into_iter().enumerate() {
        let timestep = timestep.round_ties_even();
        let time = timestep as usize;
        let alpha = schedule.alpha(time, steps)?;
        let next = schedule.alpha_before(time, stride, true);
        let level = NoiseLevel::of_alpha(alpha);
        let x0 = terms::x0(schedule.prediction(), level.signal, level.noise);
        let eps = terms::eps(schedule.prediction(), level.signal, level.noise);
        let fresh = eta * ((1.0 - next) / (1.0 - alpha) * (1.0 - alpha / next)).sqrt();
        let update = x0
            .times(next.sqrt())
            .plus((1.0 - next - fresh * fresh).sqrt(), &eps)
            .plus(fresh, &Terms::one(Slot::Noise));
        evaluations.push(Evaluation::new(index + 1, timestep, level, update.sum()));
    }
    Ok(Plan::new(1.0, evaluations))
}
