//! DDIM without added noise: "Denoising Diffusion Implicit Models" (Song et al., 2010.02502),
//! formula 12 with σ = 0; diffusers: `DDIMScheduler`.
//!
//!     x₀  = (x − √(1−ᾱ)·ε) / √ᾱ
//!     x'  = √ᾱ'·x₀ + √(1−ᾱ')·ε            ᾱ' of the time ⌊N / steps⌋ earlier
//!
//! Beyond the first training time ᾱ' is 1 with `set_alpha_to_one`, otherwise ᾱ₀, as in v1.4.

use crate::diffusion::plan::{Combination, Evaluation, Plan, Slot};
use crate::diffusion::schedule::{Prediction, Schedule};
use crate::diffusion::spacing::Spacing;
use crate::error::{Error, Result};

/// DDIM's coefficients.
pub(super) fn plan(schedule: &Schedule, steps: usize) -> Result<Plan> {
    let timesteps = schedule.timesteps(Spacing::Leading, steps)?;
    let alphas = schedule.alphas_cumprod();
    let last = if schedule.set_alpha_to_one.unwrap_or(true) { 1.0 } else { f64::from(alphas[0]) };
    let stride = schedule.trained() / steps;
    let mut evaluations = Vec::with_capacity(timesteps.len());
    for (index, timestep) in timesteps.into_iter().enumerate() {
        let timestep = timestep.round_ties_even();
        let time = timestep as usize;
        let alpha = *alphas.get(time).ok_or_else(|| Error::Request {
            field: "number of steps",
            reason: format!(
                "is too large: {steps} steps would begin at the time {time}, but the model was \
                 trained up to {}",
                alphas.len() - 1
            ),
        })?;
        let next = time.checked_sub(stride).map_or(last, |time| f64::from(alphas[time]));
        let update = update(schedule.prediction(), f64::from(alpha), next);
        evaluations.push(Evaluation::new(index + 1, timestep, 1.0, update));
    }
    Ok(Plan { init_noise_sigma: 1.0, evaluations })
}

/// From the level `alpha` to the level `next`.
fn update(prediction: Prediction, alpha: f64, next: f64) -> Combination {
    let (signal, noise) = (alpha.sqrt(), (1.0 - alpha).sqrt());
    let (next_signal, next_noise) = (next.sqrt(), (1.0 - next).sqrt());
    let (latents, eps) = match prediction {
        Prediction::Epsilon => (next_signal / signal, next_noise - next_signal * noise / signal),
        // x₀ = √ᾱ·x − √(1−ᾱ)·v and ε = √ᾱ·v + √(1−ᾱ)·x.
        Prediction::V => {
            (next_signal * signal + next_noise * noise, next_noise * signal - next_signal * noise)
        }
    };
    Combination::new(&[(Slot::Latents, latents), (Slot::Eps, eps)])
}
