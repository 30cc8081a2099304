//! DPM-Solver++ (2M): "DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic
//! Models" (Lu et al., 2211.01095), algorithm 2; diffusers: `DPMSolverMultistepScheduler` with its
//! defaults (order 2, midpoint; the last step is of first order and goes to σ = 0).
//!
//! ```text
//! α = 1 / √(σ²+1)     h = ln(σ/σ')     r = h of the step before / h     D = x₀
//! x' = (α'σ' / ασ)·x + α'·(1 − e⁻ʰ)·(D + (D − D₁) / 2r)          D₁ of the step before
//! ```
//!
//! The first step is of first order: there is no D₁. The last step is of first order where the run
//! ends at σ = 0. Where it ends at the smallest σ of training, the last step is of first order only
//! with `lower_order_final` and fewer than 15 steps, as in diffusers. Where a
//! schedule of σ ends above 0 by itself, it is of the second order, as in k-diffusion.

use super::sigmas::{Sigmas, input_scale};
use super::terms::{self, Terms};
use crate::diffusion::as_in::AsIn;
use crate::diffusion::plan::{Evaluation, NoiseLevel, Plan, Slot};
use crate::diffusion::schedule::Schedule;
use crate::error::Result;

/// The factors of a step's sum in this family of samplers; see [`plan_of`].
pub(super) struct Coefficients {
    pub latents: f64,
    pub denoised: f64,
    pub noise: f64,
}

/// `lower_order_final` applies only to runs of fewer steps, as in diffusers.
const SHORT: usize = 15;

/// The coefficients of DPM++ 2M.
///
/// # Errors
/// [`Error::Request`](crate::Error::Request) for a number of steps that the schedule does not have.
pub(super) fn plan(
    schedule: &Schedule,
    steps: usize,
    left_out: usize,
    ends_at_min: bool,
) -> Result<Plan> {
    let mut levels = Sigmas::preserving(schedule, steps)?;
    if ends_at_min {
        levels.end_at(schedule.sigmas()[0]);
    }
    let last_is_first_order =
        levels.ends_at_zero() || ends_at_min && schedule.lower_order_final && steps < SHORT;
    plan_of(schedule, &levels, left_out, last_is_first_order, |sigma, next| {
        let (ratio, alpha) = (next / sigma, input_scale(next));
        Coefficients {
            latents: ratio * alpha / input_scale(sigma),
            denoised: alpha * (1.0 - ratio),
            noise: 0.0,
        }
    })
}

/// The plan of any sampler of this family. `coefficients` is a function of σ and σ' (e⁻ʰ is σ'/σ).
/// The first step after those that are `left_out` is of first order; so is the last step where
/// `last_is_first_order`.
///
/// # Errors
/// [`Error::Request`](crate::Error::Request) for a number of steps that the schedule does not have.
pub(super) fn plan_of(
    schedule: &Schedule,
    levels: &Sigmas,
    left_out: usize,
    last_is_first_order: bool,
    coefficients: impl Fn(f64, f64) -> Coefficients,
) -> Result<Plan> {
    let Sigmas { timesteps, sigmas, init_noise_sigma, .. } = levels;
    let steps = timesteps.len();
    let h = |index: usize| libm::log(sigmas[index] / sigmas[index + 1]);
    let evaluations = (0..steps).map(|index| {
        let (sigma, next) = (sigmas[index], sigmas[index + 1]);
        let level = NoiseLevel::preserving(sigma);
        let x0 = terms::x0(schedule.prediction(), level.signal, level.noise);
        let mut denoised = x0.clone();
        if index > left_out && (index + 1 < steps || !last_is_first_order) {
            let half = h(index) / h(index - 1) / 2.0;
            denoised = x0.times(1.0 + half).plus(-half, &Terms::one(Slot::Past(1)));
        }
        let coefficients = coefficients(sigma, next);
        let update = Terms::one(Slot::Latents)
            .times(coefficients.latents)
            .plus(coefficients.denoised, &denoised)
            .plus(coefficients.noise, &Terms::one(Slot::Noise));
        // Other programs have latents x₀ + σ·ε, and decode what is left at the end as it is.
        let is_end = index + 1 == steps && schedule.as_in != AsIn::Diffusers;
        let update = if is_end { update.times(1.0 / input_scale(next)) } else { update };
        let mut evaluation = Evaluation::new(index + 1, timesteps[index], level, update.sum());
        evaluation.remember = Some(x0.sum());
        evaluation
    });
    let evaluations = evaluations.collect();
    Ok(Plan::new(*init_noise_sigma, evaluations))
}
