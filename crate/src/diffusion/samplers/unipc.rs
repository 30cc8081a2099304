//! UniPC: "UniPC: A Unified Predictor-Corrector Framework for Fast Sampling of Diffusion Models"
//! (Zhao et al., 2302.04867), order 2 with B₂(h) = e^h − 1, on x₀; diffusers:
//! `UniPCMultistepScheduler` with its defaults.
//!
//! ```text
//! x̃' = (α'σ' / ασ)·x + α'·(1 − e⁻ʰ)·(m + ½·(m₁ − m) / r)                        predictor
//! x' = (α'σ' / ασ)·x + α'·(1 − e⁻ʰ)·(m + ρ₁·(m₁ − m) / r + ρ₂·(m' − m))        corrector
//! ```
//!
//! m is x₀ from the prediction at x̃, m₁ that of the step before, r = (λ₁ − λ) / h with λ = −ln σ.
//! The ρ solve ρ₁ + ρ₂ = b₁ and r·ρ₁ + ρ₂ = b₂, with bₖ from φ functions of −h. Without an m₁ there
//! is no ρ₁, and ρ₂ = ½. The prediction at x̃' is used twice: by the corrector, which ends a step,
//! and by the predictor, which begins the next. The last step has no corrector, and is of first
//! order unless `lower_order_final` is false in the schedule's file.

use super::sigmas::{Sigmas, input_scale};
use super::terms::{self, Terms};
use crate::diffusion::plan::{Evaluation, NoiseLevel, Plan, Slot};
use crate::diffusion::schedule::Schedule;
use crate::error::Result;

/// The coefficients of UniPC.
///
/// # Errors
/// [`Error::Request`](crate::Error::Request) for a number of steps that the schedule does not have.
pub(super) fn plan(
    schedule: &Schedule,
    steps: usize,
    left_out: usize,
    ends_at_min: bool,
) -> Result<Plan> {
    let mut levels = Sigmas::preserving(schedule, steps)?;
    if ends_at_min {
        levels.end_at(schedule.sigmas()[0]);
    }
    let Sigmas { timesteps, sigmas, init_noise_sigma, .. } = levels;
    let past = |n: usize| Terms::one(Slot::Past(n));
    let evaluations = (0..steps).map(|index| {
        let level = NoiseLevel::preserving(sigmas[index]);
        let m = terms::x0(schedule.prediction(), level.signal, level.noise);
        let done = index.saturating_sub(left_out);
        let x = match done {
            0 => Terms::one(Slot::Latents),
            _ => {
                let step = Step::new(&sigmas, index - 1);
                let [first, second] = step.corrector(done == 1);
                let first = first / step.r;
                let mut corrected = past(1).times(1.0 - first - second).plus(second, &m);
                if done > 1 {
                    corrected = corrected.plus(first, &past(2));
                }
                step.from(&Terms::one(Slot::Saved), &corrected)
            }
        };
        let step = Step::new(&sigmas, index);
        let mut denoised = m.clone();
        if done > 0 && (index + 1 < steps || !schedule.lower_order_final) {
            let half = 0.5 / step.r;
            denoised = m.times(1.0 - half).plus(half, &past(1));
        }
        let update = step.from(&x, &denoised);
        let mut evaluation = Evaluation::new(index + 1, timesteps[index], level, update.sum());
        evaluation.remember = Some(m.sum());
        evaluation.save = Some(x.sum());
        evaluation
    });
    let evaluations = evaluations.collect();
    Ok(Plan::new(init_noise_sigma, evaluations))
}

/// The coefficients of a step from σ to σ'.
struct Step {
    /// α'σ' / ασ
    latents: f64,
    /// α'·(1 − e⁻ʰ)
    denoised: f64,
    h: f64,
    /// r above: the start of the step before, relative to this step's start and length; it is
    /// negative.
    r: f64,
}

impl Step {
    fn new(sigmas: &[f64], index: usize) -> Self {
        let (sigma, next) = (sigmas[index], sigmas[index + 1]);
        let (ratio, alpha) = (next / sigma, input_scale(next));
        let h = libm::log(sigma / next);
        let r = if index == 0 { -1.0 } else { -libm::log(sigmas[index - 1] / sigma) / h };
        let latents = ratio * alpha / input_scale(sigma);
        Step { latents, denoised: alpha * (1.0 - ratio), h, r }
    }

    /// x' from x and a combination of the m.
    fn from(&self, x: &Terms, denoised: &Terms) -> Terms {
        x.times(self.latents).plus(self.denoised, denoised)
    }

    /// ρ₁ and ρ₂; at `first_order` there is no m₁, and ρ₁ is 0.
    fn corrector(&self, first_order: bool) -> [f64; 2] {
        if first_order {
            return [0.0, 0.5];
        }
        let (h, base) = (-self.h, libm::expm1(-self.h));
        let phi_1 = base / h - 1.0;
        let phi_2 = phi_1 / h - 0.5;
        let [b_1, b_2] = [phi_1 / base, 2.0 * phi_2 / base];
        let rho_1 = (b_2 - b_1) / (self.r - 1.0);
        [rho_1, b_1 - rho_1]
    }
}
