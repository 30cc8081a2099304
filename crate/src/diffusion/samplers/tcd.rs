//! Strategic stochastic sampling: "Trajectory Consistency Distillation" (Zheng et al., 2402.19159),
//! algorithm 4; diffusers: `TCDScheduler`. For models distilled for it, in one to eight steps.
//!
//! ```text
//! s  = ⌊(1 − η)·t'⌋             t' is the next timestep, 0 in the last step
//! xₛ = √ᾱₛ·x₀ + √(1−ᾱₛ)·ε
//! x' = √(ᾱ'/ᾱₛ)·xₛ + √(1 − ᾱ'/ᾱₛ)·noise        with η = 0 and in the last step x' = xₛ
//! ```
//!
//! η is the paper's γ: how far a step goes below the next level, up to which noise is added again.
//! The timesteps are those of [`super::distilled`].

use super::distilled::{self, Choice};
use super::terms::{self, Terms};
use crate::diffusion::plan::{Evaluation, NoiseLevel, Plan, Slot};
use crate::diffusion::schedule::Schedule;
use crate::error::Result;

/// The coefficients of strategic stochastic sampling.
///
/// # Errors
/// As [`distilled::times`].
pub(super) fn plan(schedule: &Schedule, eta: f64, choice: Choice<'_>) -> Result<Plan> {
    let times = distilled::times(schedule, choice)?;
    let steps = times.len();
    let mut evaluations = Vec::with_capacity(steps);
    for (index, time) in times.iter().enumerate() {
        let alpha = schedule.alpha(*time, steps)?;
        let next = times.get(index + 1).copied();
        // torch multiplies in float32.
        let below = ((1.0 - eta) as f32 * next.unwrap_or(0) as f32).floor() as usize;
        let alpha_below = schedule.alpha(below, steps)?;
        let level = NoiseLevel::of_alpha(alpha);
        let x0 = terms::x0(schedule.prediction(), level.signal, level.noise);
        let eps = terms::eps(schedule.prediction(), level.signal, level.noise);
        let mut update = x0.times(alpha_below.sqrt()).plus((1.0 - alpha_below).sqrt(), &eps);
        if let Some(next) = next.filter(|_| eta > 0.0) {
            let ratio = schedule.alpha(next, steps)? / alpha_below;
            let noise = Terms::one(Slot::Noise);
            update = update.times(ratio.sqrt()).plus((1.0 - ratio).sqrt(), &noise);
        }
        evaluations.push(Evaluation::new(index + 1, *time as f64, level, update.sum()));
    }
    Ok(Plan::new(1.0, evaluations))
}
