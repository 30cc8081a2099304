//! DPM-Solver++ (3M) for the stochastic differential equation: k-diffusion's
//! `sample_dpmpp_3m_sde` with η = 1. (diffusers' `DPMSolverMultistepScheduler` of the third order
//! has other coefficients.)
//!
//! ```text
//! h = ln(σ/σ')     k = 2h     D = x₀     r₀, r₁: h of the two steps before / h
//! φ₂ = (e⁻ᵏ − 1)/k + 1        φ₃ = φ₂/k − ½
//! a = (D − D₁)/r₀             b = (D₁ − D₂)/r₁             c = (a − b)/(r₀ + r₁)
//! x' = e⁻ᵏ·x + (1 − e⁻ᵏ)·D + φ₂·(a + r₀·c) − φ₃·c + σ'·√(1 − e⁻²ʰ)·noise
//! ```
//!
//! D₁ and D₂ are those of the steps before. The second step has no D₂ and adds φ₂·a alone; the
//! first has neither, and a step that ends at σ' = 0 gives D. The noise comes from the generator of
//! the first latents; k-diffusion uses a Brownian tree instead, so its pictures differ.

use super::sigmas::{Sigmas, evaluation};
use super::terms::{Terms, denoised};
use crate::diffusion::as_in::AsIn;
use crate::diffusion::plan::{Plan, Slot};
use crate::diffusion::schedule::Schedule;
use crate::error::Result;

/// The coefficients of DPM++ 3M SDE.
///
/// # Errors
/// [`Error::Request`](crate::Error::Request) for a number of steps that the schedule does not have.
pub(super) fn plan(schedule: &Schedule, steps: usize, left_out: usize) -> Result<Plan> {
    let levels = match schedule.as_in {
        AsIn::A1111 => Sigmas::without_penultimate(schedule, steps),
        _ => Sigmas::exploding(schedule, steps),
    }?;
    let sigmas = &levels.sigmas;
    let h = |index: usize| libm::log(sigmas[index] / sigmas[index + 1]);
    let past = |n: usize| Terms::one(Slot::Past(n));
    let evaluations = (0..steps).map(|index| {
        let (sigma, next) = (sigmas[index], sigmas[index + 1]);
        let x0 = denoised(schedule.prediction(), sigma);
        let mut update = x0.clone();
        if next > 0.0 {
            let (gone, double) = ((next / sigma).powi(2), 2.0 * h(index));
            let phi_2 = libm::expm1(-double) / double + 1.0;
            update = Terms::one(Slot::Latents).times(gone).plus(1.0 - gone, &x0);
            let known = index.saturating_sub(left_out);
            if known > 0 {
                let r_0 = h(index - 1) / h(index);
                let a = x0.clone().plus(-1.0, &past(1)).times(1.0 / r_0);
                update = update.plus(phi_2, &a);
                if known > 1 {
                    let r_1 = h(index - 2) / h(index);
                    let b = past(1).plus(-1.0, &past(2)).times(1.0 / r_1);
                    let c = a.plus(-1.0, &b).times(1.0 / (r_0 + r_1));
                    let phi_3 = phi_2 / double - 0.5;
                    update = update.plus(phi_2 * r_0 - phi_3, &c);
                }
            }
            update = update.plus(next * (1.0 - gone).sqrt(), &Terms::one(Slot::Noise));
        }
        let mut one = evaluation(index + 1, levels.timesteps[index], sigma, update.sum());
        one.remember = Some(x0.sum());
        one
    });
    let evaluations = evaluations.collect();
    Ok(Plan::new(levels.init_noise_sigma, evaluations))
}
