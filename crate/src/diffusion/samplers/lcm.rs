//! Latent consistency: "Latent Consistency Models" (Luo et al., 2310.04378), algorithm 3;
//! diffusers: `LCMScheduler`. For models distilled for it, in one to eight steps.
//!
//! ```text
//! f  = c_skip·x + c_out·x₀      c_skip = ¼ / (τ² + ¼)     c_out = τ / √(τ² + ¼)     τ = 10·t
//! x' = √ᾱ'·f + √(1−ᾱ')·noise    the last step ends with f itself
//! ```
//!
//! The timesteps are chosen from the 50 that models are distilled on.

use super::terms::{self, Terms};
use crate::diffusion::plan::{Evaluation, NoiseLevel, Plan, Slot};
use crate::diffusion::schedule::Schedule;
use crate::error::{Error, Result};

/// Steps of the solver in distillation. diffusers: `original_inference_steps`.
const DISTILLED: usize = 50;
/// diffusers: `timestep_scaling`.
const TIME_SCALE: f64 = 10.0;
/// The variance of the data in the boundary condition.
const DATA_VARIANCE: f64 = 0.25;

/// The coefficients of latent consistency.
///
/// # Errors
/// [`Error::Request`] for a number of steps that the schedule does not have,
/// or more than the model was distilled for.
pub(super) fn plan(schedule: &Schedule, steps: usize) -> Result<Plan> {
    schedule.check_steps(steps)?;
    let most = DISTILLED.min(schedule.num_train_timesteps());
    if most < DISTILLED || steps > most {
        let reason = format!("must be between 1 and {most} for lcm, not {steps}");
        return Err(Error::Request { field: "number of steps", reason });
    }
    let times = times(schedule.num_train_timesteps(), steps);
    let mut evaluations = Vec::with_capacity(steps);
    for (index, time) in times.iter().enumerate() {
        let alpha = schedule.alpha(*time, steps)?;
        let scaled = *time as f64 * TIME_SCALE;
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

/// Chooses `steps` of the timesteps k·⌊N / 50⌋ − 1, evenly spaced from the last one downwards.
fn times(num_train_timesteps: usize, steps: usize) -> Vec<usize> {
    let stride = num_train_timesteps / DISTILLED;
    // numpy.linspace(0, 50, steps, endpoint=False), floored: the product is rounded as in numpy.
    let part = DISTILLED as f64 / steps as f64;
    let chosen = (0..steps).map(|index| (index as f64 * part).floor() as usize);
    chosen.map(|index| (DISTILLED - index) * stride - 1).collect()
}
