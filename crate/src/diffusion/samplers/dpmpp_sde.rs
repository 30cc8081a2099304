//! DPM-Solver++ for the stochastic differential equation: k-diffusion's `sample_dpmpp_sde` with
//! r = ½; diffusers: `DPMSolverSDEScheduler`.
//!
//! ```text
//! σₘ = √(σ·σ')                                    down and up as in [`super::euler_ancestral`]
//! x̃  = downₘ/σ·x + (1 − downₘ/σ)·x₀(x, σ) + upₘ·n₁        the first evaluation of a step, to σₘ
//! x' = down/σ·x + (1 − down/σ)·x₀(x̃, σₘ) + up·n₂          the second, to σ'
//! ```
//!
//! n₁ and n₂ belong to one Brownian motion over σ, from σ to σₘ and from σ to σ':
//!
//! ```text
//! n₂ = ρ·n₁ + √(1 − ρ²)·noise       ρ² = (σ − σₘ) / (σ − σ')
//! ```
//!
//! n₁ is found again from x̃, x and x₀. The noise comes from the generator of the first latents;
//! k-diffusion, diffusers and the programs built on them use a Brownian tree of torchsde instead,
//! so their pictures differ. A step that ends at σ' = 0 is one of Euler's method.

use super::sigmas::{Sigmas, ancestral, evaluation};
use super::terms::{Terms, denoised};
use crate::diffusion::plan::{Plan, Slot};
use crate::diffusion::schedule::Schedule;
use crate::error::Result;

/// The coefficients of DPM++ SDE.
///
/// # Errors
/// [`Error::Request`](crate::Error::Request) for a number of steps that the schedule does not have.
pub(super) fn plan(schedule: &Schedule, steps: usize) -> Result<Plan> {
    let levels = Sigmas::exploding(schedule, steps)?;
    let noise = Terms::one(Slot::Noise);
    let mut evaluations = Vec::with_capacity(2 * steps);
    for (index, pair) in levels.sigmas.windows(2).enumerate() {
        let (sigma, next, step) = (pair[0], pair[1], index + 1);
        let middle = (sigma * next).sqrt();
        let x0 = denoised(schedule.prediction(), sigma);
        // The step to a level without its noise.
        let towards = |x: Slot, down: f64, x0: &Terms| {
            Terms::one(x).times(down / sigma).plus(1.0 - down / sigma, x0)
        };
        let [down_1, up_1] = ancestral(sigma, middle);
        let update = towards(Slot::Latents, down_1, &x0).plus(up_1, &noise);
        let mut first = evaluation(step, levels.timesteps[index], sigma, update.sum());
        if next == 0.0 {
            evaluations.push(first);
            continue;
        }
        first.save = Some(Terms::one(Slot::Latents).sum());
        first.remember = Some(x0.sum());
        evaluations.push(first);

        let [down_2, up_2] = ancestral(sigma, next);
        let without_noise = towards(Slot::Saved, down_1, &Terms::one(Slot::Past(1)));
        let first_noise = Terms::one(Slot::Latents).plus(-1.0, &without_noise).times(1.0 / up_1);
        let shared = (sigma - middle) / (sigma - next);
        let update = towards(Slot::Saved, down_2, &denoised(schedule.prediction(), middle))
            .plus(up_2 * shared.sqrt(), &first_noise)
            .plus(up_2 * (1.0 - shared).sqrt(), &noise);
        evaluations.push(evaluation(step, levels.time_of(middle), middle, update.sum()));
    }
    Ok(Plan::new(levels.init_noise_sigma, evaluations))
}
