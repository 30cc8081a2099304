//! DPM-Solver++ (2S) with ancestral noise: "DPM-Solver++" (Lu et al., 2211.01095), algorithm 1;
//! k-diffusion: `sample_dpmpp_2s_ancestral`. (`DPMSolverSinglestepScheduler` of diffusers counts
//! each evaluation as a step, and is another sampler.)
//!
//! ```text
//! σₘ = √(σ·down)                            down and up as in [`super::euler_ancestral`]
//! x̃  = σₘ/σ·x + (1 − σₘ/σ)·x₀(x, σ)         the first evaluation of a step
//! x' = down/σ·x + (1 − down/σ)·x₀(x̃, σₘ) + up·noise
//! ```
//!
//! A step that ends at σ' = 0 is one of Euler's method.

use super::sigmas::{Sigmas, ancestral, evaluation};
use super::terms::{Terms, denoised};
use crate::diffusion::plan::{Plan, Slot};
use crate::diffusion::schedule::Schedule;
use crate::error::Result;

/// The coefficients of DPM++ 2S ancestral.
///
/// # Errors
/// [`Error::Request`](crate::Error::Request) for a number of steps that the schedule does not have.
pub(super) fn plan(schedule: &Schedule, steps: usize) -> Result<Plan> {
    let levels = Sigmas::exploding(schedule, steps)?;
    let mut evaluations = Vec::with_capacity(2 * steps);
    for (index, pair) in levels.sigmas.windows(2).enumerate() {
        let (sigma, step) = (pair[0], index + 1);
        let [down, up] = ancestral(sigma, pair[1]);
        let middle = (sigma * down).sqrt();
        let towards = |x: Slot, to: f64, at: f64| {
            let x0 = denoised(schedule.prediction(), at);
            Terms::one(x).times(to / sigma).plus(1.0 - to / sigma, &x0)
        };
        let update = towards(Slot::Latents, middle, sigma).sum();
        let mut first = evaluation(step, levels.timesteps[index], sigma, update);
        if down == 0.0 {
            evaluations.push(first);
            continue;
        }
        first.save = Some(Terms::one(Slot::Latents).sum());
        evaluations.push(first);

        let update = towards(Slot::Saved, down, middle).plus(up, &Terms::one(Slot::Noise));
        evaluations.push(evaluation(step, levels.time_of(middle), middle, update.sum()));
    }
    Ok(Plan::new(levels.init_noise_sigma, evaluations))
}
