//! Latent consistency: "Latent Consistency Models" (Luo et al., 2310.04378), algorithm 3;
//! diffusers: `LCMScheduler`. For models distilled for it, in one to eight steps.
//!
//! ```text
//! f  = c_skip·x + c_out·x₀      c_skip = ¼ / (τ² + ¼)     c_out = τ / √(τ² + ¼)     τ = 10·t
//! x' = √ᾱ'·f + √(1−ᾱ')·noise    the last step ends with f itself
//! ```
//!
//! The factor 10 is the config's `timestep_scaling`. The timesteps are those of
//! [`super::distilled`].

use super::distilled::{self, Choice};
use super::terms::{self, Terms};
use crate::diffusion::plan::{Evaluation, NoiseLevel, Plan, Slot};
use crate::diffusion::schedule::Schedule;
use crate::error::Result;

/// The variance of the data in the boundary condition.
const DATA_VARIANCE: f64 = 0.25;

/// The coefficients of latent consistency.
///
/// # Errors
/// As [`distilled::times`].
pub(super) fn plan(schedule: &Schedule, choice: Choice<'_>) -> Result<Plan> {
    let times = distilled::times(schedule, choice)?;
    let steps = times.len();
    let mut evaluations = Vec::with_capacity(steps);
    for (index, time) in times.iter().enumerate() {
        let alpha = schedule.alpha(*time, steps)?;
        let scaled = *time as f64 * schedule.timestep_scaling;
        let square = scaled * scaled + DATA_VARIANCE;
        let level = NoiseLevel::of_alpha(alpha);
        let x0 = terms::x0(schedule.prediction(), level.signal, level.noise);
        let mut update = Terms::one(Slot::Latents)
            .times(DATA_VARIANCE / square)
            .plus(scaled / square.sqrt(), &x0);
        if let Some(next) = times.get(index + 1) {
            let next = schedule.alpha(*next, steps)?;
            let noise = Terms::one(Slot::Noise);
            update = update.times(next.sqrt()).plus((1.0 - next).sqrt(), &noise);
        }
        evaluations.push(Evaluation::new(index + 1, *time as f64, level, update.sum()));
    }
    Ok(Plan::new(1.0, evaluations))
}
