//! UniPC as AUTOMATIC1111's web UI and ComfyUI have it: the code of its authors, of the third order
//! (Zhao et al., 2302.04867). The web UI has B₁(h) = h, ComfyUI's `uni_pc_bh2` B₂(h) = e^h − 1.
//!
//! ```text
//! x̄  = (α'σ' / ασ)·x + α'·(1 − e⁻ʰ)·m            Dₖ = (mₖ − m) / rₖ     rₖ = (λₖ − λ) / h
//! x̃' = x̄ − α'·B·Σ ρₖ·Dₖ                          predictor, k < order
//! x' = x̄ − α'·B·(Σ ρₖ·Dₖ + ρ·(m' − m))           corrector
//! ```
//!
//! m, mₖ and λ are those of [`super::unipc`], and the ρ solve Σ ρₖ·rₖⁱ = bᵢ, with r = 1 for the
//! corrector's last one. Nothing of x' but m' depends on x̃', so the rest of it is saved before the
//! evaluation at x̃'. The order is that of the steps taken and of those that follow, at most 3.
//!
//! ```text
//! A1111     timesteps (N−1)·(1 − i/n), linear in ln α, down to 0; n = ⌈N / ⌊N / steps⌋⌉;
//!           with a picture τₙ₋₁·(1 − i/n), n the steps taken, τₖ = k·⌊N / steps⌋ + 1, noise of τₙ
//! ComfyUI   the levels of the schedule without the last one, and 0.001 for 0
//! ```
//!
//! Sources: `modules/sd_samplers_timesteps_impl.py` of the web UI, `comfy/extra_samplers/uni_pc.py`
//! of ComfyUI. diffusers: `UniPCMultistepScheduler(solver_order=3)`.

use super::sigmas::{Sigmas, input_scale};
use super::terms::{self, Terms};
use crate::diffusion::as_in::AsIn;
use crate::diffusion::plan::{Evaluation, NoiseLevel, Plan, Slot};
use crate::diffusion::schedule::Schedule;
use crate::error::{Error, Result};

const ORDER: usize = 3;

/// Where ComfyUI ends instead of at 0.
const NEARLY_ZERO: f64 = 0.001;

/// The coefficients of UniPC as in these programs.
///
/// # Errors
/// [`Error::Request`] for a number of steps that the schedule or the order does not have.
pub(super) fn plan(schedule: &Schedule, steps: usize, left_out: usize) -> Result<Plan> {
    let is_a1111 = schedule.as_in == AsIn::A1111;
    let taken = steps.saturating_sub(left_out);
    if taken < if is_a1111 { ORDER } else { 2 } {
        let reason = "is too small for unipc as in this program".into();
        return Err(Error::Request { field: "number of steps", reason });
    }
    let steps_asked = steps;
    let (levels, order) = match is_a1111 {
        true => (in_time(schedule, steps, left_out)?, ORDER),
        false => {
            let mut levels = Sigmas::preserving_without_penultimate(schedule, steps)?;
            levels.end_at(NEARLY_ZERO as f32);
            (levels, ORDER.min(taken - 1))
        }
    };
    let Sigmas { timesteps, sigmas, init_noise_sigma, .. } = &levels;
    // The levels of the web UI begin where the run does.
    let (steps, first) = (timesteps.len(), if is_a1111 { 0 } else { left_out });
    let mut corrector = 0.0;
    let evaluations = (0..steps).map(|index| {
        let level = NoiseLevel::preserving(sigmas[index]);
        let m = terms::x0(schedule.prediction(), level.signal, level.noise);
        let done = index.saturating_sub(first);
        let x = match done {
            0 => Terms::one(Slot::Latents),
            _ => Terms::one(Slot::Saved).plus(corrector, &m),
        };
        let order = order.min(done + 1).min(steps - index);
        let step = Step::new(sigmas, index, order, is_a1111);
        let base = x.times(step.latents).plus(step.denoised, &m);
        let with = |rho: &[f64]| {
            rho.iter().zip(&step.r).enumerate().fold(base.clone(), |sum, (k, (rho, r))| {
                let factor = step.b * rho / r;
                sum.plus(factor, &Terms::one(Slot::Past(k + 1))).plus(-factor, &m)
            })
        };
        let mut update = with(&step.predictor());
        if index + 1 == steps && !is_a1111 {
            update = update.times(1.0 / input_scale(sigmas[steps]));
        }
        let rho = step.corrector();
        corrector = step.b * rho[order - 1];
        let saved = with(&rho[..order - 1]).plus(-corrector, &m);
        let mut evaluation = Evaluation::new(index + 1, timesteps[index], level, update.sum());
        evaluation.remember = Some(m.sum());
        evaluation.save = (index + 1 < steps).then(|| saved.sum());
        evaluation
    });
    let evaluations = evaluations.collect();
    let plan = Plan::new(*init_noise_sigma, evaluations);
    if !is_a1111 || left_out == 0 {
        return Ok(plan);
    }
    let time = time_in_web_ui(schedule, steps_asked, taken);
    let level = NoiseLevel::of_alpha(f64::from(schedule.alphas_cumprod()[time]));
    Ok(Plan { init_signal: level.signal, init_noise_sigma: level.noise, ..plan })
}

