//! The noise levels σ of a run, for the samplers whose formulas are in σ or in ln σ.
//!
//! ```text
//! x = x₀ + σ·ε          up² = σ'²·(σ² − σ'²) / σ²          down² = σ'² − up²
//! ```
//!
//! [`super::ramps`] has the formulas of the schedules. diffusers has sigmas and timesteps in
//! float32, so they are rounded here in the same places.

use super::programs::{first_noise, levels, seen};
use super::ramps::{ends, ramp};
use crate::diffusion::as_in::AsIn;
use crate::diffusion::plan::{Combination, Evaluation, NoiseLevel};
use crate::diffusion::schedule::Schedule;
use crate::diffusion::sigma_schedule::SigmaSchedule;
use crate::diffusion::spacing::Spacing;
use crate::error::Result;

/// The timesteps of a run and their sigmas.
pub(super) struct Sigmas {
    /// The noisiest first.
    pub timesteps: Vec<f64>,
    /// One for each timestep, and a last one, where the run ends: 0, unless the schedule or
    /// [`Sigmas::end_at`] set another.
    pub sigmas: Vec<f64>,
    /// The first latents are this times N(0, 1).
    pub init_noise_sigma: f64,
    /// σ of every training timestep.
    table: Vec<f32>,
    as_in: AsIn,
}

impl Sigmas {
    /// For latents x₀ + σ·ε: timesteps need not be whole numbers, and the first latents are scaled
    /// by the first σ.
    ///
    /// # Errors
    /// [`Error::Request`](crate::Error::Request) for a number of steps that the schedule does not
    /// have.
    pub(super) fn exploding(schedule: &Schedule, steps: usize) -> Result<Self> {
        if schedule.as_in != AsIn::Diffusers {
            return Sigmas::of_program(schedule, steps);
        }
        let (table, kind) = (schedule.sigmas(), schedule.sigma_schedule);
        let mut timesteps = schedule.timesteps(Spacing::Linspace, steps)?;
        timesteps.iter_mut().for_each(round_to_f32);
        let mut sigmas: Vec<f64> =
            timesteps.iter().map(|time| interpolate(&table, *time)).collect();
        if let Some(levels) = ramp(kind, [sigmas[0], sigmas[steps - 1]], steps, &table) {
            timesteps = levels.iter().map(|sigma| time_of(&table, *sigma)).collect();
            timesteps.iter_mut().for_each(round_to_f32);
            sigmas = levels;
        }
        let mut levels = Sigmas::ending(kind, timesteps, sigmas, table);
        let largest = levels.sigmas.iter().copied().fold(0.0, f64::max);
        levels.init_noise_sigma = match schedule.spacing.unwrap_or(Spacing::Linspace) {
            Spacing::Leading if kind.is_spaced() => (largest * largest + 1.0).sqrt(),
            _ => largest,
        };
        Ok(levels)
    }

    /// For latents (x₀ + σ·ε) / √(σ² + 1): timesteps are whole numbers. Except with `Trailing`, one
    /// timestep more is spaced and the last one is left out.
    ///
    /// # Errors
    /// [`Error::Request`](crate::Error::Request) for a number of steps that the schedule does not
    /// have.
    pub(super) fn preserving(schedule: &Schedule, steps: usize) -> Result<Self> {
        if schedule.as_in != AsIn::Diffusers {
            let mut levels = Sigmas::of_program(schedule, steps)?;
            levels.init_noise_sigma *= input_scale(levels.sigmas[0]);
            return Ok(levels);
        }
        schedule.check_steps(steps)?;
        let (table, kind) = (schedule.sigmas(), schedule.sigma_schedule);
        let [last, first] = ends(&table);
        let (timesteps, sigmas) = match ramp(kind, [first, last], steps, &table) {
            None => {
                let spacing = schedule.spacing.unwrap_or(Spacing::Linspace);
                let spaced = if spacing == Spacing::Trailing { steps } else { steps + 1 };
                let mut timesteps = spacing.timesteps(table.len(), spaced, schedule.steps_offset);
                timesteps.truncate(steps);
                timesteps.iter_mut().for_each(|time| *time = time.round_ties_even());
                let sigmas = timesteps.iter().map(|time| interpolate(&table, *time)).collect();
                (timesteps, sigmas)
            }
            Some(levels) => {
                let times = levels.iter().map(|sigma| time_of(&table, *sigma));
                // diffusers cuts off the fractions of these two, and rounds Karras' times.
                let whole = |time: f64| match kind {
                    SigmaSchedule::Exponential | SigmaSchedule::Beta => time.floor(),
                    _ => time.round_ties_even(),
                };
                (times.map(whole).collect(), levels)
            }
        };
        Ok(Sigmas::ending(kind, timesteps, sigmas, table))
    }

