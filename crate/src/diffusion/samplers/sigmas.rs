//! The noise levels σ of a run, for the samplers whose formulas are in σ or in ln σ.
//!
//! ```text
//! x = x₀ + σ·ε          σᵢ = (σ₀^⅐ + i/(n−1)·(σₙ₋₁^⅐ − σ₀^⅐))⁷       with Karras' sigmas
//! ```
//!
//! "Elucidating the Design Space of Diffusion-Based Generative Models" (Karras et al., 2206.00364),
//! formula 5. diffusers has sigmas and timesteps in float32, so they are rounded here in the same
//! places.

use crate::diffusion::plan::{Combination, Evaluation, NoiseLevel};
use crate::diffusion::schedule::Schedule;
use crate::diffusion::spacing::Spacing;
use crate::error::Result;

/// Karras' ρ.
const RHO: f64 = 7.0;

/// The timesteps of a run and their sigmas.
pub(super) struct Sigmas {
    /// The noisiest first.
    pub timesteps: Vec<f64>,
    /// One for each timestep, and a last one, where the run ends: 0, unless [`Sigmas::end_at`] set
    /// another.
    pub sigmas: Vec<f64>,
    /// The first latents are this times N(0, 1).
    pub init_noise_sigma: f64,
}

impl Sigmas {
    /// For latents x₀ + σ·ε: timesteps need not be whole numbers, and the first latents are scaled
    /// by the first σ.
    ///
    /// # Errors
    /// [`Error::Request`](crate::Error::Request) for a number of steps that the schedule does not
    /// have.
    pub(super) fn exploding(schedule: &Schedule, steps: usize, karras: bool) -> Result<Self> {
        let table = schedule.sigmas();
        let mut timesteps = schedule.timesteps(Spacing::Linspace, steps)?;
        timesteps.iter_mut().for_each(round_to_f32);
        let mut sigmas: Vec<f64> =
            timesteps.iter().map(|time| interpolate(&table, *time)).collect();
        if karras {
            sigmas = ramp(sigmas[0], sigmas[steps - 1], steps);
            timesteps = sigmas.iter().map(|sigma| time_of(&table, *sigma)).collect();
            timesteps.iter_mut().for_each(round_to_f32);
        }
        let levels = Sigmas::ending_in_zero(timesteps, sigmas);
        let largest = levels.sigmas.iter().copied().fold(0.0, f64::max);
        let init_noise_sigma = match schedule.spacing.unwrap_or(Spacing::Linspace) {
            Spacing::Linspace | Spacing::Trailing => largest,
            Spacing::Leading => (largest * largest + 1.0).sqrt(),
        };
        Ok(Sigmas { init_noise_sigma, ..levels })
    }

    /// For latents (x₀ + σ·ε) / √(σ² + 1): timesteps are whole numbers. Except with `Trailing`, one
    /// timestep more is spaced and the last one is left out.
    ///
    /// # Errors
    /// [`Error::Request`](crate::Error::Request) for a number of steps that the schedule does not
    /// have.
    pub(super) fn preserving(schedule: &Schedule, steps: usize) -> Result<Self> {
        schedule.check_steps(steps)?;
        let table = schedule.sigmas();
        let spacing = schedule.spacing.unwrap_or(Spacing::Linspace);
        let spaced = if spacing == Spacing::Trailing { steps } else { steps + 1 };
        let mut timesteps =
            spacing.timesteps(schedule.num_train_timesteps(), spaced, schedule.steps_offset);
        timesteps.truncate(steps);
        let mut sigmas = Vec::new();
        if schedule.karras {
            let (first, last) = (f64::from(table[table.len() - 1]), f64::from(table[0]));
            sigmas = ramp(first, last, steps);
            timesteps = sigmas.iter().map(|sigma| time_of(&table, *sigma)).collect();
        }
        timesteps.iter_mut().for_each(|time| *time = time.round_ties_even());
        if !schedule.karras {
            sigmas = timesteps.iter().map(|time| interpolate(&table, *time)).collect();
        }
        Ok(Sigmas::ending_in_zero(timesteps, sigmas))
    }

    /// Ends the run at this level instead of 0.
    pub(super) fn end_at(&mut self, sigma: f32) {
        self.sigmas.pop();
        self.sigmas.push(f64::from(sigma));
    }

    fn ending_in_zero(timesteps: Vec<f64>, mut sigmas: Vec<f64>) -> Self {
        sigmas.push(0.0);
        sigmas.iter_mut().for_each(round_to_f32);
        Sigmas { timesteps, sigmas, init_noise_sigma: 1.0 }
    }
}

/// An evaluation of latents x₀ + σ·ε.
pub(super) fn evaluation(
    step: usize,
    timestep: f64,
    sigma: f64,
    update: Combination,
) -> Evaluation {
    Evaluation::new(step, timestep, NoiseLevel::exploding(sigma), update).scaled(input_scale(sigma))
}

/// The UNet's input scale for latents x₀ + σ·ε, which gives them the variance 1.
pub(super) fn input_scale(sigma: f64) -> f64 {
    1.0 / (sigma * sigma + 1.0).sqrt()
}

fn round_to_f32(number: &mut f64) {
    *number = f64::from(*number as f32);
}

/// Karras sigmas from the largest to the smallest.
fn ramp(first: f64, last: f64, steps: usize) -> Vec<f64> {
    let root = |sigma: f64| libm::pow(sigma, 1.0 / RHO);
    let (first, last) = (root(first), root(last));
    let part = 1.0 / (steps.max(2) - 1) as f64;
    (0..steps).map(|i| libm::pow(first + i as f64 * part * (last - first), RHO)).collect()
}

/// The timestep of a level: interpolated linearly in ln σ between the table's entries, which rise.
fn time_of(table: &[f32], sigma: f64) -> f64 {
    let ln = |index: usize| libm::log(f64::from(table[index])) as f32;
    let wanted = libm::log(sigma.max(1e-10));
    let reached = (0..table.len()).rev().find(|index| f64::from(ln(*index)) <= wanted);
    let index = reached.unwrap_or(0).min(table.len().saturating_sub(2));
    let (low, high) = (ln(index), ln((index + 1).min(table.len() - 1)));
    let fraction = ((f64::from(low) - wanted) / f64::from(low - high)).clamp(0.0, 1.0);
    (1.0 - fraction) * index as f64 + fraction * (index + 1) as f64
}

/// `numpy.interp` at `x` in a table over 0, 1, 2, …: linear inside, constant outside.
fn interpolate(table: &[f32], x: f64) -> f64 {
    let last = table.len() - 1;
    let index = (x.max(0.0) as usize).min(last);
    let below = f64::from(table[index]);
    let fraction = x - index as f64;
    if index == last || fraction <= 0.0 {
        return below;
    }
    (f64::from(table[index + 1]) - below) * fraction + below
}