/// The timestep of this number, from 0 upwards, in the web UI's list.
fn time_in_web_ui(schedule: &Schedule, steps: usize, number: usize) -> usize {
    let count = schedule.alphas_cumprod().len();
    (number * (count / steps) + 1).min(count - 1)
}

/// The levels of the web UI, which are even in time: from the last timestep, or with a picture from
/// that before the one whose noise the picture gets.
fn in_time(schedule: &Schedule, steps: usize, left_out: usize) -> Result<Sigmas> {
    schedule.check_steps(steps)?;
    let alphas = schedule.alphas_cumprod();
    let taken = steps - left_out;
    let (count, start) = match left_out {
        0 => (alphas.len().div_ceil(alphas.len() / steps), alphas.len() - 1),
        _ => (taken, time_in_web_ui(schedule, steps, taken - 1)),
    };
    let time = |i: usize| start as f64 * (1.0 - i as f64 / count as f64);
    let sigma = |time: f64| {
        let below = time as usize;
        let ln = |index: usize| libm::log(f64::from(alphas[index.min(alphas.len() - 1)]));
        let part = time - below as f64;
        let alpha = libm::exp((1.0 - part) * ln(below) + part * ln(below + 1));
        ((1.0 - alpha) / alpha).sqrt()
    };
    let timesteps: Vec<f64> = (0..count).map(time).collect();
    let sigmas = (0..=count).map(|i| sigma(time(i))).collect();
    Ok(Sigmas::of_times(timesteps, sigmas, schedule))
}

/// The coefficients of a step from σ to σ'.
struct Step {
    /// α'σ' / ασ
    latents: f64,
    /// α'·(1 − e⁻ʰ)
    denoised: f64,
    /// −α'·B
    b: f64,
    /// rₖ of the steps before.
    r: Vec<f64>,
    /// The bᵢ, as many as the order.
    sums: Vec<f64>,
}

impl Step {
    fn new(sigmas: &[f64], index: usize, order: usize, is_b1: bool) -> Self {
        let (sigma, next) = (sigmas[index], sigmas[index + 1]);
        let (ratio, alpha) = (next / sigma, input_scale(next));
        let h = libm::log(sigma / next);
        let phi_1 = libm::expm1(-h);
        let base = if is_b1 { -h } else { phi_1 };
        let r = (1..order).map(|k| -libm::log(sigmas[index - k] / sigma) / h).collect();
        let (mut phi, mut factorial) = (phi_1 / -h - 1.0, 1.0);
        let sums = (1..=order).map(|i| {
            let sum = phi * factorial / base;
            factorial *= (i + 1) as f64;
            phi = phi / -h - 1.0 / factorial;
            sum
        });
        Step {
            latents: ratio * alpha / input_scale(sigma),
            denoised: alpha * (1.0 - ratio),
            b: -alpha * base,
            r,
            sums: sums.collect(),
        }
    }

    /// The ρₖ of the predictor, one fewer than the order.
    fn predictor(&self) -> Vec<f64> {
        match self.r.len() {
            1 => vec![0.5],
            count => solve(&self.r, &self.sums[..count]),
        }
    }

    /// The ρₖ of the corrector, the last one for m' − m.
    fn corrector(&self) -> Vec<f64> {
        match self.r.len() {
            0 => vec![0.5],
            _ => solve(&[&self.r[..], &[1.0]].concat(), &self.sums),
        }
    }
}

/// ρ with Σ ρₖ·rₖⁱ = bᵢ for i from 0, by elimination; the r differ.
fn solve(r: &[f64], b: &[f64]) -> Vec<f64> {
    let count = r.len();
    let mut rows: Vec<Vec<f64>> = (0..count)
        .map(|i| r.iter().map(|r| libm::pow(*r, i as f64)).chain([b[i]]).collect())
        .collect();
    for pivot in 0..count {
        let head = rows[pivot].clone();
        for row in rows.iter_mut().skip(pivot + 1) {
            let factor = row[pivot] / head[pivot];
            row.iter_mut().zip(&head).for_each(|(x, head)| *x -= factor * head);
        }
    }
    let mut rho = vec![0.0; count];
    for i in (0..count).rev() {
        let known: f64 = (i + 1..count).map(|k| rows[i][k] * rho[k]).sum();
        rho[i] = (rows[i][count] - known) / rows[i][i];
    }
    rho
}
