//! DEIS: "Fast Sampling of Diffusion Models with Exponential Integrator" (Zhang & Chen,
//! 2204.13902), tAB-DEIS in ln σ; diffusers: `DEISMultistepScheduler` with its defaults (order 2,
//! `logrho`).
//!
//! ```text
//! x' = α'·(x/α + c₁·ε + c₂·ε₁)                         α = 1 / √(σ²+1), ε₁ of the step before
//! c₁ = ∫ (ln τ − ln σ₁) / (ln σ − ln σ₁) dτ            from σ to σ'
//! c₂ = ∫ (ln τ − ln σ) / (ln σ₁ − ln σ) dτ
//! ```
//!
//! The first step has no ε₁, and c₁ = σ' − σ; so has the last of a run of few steps, with
//! `lower_order_final`. As in that class, a run ends at the smallest σ of training, or with another
//! schedule of σ than the model's at its last σ again, so that its last step changes nothing.

use super::sigmas::{Sigmas, input_scale};
use super::terms::{self, Terms};
use crate::diffusion::plan::{Evaluation, NoiseLevel, Plan, Slot};
use crate::diffusion::schedule::Schedule;
use crate::diffusion::sigma_schedule::SigmaSchedule;
use crate::error::Result;

/// `lower_order_final` applies only to runs of fewer steps, as in diffusers.
const SHORT: usize = 15;

/// The coefficients of DEIS.
///
/// # Errors
/// [`Error::Request`](crate::Error::Request) for a number of steps that the schedule does not have.
pub(super) fn plan(schedule: &Schedule, steps: usize, left_out: usize) -> Result<Plan> {
    let mut levels = Sigmas::preserving(schedule, steps)?;
    levels.end_at(match schedule.sigma_schedule {
        SigmaSchedule::Normal => schedule.sigmas()[0],
        _ => levels.sigmas[steps - 1] as f32,
    });
    let Sigmas { timesteps, sigmas, init_noise_sigma, .. } = &levels;
    let is_short = schedule.lower_order_final && steps < SHORT;
    let evaluations = (0..steps).map(|index| {
        let (sigma, next) = (sigmas[index], sigmas[index + 1]);
        let level = NoiseLevel::preserving(sigma);
        let eps = terms::eps(schedule.prediction(), level.signal, level.noise);
        let x = Terms::one(Slot::Latents).times(1.0 / input_scale(sigma));
        let sum = match index > left_out && (index + 1 < steps || !is_short) {
            true => {
                let before = sigmas[index - 1];
                x.plus(integral([sigma, next], sigma, before), &eps)
                    .plus(integral([sigma, next], before, sigma), &Terms::one(Slot::Past(1)))
            }
            false => x.plus(next - sigma, &eps),
        };
        let update = sum.times(input_scale(next));
        let mut evaluation = Evaluation::new(index + 1, timesteps[index], level, update.sum());
        evaluation.remember = Some(eps.sum());
        evaluation
    });
    let evaluations = evaluations.collect();
    Ok(Plan::new(*init_noise_sigma, evaluations))
}

/// ∫ (ln τ − ln zero) / (ln one − ln zero) dτ from `start` to `end`.
fn integral([start, end]: [f64; 2], one: f64, zero: f64) -> f64 {
    let at = |tau: f64| tau * (libm::log(tau / zero) - 1.0);
    (at(end) - at(start)) / libm::log(one / zero)
}
