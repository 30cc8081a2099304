//! iPNDM: "Fast Sampling of Diffusion Models with Exponential Integrator" (Zhang & Chen,
//! 2204.13902), an improved PNDM whose first steps are of a lower order; in σ as in zju-pi's
//! diff-sampler, `ipndm_sampler`, and the programs that took it from there.
//!
//! ```text
//! x' = x + (σ' − σ)·Σⱼ wⱼ·dⱼ            dⱼ = (x − x₀) / σ of the j-th last evaluation
//! w  = 1  |  3, −1 by 2  |  23, −16, 5 by 12  |  55, −59, 37, −9 by 24
//! ```
//!
//! A step that ends at σ' = 0 is one of Euler's method. diffusers' `IPNDMScheduler` has the same
//! weights, on timesteps from 1 to 0 of another kind of model.

use super::sigmas::{Sigmas, evaluation};
use super::terms::{self, Terms};
use crate::diffusion::plan::{Plan, Slot};
use crate::diffusion::schedule::Schedule;
use crate::error::Result;

/// The weights of the derivatives, the latest first, by how many are known.
const WEIGHTS: [&[f64]; 4] = [
    &[1.0],
    &[3.0 / 2.0, -1.0 / 2.0],
    &[23.0 / 12.0, -16.0 / 12.0, 5.0 / 12.0],
    &[55.0 / 24.0, -59.0 / 24.0, 37.0 / 24.0, -9.0 / 24.0],
];

/// The coefficients of iPNDM.
///
/// # Errors
/// [`Error::Request`](crate::Error::Request) for a number of steps that the schedule does not have.
pub(super) fn plan(schedule: &Schedule, steps: usize, left_out: usize) -> Result<Plan> {
    let levels = Sigmas::exploding(schedule, steps)?;
    let evaluations = levels.sigmas.windows(2).enumerate().map(|(index, pair)| {
        let (sigma, next) = (pair[0], pair[1]);
        let derivative = terms::derivative(schedule.prediction(), sigma);
        let known = index.saturating_sub(left_out).min(WEIGHTS.len() - 1);
        let weights = WEIGHTS[if next > 0.0 { known } else { 0 }];
        let mixed = weights.iter().enumerate().fold(Terms::default(), |sum, (j, weight)| {
            let one = if j == 0 { derivative.clone() } else { Terms::one(Slot::Past(j)) };
            sum.plus(*weight, &one)
        });
        let update = Terms::one(Slot::Latents).plus(next - sigma, &mixed);
        let mut one = evaluation(index + 1, levels.timesteps[index], sigma, update.sum());
        one.remember = Some(derivative.sum());
        one
    });
    let evaluations = evaluations.collect();
    Ok(Plan::new(levels.init_noise_sigma, evaluations))
}
