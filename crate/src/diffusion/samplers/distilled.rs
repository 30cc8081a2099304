//! The timesteps of models that were distilled for few steps, for LCM and TCD; diffusers:
//! `LCMScheduler.set_timesteps`, `TCDScheduler.set_timesteps`.
//!
//! ```text
//! distillation   k·⌊N / n⌋ − 1, k = 1 … n          n = original_inference_steps
//! a run          of the first ⌊n · strength⌋ of these, evenly spaced from the last one downwards
//! ```

use crate::diffusion::schedule::Schedule;
use crate::error::{Error, Result};

/// The timesteps of a run of `steps` steps, the noisiest first. With a `strength` below 1 they
/// begin where the latents of a picture are less noisy.
///
/// # Errors
/// [`Error::Request`] for a number of steps that the schedule does not have, or more than there are
/// timesteps of distillation.
pub(super) fn times(
    schedule: &Schedule,
    steps: usize,
    strength: Option<f64>,
) -> Result<Vec<usize>> {
    schedule.check_steps(steps)?;
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
