//! DPM-Solver-2 in σ, as in k-diffusion's `sample_dpm_2`, without churn; diffusers:
//! `KDPM2DiscreteScheduler`. "DPM-Solver: A Fast ODE Solver for Diffusion Probabilistic Model
//! Sampling in Around 10 Steps" (Lu et al., 2206.00927), algorithm 1, with steps in σ.
//!
//! ```text
//! σₘ = √(σ·σ')
//! x̃  = x + (σₘ − σ)·d(x, σ)            the first evaluation of a step
//! x' = x + (σ' − σ)·d(x̃, σₘ)           the second
//! ```
//!
//! A step that ends at σ' = 0 is one of Euler's method. AUTOMATIC1111's web UI and ComfyUI leave
//! out the last level above 0 of a run of one step more.

use super::sigmas::{Sigmas, ancestral, evaluation};
use super::terms::{self, Terms};
use crate::diffusion::as_in::AsIn;
use crate::diffusion::plan::{Plan, Slot};
use crate::diffusion::schedule::Schedule;
use crate::diffusion::sigma_schedule::SigmaSchedule;
use crate::error::Result;

/// The coefficients of DPM-Solver-2.
///
/// # Errors
/// [`Error::Request`](crate::Error::Request) for a number of steps that the schedule does not have.
pub(super) fn plan(schedule: &Schedule, steps: usize) -> Result<Plan> {
    plan_of(schedule, steps, |_, next| [next, 0.0])
}

/// The coefficients of its ancestral variant.
///
/// # Errors
/// As [`plan`].
pub(super) fn plan_ancestral(schedule: &Schedule, steps: usize) -> Result<Plan> {
    plan_of(schedule, steps, ancestral)
}

/// `split`: from σ and σ', the level that a step goes down to, and the noise that is added then.
fn plan_of(
    schedule: &Schedule,
    steps: usize,
    split: impl Fn(f64, f64) -> [f64; 2],
) -> Result<Plan> {
    let mut levels = match schedule.as_in {
        AsIn::Diffusers => Sigmas::exploding(schedule, steps),
        _ => Sigmas::without_penultimate(schedule, steps),
    }?;
    if schedule.sigma_schedule == SigmaSchedule::Karras && schedule.as_in == AsIn::Diffusers {
        // Only in these two classes of diffusers.
        levels.timesteps.iter_mut().for_each(|time| *time = time.round_ties_even());
    }
    let mut evaluations = Vec::with_capacity(2 * steps);
    for (index, pair) in levels.sigmas.windows(2).enumerate() {
        let (sigma, step) = (pair[0], index + 1);
        let [down, up] = split(sigma, pair[1]);
        let derivative = terms::derivative(schedule.prediction(), sigma);
        let middle = (sigma * down).sqrt();
        let update = Terms::one(Slot::Latents).plus(middle - sigma, &derivative);
        let mut first = evaluation(step, levels.timesteps[index], sigma, update.sum());
        if down == 0.0 {
            evaluations.push(first);
            continue;
        }
        first.save = Some(Terms::one(Slot::Latents).sum());
        evaluations.push(first);

        let update = Terms::one(Slot::Saved)
            .plus(down - sigma, &terms::derivative(schedule.prediction(), middle))
            .plus(up, &Terms::one(Slot::Noise));
        evaluations.push(evaluation(step, levels.time_of(middle), middle, update.sum()));
    }
    Ok(Plan::new(levels.init_noise_sigma, evaluations))
}
