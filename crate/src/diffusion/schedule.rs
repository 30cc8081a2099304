//! The noise levels of training: betas and their running product, as torch's float32 tables.
//!
//! ```text
//! scaled_linear:  β = linspace(√β₀, √β₁, N)²        linear:  β = linspace(β₀, β₁, N)
//! ᾱₜ = ∏ₛ≤ₜ (1 − βₛ)          σₜ = √((1 − ᾱₜ) / ᾱₜ)
//! ```
//!
//! diffusers computes them in float32 and every sampler starts from these rounded values; so they
//! are rounded here in the same places, and only later computations are f64.

use super::as_in::AsIn;
use super::sigma_schedule::SigmaSchedule;
use super::spacing::Spacing;
use crate::error::{Error, Result};

/// What the UNet was trained to predict. Scheduler config: `prediction_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Prediction {
    /// The noise ε in x = √ᾱ·x₀ + √(1−ᾱ)·ε.
    Epsilon,
    /// v = √ᾱ·ε − √(1−ᾱ)·x₀ (Salimans & Ho, 2202.00512).
    V,
}

/// The noise schedule that a model was trained with, and how its author wants it sampled.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    pub(super) betas: Vec<f32>,
    pub(super) alphas_cumprod: Vec<f32>,
    pub(super) prediction: Prediction,
    pub(super) spacing: Option<Spacing>,
    pub(super) steps_offset: usize,
    pub(super) set_alpha_to_one: Option<bool>,
    /// Scheduler config: `use_karras_sigmas`, `use_exponential_sigmas`, `use_beta_sigmas`.
    pub(super) sigma_schedule: SigmaSchedule,
    pub(super) skip_prk_steps: bool,
    /// Scheduler config of the same name.
    pub(super) rescale_betas_zero_snr: bool,
    /// Scheduler config: `_class_name`, if it is that of a model distilled for few steps.
    pub(super) class: Option<String>,
    /// Steps of the solver in distillation. Scheduler config: `original_inference_steps`.
    pub(super) original_inference_steps: usize,
    /// The factor of timesteps in LCM's boundary condition. Scheduler config: `timestep_scaling`.
    pub(super) timestep_scaling: f64,
    /// Scheduler config: `lower_order_final`. Whether the last step is of first order in runs of
    /// few steps that end above σ = 0.
    pub(super) lower_order_final: bool,
    /// Whose levels its samplers in σ step over; never in the file.
    pub(super) as_in: AsIn,
}

impl Schedule {
    /// The tables for `betas`.
    pub(super) fn from_betas(betas: Vec<f32>) -> Self {
        Schedule {
            alphas_cumprod: cumulative_product(&betas),
            betas,
            prediction: Prediction::Epsilon,
            spacing: None,
            steps_offset: 0,
            set_alpha_to_one: None,
            sigma_schedule: SigmaSchedule::Normal,
            skip_prk_steps: false,
            rescale_betas_zero_snr: false,
            class: None,
            original_inference_steps: 50,
            timestep_scaling: 10.0,
            lower_order_final: true,
            as_in: AsIn::Diffusers,
        }
    }

    /// The same schedule with this choice of timesteps instead of the file's or the sampler's.
    #[must_use]
    pub fn with_spacing(mut self, spacing: Spacing) -> Self {
        self.spacing = Some(spacing);
        self
    }

    /// The same schedule with these noise levels, for the samplers whose formulas are in σ.
    #[must_use]
    pub fn with_sigmas(mut self, sigmas: SigmaSchedule) -> Self {
        self.sigma_schedule = sigmas;
        self
    }

    /// The same schedule with √ᾱ shifted and scaled so that it is 0 at the last timestep, and as
    /// before at the first; `last` is what ᾱ becomes there. "Common Diffusion Noise Schedules and
    /// Sample Steps are Flawed" (Lin et al., 2305.08891), algorithm 1; diffusers:
    /// `rescale_zero_terminal_snr`.
    #[must_use]
    pub(super) fn with_zero_snr(mut self, last: f32) -> Self {
        let roots: Vec<f32> = self.alphas_cumprod.iter().map(|alpha| alpha.sqrt()).collect();
        let (first, end) = (roots[0], roots[roots.len() - 1]);
        let scale = first / (first - end);
        let bars: Vec<f32> = roots.iter().map(|root| ((root - end) * scale).powi(2)).collect();
        let before = [1.0].into_iter().chain(bars.iter().copied());
        self.betas = bars.iter().zip(before).map(|(bar, before)| 1.0 - bar / before).collect();
        self.alphas_cumprod = cumulative_product(&self.betas);
        if let Some(alpha) = self.alphas_cumprod.last_mut() {
            *alpha = last;
        }
        self
    }

