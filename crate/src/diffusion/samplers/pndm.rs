//! PNDM without its Runge-Kutta start, known as PLMS and v1.4's own: "Pseudo Numerical Methods for
//! Diffusion Models on Manifolds" (Liu et al., 2202.09778), formulas 9 and 12; diffusers:
//! `PNDMScheduler` with `skip_prk_steps`.
//!
//! ```text
//! φ(x, e, t, t') = √(ᾱ'/ᾱ)·x − (ᾱ' − ᾱ)·e / (ᾱ·√(1−ᾱ') + √(ᾱ·(1−ᾱ)·ᾱ'))
//! x' = φ(x, Σⱼ wⱼ·eⱼ, t, t')              eⱼ of the j-th last step, w of Adams and Bashforth
//! ```
//!
//! The first step has two evaluations: it is taken with e₀ alone, and then again from the same
//! latents, with the mean of e₀ and the prediction at the first result.
//!
//! For these two evaluations diffusers' list of timesteps has its second entry twice. A run that
//! begins with a picture starts in the middle of this list and still evaluates its first step
//! twice, as in diffusers; so from its second step on, the UNet gets the timestep of the following
//! step.

use super::terms::Terms;
use crate::diffusion::plan::{Evaluation, NoiseLevel, Plan, Slot};
use crate::diffusion::schedule::{Prediction, Schedule};
use crate::diffusion::spacing::Spacing;
use crate::error::{Error, Result};

/// Adams and Bashforth's coefficients for two, three and four predictions, the latest first.
const COEFFICIENTS: [&[f64]; 3] = [
    &[3.0 / 2.0, -1.0 / 2.0],
    &[23.0 / 12.0, -16.0 / 12.0, 5.0 / 12.0],
    &[55.0 / 24.0, -59.0 / 24.0, 37.0 / 24.0, -9.0 / 24.0],
];

/// The coefficients of PLMS.
///
/// # Errors
/// [`Error::Request`] for a number of steps that the schedule does not have, and for a schedule
/// that does not skip the Runge-Kutta steps.
pub(super) fn plan(schedule: &Schedule, steps: usize, left_out: usize) -> Result<Plan> {
    if !schedule.skip_prk_steps {
        let reason = "pndm is available only for models whose scheduler config sets \
                      skip_prk_steps, as that of Stable Diffusion v1.4 does";
        return Err(Error::Request { field: "sampler", reason: reason.into() });
    }
    let mut timesteps = schedule.timesteps(Spacing::Leading, steps)?;
    timesteps.iter_mut().for_each(|time| *time = time.round_ties_even());
    if steps > 1 {
        timesteps.insert(1, timesteps[1]);
    }
    timesteps.drain(..left_out);
    let stride = schedule.num_train_timesteps() / steps;
    let mut evaluations = Vec::with_capacity(timesteps.len());
    for (index, timestep) in timesteps.into_iter().enumerate() {
        // The second evaluation takes the first step again: from the saved latents, and from the
        // timestep of the first evaluation, which is one stride above its own.
        let (x, from, back) = match index {
            1 => (Slot::Saved, timestep as usize + stride, stride),
            _ => (Slot::Latents, timestep as usize, stride),
        };
        let alpha = schedule.alpha(from, steps)?;
        // Without `set_alpha_to_one` in the config, ᾱ after the last step is ᾱ₀.
        let next = schedule.alpha_before(from, back, false);
        let level = NoiseLevel::of_alpha(schedule.alpha(timestep as usize, steps)?);
        let update = transfer(
            schedule.prediction(),
            &Terms::one(x),
            &weighted_prediction(index),
            alpha,
            next,
        );
        // Steps count from 1, and the first has two evaluations: 0 and 1.
        let mut evaluation = Evaluation::new(index.max(1), timestep, level, update.sum());
        if index == 0 {
            evaluation.save = Some(Terms::one(Slot::Latents).sum());
        }
        if index != 1 {
            evaluation.remember = Some(Terms::one(Slot::Prediction).sum());
        }
        evaluations.push(evaluation);
    }
    Ok(Plan::new(1.0, evaluations))
}

/// The weighted sum of an evaluation's prediction and those before it.
fn weighted_prediction(index: usize) -> Terms {
    let weights = match index {
        0 => &[1.0] as &[f64],
        1 => &[0.5, 0.5],
        _ => COEFFICIENTS[index.min(4) - 2],
    };
    let slots = [Slot::Prediction, Slot::Past(1), Slot::Past(2), Slot::Past(3)];
    let weighted = weights.iter().zip(slots);
    weighted.fold(Terms::default(), |sum, (weight, slot)| sum.plus(*weight, &Terms::one(slot)))
}

/// φ from ᾱ = `alpha` to ᾱ' = `next`.
fn transfer(prediction: Prediction, x: &Terms, output: &Terms, alpha: f64, next: f64) -> Terms {
    let eps = match prediction {
        Prediction::Epsilon => output.clone(),
        Prediction::V => output.times(alpha.sqrt()).plus((1.0 - alpha).sqrt(), x),
    };
    let below = alpha * (1.0 - next).sqrt() + (alpha * (1.0 - alpha) * next).sqrt();
    x.times((next / alpha).sqrt()).plus(-(next - alpha) / below, &eps)
}
