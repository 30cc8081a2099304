//! Heun's method in σ: "Elucidating the Design Space of Diffusion-Based Generative Models"
//! (Karras et al., 2206.00364), algorithm 1; diffusers: `HeunDiscreteScheduler`.
//!
//! ```text
//! x̃  = x + (σ' − σ)·d(x, σ)                          the first evaluation of a step
//! x' = x + (σ' − σ)·(d(x, σ) + d(x̃, σ')) / 2         the second
//! ```
//!
//! A step that ends at σ' = 0, where there is no derivative, is one of Euler's method.

use super::sigmas::{Sigmas, evaluation};
use super::terms::{self, Terms};
use crate::diffusion::plan::{Plan, Slot};
use crate::diffusion::schedule::Schedule;
use crate::error::Result;

/// Heun's coefficients.
///
/// # Errors
/// [`Error::Request`](crate::Error::Request) for a number of steps that the schedule does not have.
pub(super) fn plan(schedule: &Schedule, steps: usize) -> Result<Plan> {
    let levels = Sigmas::exploding(schedule, steps)?;
    let mut evaluations = Vec::with_capacity(2 * steps);
    for (index, pair) in levels.sigmas.windows(2).enumerate() {
        let (sigma, next, step) = (pair[0], pair[1], index + 1);
        let dt = next - sigma;
        let derivative = terms::derivative(schedule.prediction(), sigma);
        let update = Terms::one(Slot::Latents).plus(dt, &derivative).sum();
        let time = levels.timesteps[index];
        let mut first = evaluation(step, time, sigma, update);
        if next == 0.0 {
            evaluations.push(first);
            continue;
        }
        first.remember = Some(derivative.sum());
        first.save = Some(Terms::one(Slot::Latents).sum());
        evaluations.push(first);

        let update = Terms::one(Slot::Saved)
            .plus(dt / 2.0, &Terms::one(Slot::Past(1)))
            .plus(dt / 2.0, &terms::derivative(schedule.prediction(), next));
        let time = levels.timesteps.get(index + 1).copied().unwrap_or(levels.time_of(next));
        evaluations.push(evaluation(step, time, next, update.sum()));
    }
    Ok(Plan::new(levels.init_noise_sigma, evaluations))
}