    /// β of every training timestep. diffusers: `scheduler.betas`.
    pub fn betas(&self) -> &[f32] {
        &self.betas
    }

    /// ᾱ of every training timestep. diffusers: `scheduler.alphas_cumprod`.
    pub fn alphas_cumprod(&self) -> &[f32] {
        &self.alphas_cumprod
    }

    /// σ of every training timestep, in float32. torch's square root is sometimes off by one unit
    /// in the last place; this one is not.
    pub fn sigmas(&self) -> Vec<f32> {
        self.alphas_cumprod.iter().map(|alpha| ((1.0 - alpha) / alpha).sqrt()).collect()
    }

    /// The number of training timesteps. Scheduler config: `num_train_timesteps`.
    pub fn num_train_timesteps(&self) -> usize {
        self.betas.len()
    }

    /// What the UNet predicts.
    pub fn prediction(&self) -> Prediction {
        self.prediction
    }

    /// Refuses 0 steps, and more than there are training timesteps.
    ///
    /// # Errors
    /// [`Error::Request`] for these.
    pub(super) fn check_steps(&self, steps: usize) -> Result<()> {
        if steps > 0 && steps <= self.num_train_timesteps() {
            return Ok(());
        }
        let reason = format!("must be between 1 and {}, not {steps}", self.num_train_timesteps());
        Err(Error::Request { field: "number of steps", reason })
    }

    /// The timesteps of a run, the noisiest first, not rounded.
    ///
    /// # Errors
    /// As [`Schedule::check_steps`].
    pub(super) fn timesteps(&self, default: Spacing, steps: usize) -> Result<Vec<f64>> {
        self.check_steps(steps)?;
        let spacing = self.spacing.unwrap_or(default);
        Ok(spacing.timesteps(self.num_train_timesteps(), steps, self.steps_offset))
    }

    /// ᾱ of a timestep of a run of `steps` steps; with an offset it can be beyond the last one.
    ///
    /// # Errors
    /// [`Error::Request`] for a timestep beyond the last one.
    pub(super) fn alpha(&self, time: usize, steps: usize) -> Result<f64> {
        let alpha = self.alphas_cumprod.get(time).copied().map(f64::from);
        alpha.ok_or_else(|| Error::Request {
            field: "number of steps",
            reason: format!(
                "is too large: {steps} steps would visit the time {time}, but the model was \
                 trained up to {}",
                self.num_train_timesteps() - 1
            ),
        })
    }

    /// ᾱ at `time − stride`; below time 0 it is 1 with `set_alpha_to_one`, otherwise ᾱ₀. `to_one`
    /// is the sampler's default where the config does not say.
    pub(super) fn alpha_before(&self, time: usize, stride: usize, to_one: bool) -> f64 {
        let beyond = self.set_alpha_to_one.unwrap_or(to_one).then_some(1.0);
        let beyond = || beyond.unwrap_or(f64::from(self.alphas_cumprod[0]));
        time.checked_sub(stride).map_or_else(beyond, |time| f64::from(self.alphas_cumprod[time]))
    }
}

/// `torch.linspace(start, end, n, dtype=torch.float32)`: computed from both ends to the middle,
/// with a fused multiply-add as in torch's build for x86.
pub(super) fn linspace(start: f64, end: f64, n: usize) -> Vec<f32> {
    let (start, end) = (start as f32, end as f32);
    let step = (end - start) / (n.max(2) - 1) as f32;
    let at = |i| match i {
        i if i < n / 2 || n == 1 => libm::fmaf(step, i as f32, start),
        i => libm::fmaf(-step, (n - i - 1) as f32, end),
    };
    (0..n).map(at).collect()
}

/// `torch.cumprod(1.0 - betas)`: torch multiplies in double and rounds each entry.
fn cumulative_product(betas: &[f32]) -> Vec<f32> {
    let mut product = 1.0_f64;
    let next = |beta: &f32| {
        product *= f64::from(1.0 - beta);
        product as f32
    };
    betas.iter().map(next).collect()
}
