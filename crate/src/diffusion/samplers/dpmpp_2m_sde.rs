//! DPM-Solver++ (2M) for the stochastic differential equation: "DPM-Solver++" (Lu et al.,
//! 2211.01095), SDE variant; diffusers: `DPMSolverMultistepScheduler` with `algorithm_type`
//! `sde-dpmsolver++`.
//!
//! ```text
//! x' = (α'σ' / ασ)·e⁻ʰ·x + α'·(1 − e⁻²ʰ)·(D + (D − D₁) / 2r) + α'σ'·√(1 − e⁻²ʰ)·noise
//! ```
//!
//! The names are those of [`super::dpmpp_2m`]. The noise comes from the generator of the first
//! latents, as in diffusers; k-diffusion and the programs built on it use a Brownian tree instead,
//! so their pictures differ.

use super::dpmpp_2m::{Coefficients, plan_of};
use super::sigmas::{Sigmas, input_scale};
use crate::diffusion::plan::Plan;
use crate::diffusion::schedule::Schedule;
use crate::error::Result;

/// The coefficients of DPM++ 2M SDE.
///
/// # Errors
/// [`Error::Request`](crate::Error::Request) for a number of steps that the schedule does not have.
pub(super) fn plan(schedule: &Schedule, steps: usize, left_out: usize) -> Result<Plan> {
    let levels = Sigmas::preserving(schedule, steps)?;
    plan_of(schedule, &levels, left_out, levels.ends_at_zero(), |sigma, next| {
        let (ratio, alpha) = (next / sigma, input_scale(next));
        let rest = 1.0 - ratio * ratio;
        Coefficients {
            latents: ratio * ratio * alpha / input_scale(sigma),
            denoised: alpha * rest,
            noise: alpha * next * rest.sqrt(),
        }
    })
}
