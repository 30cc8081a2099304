//! The timesteps of models that were distilled for few steps, for LCM and TCD; diffusers:
//! `LCMScheduler.set_timesteps`, `TCDScheduler.set_timesteps`.
//!
//! ```text
//! distillation   k·⌊N / n⌋ − 1, k = 1 … n          n = original_inference_steps
//! a run          of the first ⌊n · strength⌋ of these, evenly spaced from the last one downwards
//! or a list      as it is
//! ```

use crate::diffusion::schedule::Schedule;
use crate::error::{Error, Result};

/// What the timesteps of a run follow from.
#[derive(Clone, Copy)]
pub(super) struct Choice<'a> {
    pub steps: usize,
    /// With a strength below 1 they begin where the latents of a picture are less noisy.
    pub strength: Option<f64>,
    /// A list that is used in place of those of distillation.
    pub timesteps: Option<&'a [usize]>,
}

/// The timesteps of a run, the noisiest first.
///
/// # Errors
/// [`Error::Request`] for a number of steps that the schedule does not have, or more than there are
/// timesteps of distillation; for a list that does not descend, or is not of the schedule.
pub(super) fn times(schedule: &Schedule, choice: Choice<'_>) -> Result<Vec<usize>> {
    let Choice { steps, strength, timesteps } = choice;
    schedule.check_steps(steps)?;
    if let Some(list) = timesteps {
        check(schedule, steps, list)?;
        return Ok(list.to_vec());
    }
    let distilled = schedule.original_inference_steps;
    let stride = schedule.num_train_timesteps() / distilled;
    let strength = strength.unwrap_or(1.0);
    let most = (distilled as f64 * strength) as usize;
    if stride == 0 || steps > most {
        let most = if stride == 0 { 0 } else { most };
        let reason = match strength < 1.0 {
            true => format!(
                "must be at most {most} with a strength of {strength}, not {steps}: the model was \
                 distilled for {distilled}"
            ),
            false => format!("must be between 1 and {most} for lcm and tcd, not {steps}"),
        };
        return Err(Error::Request { field: "number of steps", reason });
    }
    // numpy.linspace(0, most, steps, endpoint=False), floored: the product is rounded as in numpy.
    let part = most as f64 / steps as f64;
    let chosen = (0..steps).map(|index| (index as f64 * part).floor() as usize);
    Ok(chosen.map(|index| (most - index) * stride - 1).collect())
}

/// Checks a list of `steps` timesteps: each of the schedule, and each less than the one before.
fn check(schedule: &Schedule, steps: usize, list: &[usize]) -> Result<()> {
    let refuse = |reason: String| Err(Error::Request { field: "timesteps", reason });
    let last = schedule.num_train_timesteps() - 1;
    if list.len() != steps {
        return refuse(format!("must be as many as the steps: {steps}, not {}", list.len()));
    }
    if let Some(time) = list.iter().find(|time| **time > last) {
        return refuse(format!("must be whole numbers from 0 to {last}, unlike {time}"));
    }
    match list.windows(2).find(|two| two[0] <= two[1]) {
        Some(two) => refuse(format!(
            "must descend, from noise to the image: {} cannot follow {}",
            two[1], two[0]
        )),
        None => Ok(()),
    }
}