    /// As another program has them, for latents x₀ + σ·ε.
    ///
    /// # Errors
    /// [`Error::Request`](crate::Error::Request) for a number of steps that the schedule does not
    /// have.
    fn of_program(schedule: &Schedule, steps: usize) -> Result<Self> {
        schedule.check_steps(steps)?;
        let (table, as_in) = (schedule.sigmas(), schedule.as_in);
        let mut sigmas = levels(as_in, schedule.sigma_schedule, steps, &table);
        sigmas.iter_mut().for_each(round_to_f32);
        Ok(Sigmas::stepping(as_in, sigmas, table))
    }

    /// The same as [`Sigmas::exploding`], but of one step more, whose last level above the end is
    /// left out: for the samplers to which other programs do that.
    ///
    /// # Errors
    /// As [`Sigmas::exploding`].
    pub(super) fn without_penultimate(schedule: &Schedule, steps: usize) -> Result<Self> {
        schedule.check_steps(steps)?;
        let mut levels = Sigmas::of_program(schedule, steps + 1)?;
        levels.sigmas.remove(steps);
        Ok(Sigmas::stepping(levels.as_in, levels.sigmas, levels.table))
    }

    /// The same for latents of variance one.
    ///
    /// # Errors
    /// As [`Sigmas::exploding`].
    pub(super) fn preserving_without_penultimate(
        schedule: &Schedule,
        steps: usize,
    ) -> Result<Self> {
        let mut levels = Sigmas::without_penultimate(schedule, steps)?;
        levels.init_noise_sigma *= input_scale(levels.sigmas[0]);
        Ok(levels)
    }

    /// These levels, with one more than timesteps, for latents that begin with variance one.
    pub(super) fn of_times(timesteps: Vec<f64>, sigmas: Vec<f64>, schedule: &Schedule) -> Self {
        let (table, as_in) = (schedule.sigmas(), schedule.as_in);
        Sigmas { timesteps, sigmas, init_noise_sigma: 1.0, table, as_in }
    }

    /// The levels with their timesteps and what the first noise is multiplied by.
    fn stepping(as_in: AsIn, sigmas: Vec<f64>, table: Vec<f32>) -> Self {
        let stepped = &sigmas[..sigmas.len() - 1];
        let timesteps = stepped.iter().map(|sigma| seen(as_in, time_of(&table, *sigma))).collect();
        let init_noise_sigma = first_noise(as_in, sigmas[0], &table);
        Sigmas { timesteps, sigmas, init_noise_sigma, table, as_in }
    }

    /// Ends the run at this level instead.
    pub(super) fn end_at(&mut self, sigma: f32) {
        self.sigmas.pop();
        self.sigmas.push(f64::from(sigma));
    }

    /// Whether the run ends without noise.
    pub(super) fn ends_at_zero(&self) -> bool {
        self.sigmas.last() == Some(&0.0)
    }

    /// The timestep of a level.
    pub(super) fn time_of(&self, sigma: f64) -> f64 {
        seen(self.as_in, time_of(&self.table, sigma))
    }

    /// The levels with that at which the schedule ends.
    fn ending(
        kind: SigmaSchedule,
        timesteps: Vec<f64>,
        mut sigmas: Vec<f64>,
        table: Vec<f32>,
    ) -> Self {
        let is_kl_optimal = kind == SigmaSchedule::KlOptimal;
        sigmas.push(if is_kl_optimal { ends(&table)[0] } else { 0.0 });
        sigmas.iter_mut().for_each(round_to_f32);
        let as_in = AsIn::Diffusers;
        Sigmas { timesteps, sigmas, init_noise_sigma: 1.0, table, as_in }
    }
}

/// The level that an ancestral step from σ to σ' goes down to, and the noise that it adds then.
pub(super) fn ancestral(sigma: f64, next: f64) -> [f64; 2] {
    [next * (next / sigma), next * (1.0 - (next / sigma).powi(2)).sqrt()]
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

/// The timestep of a level: interpolated linearly in ln σ between the table's entries, which rise.
fn time_of(table: &[f32], sigma: f64) -> f64 {
    let ln = |index: usize| libm::log(f64::from(table[index])) as f32;
    let wanted = libm::log(sigma.max(1e-10));
    let below = |sigma: &f32| f64::from(libm::log(f64::from(*sigma)) as f32) <= wanted;
    let reached = table.partition_point(below).saturating_sub(1);
    let index = reached.min(table.len().saturating_sub(2));
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
