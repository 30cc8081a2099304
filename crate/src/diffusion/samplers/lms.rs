//! A linear multistep method in σ: that of Adams and Bashforth for steps of different lengths, as
//! in k-diffusion's `sample_lms`; diffusers: `LMSDiscreteScheduler`, order 4.
//!
//! ```text
//! x' = x + Σⱼ cⱼ·dⱼ                       dⱼ = (x − x₀) / σ of the j-th last evaluation
//! cⱼ = ∫ ∏ₖ≠ⱼ (τ − σₖ) / (σⱼ − σₖ) dτ     from σ to σ'; σₖ of the k-th last evaluation
//! ```
//!
//! The integrand is a polynomial of at most third degree, for which Gauss' quadrature with two
//! points is exact. In ComfyUI a step that ends at σ' = 0 gives x₀.

use super::sigmas::{Sigmas, evaluation};
use super::terms::{self, Terms};
use crate::diffusion::as_in::AsIn;
use crate::diffusion::plan::{Plan, Slot};
use crate::diffusion::schedule::Schedule;
use crate::error::Result;

/// The most derivatives that a step uses; the first steps have fewer.
const ORDER: usize = 4;

/// The coefficients of the linear multistep method.
///
/// # Errors
/// [`Error::Request`](crate::Error::Request) for a number of steps that the schedule does not have.
pub(super) fn plan(schedule: &Schedule, steps: usize, left_out: usize) -> Result<Plan> {
    let levels = Sigmas::exploding(schedule, steps)?;
    let evaluations = (0..steps).map(|index| {
        let sigma = levels.sigmas[index];
        let derivative = terms::derivative(schedule.prediction(), sigma);
        // diffusers' class has the weights of all levels, k-diffusion those of the levels visited.
        let first = if schedule.as_in == AsIn::Diffusers { 0 } else { left_out.min(index) };
        let visited = levels.sigmas[first..=index].iter().rev().take(ORDER);
        let visited: Vec<f64> = visited.copied().collect();
        let next = levels.sigmas[index + 1];
        if schedule.as_in == AsIn::ComfyUi && next == 0.0 {
            let x0 = Terms::one(Slot::Latents).plus(-sigma, &derivative);
            return evaluation(index + 1, levels.timesteps[index], sigma, x0.sum());
        }
        let weight = |j| lagrange_integral(&visited, j, next);
        let update = Terms::one(Slot::Latents).plus(weight(0), &derivative);
        let known = visited.len().min((index + 1).saturating_sub(left_out).max(1));
        let update =
            (1..known).fold(update, |sum, j| sum.plus(weight(j), &Terms::one(Slot::Past(j))));
        let time = levels.timesteps[index];
        let mut one = evaluation(index + 1, time, sigma, update.sum());
        one.remember = Some(derivative.sum());
        one
    });
    let evaluations = evaluations.collect();
    Ok(Plan::new(levels.init_noise_sigma, evaluations))
}

/// The integral from `nodes[0]` to `end` of the polynomial that is 1 at `nodes[j]` and 0 at the
/// other nodes.
fn lagrange_integral(nodes: &[f64], j: usize, end: f64) -> f64 {
    let polynomial = |x: f64| -> f64 {
        let others = nodes.iter().enumerate().filter(|(k, _)| *k != j);
        others.map(|(_, node)| (x - node) / (nodes[j] - node)).product()
    };
    let (middle, half) = ((end + nodes[0]) / 2.0, (end - nodes[0]) / 2.0);
    let point = half / 3.0_f64.sqrt();
    half * (polynomial(middle - point) + polynomial(middle + point))
}
