//! The noise levels of AUTOMATIC1111's web UI and of ComfyUI, which both have k-diffusion's
//! samplers, where they are not those of [`super::ramps`].
//!
//! ```text
//! normal        σ at (N−1)·(1 − i/(n−1)), linear in ln σ between timesteps     k-diffusion
//! karras, …     between the largest and the smallest σ of training
//! ays           A1111: the table, linear in ln σ at i/(n−1) of its length; ComfyUI: as the paper's
//!               page at i/n, of a table with more digits
//! beta          ComfyUI: σ of the timestep rint(ppf(1 − i/n)·(N−1))
//! kl_optimal    ComfyUI: tan(i/(n−1)·atan b + (1 − i/(n−1))·atan a), and 0 after the last one
//! ```
//!
//! Sources: k-diffusion's `DiscreteSchedule.get_sigmas`; the web UI's `modules/sd_schedulers.py`;
//! ComfyUI's `comfy/samplers.py` and `comfy_extras/nodes_align_your_steps.py`.

use super::beta;
use super::ramps::{AYS, ends, geometric, ramp};
use crate::diffusion::as_in::AsIn;
use crate::diffusion::sigma_schedule::SigmaSchedule;

/// "Align Your Steps" for Stable Diffusion 1 and ten steps, as ComfyUI has it.
const AYS_COMFYUI: [f64; 11] = [
    14.6146412293,
    6.4745760956,
    3.8636745985,
    2.6946151520,
    1.8841921177,
    1.3943805092,
    0.9642583904,
    0.6523686016,
    0.3977456272,
    0.1515232662,
    0.0291671582,
];

/// scipy's quantile of one half, and no other near the middle between two timesteps, is above it.
const HALF_UP: f64 = 1e-9;

/// How near the largest σ of training a run may begin and still be one from noise alone, relative:
/// ComfyUI's `max_denoise`.
const NEAR: f64 = 1e-5;

/// The levels of `steps` steps, the noisiest first, and where the run ends.
pub(super) fn levels(as_in: AsIn, kind: SigmaSchedule, steps: usize, table: &[f32]) -> Vec<f64> {
    let [low, high] = ends(table);
    let is_comfyui = as_in == AsIn::ComfyUi;
    let last = (table.len() - 1) as f64;
    // torch's and numpy's linspace of one number gives the first.
    let part = |i: usize| i as f64 / (steps.max(2) - 1) as f64;
    let each = |level: &dyn Fn(usize) -> f64| (0..steps).map(level).collect();
    let mut levels: Vec<f64> = match kind {
        SigmaSchedule::Normal => each(&|i| {
            let time = last * (1.0 - part(i));
            geometric(|index| f64::from(table[index]), table.len(), time)
        }),
        SigmaSchedule::Ays if is_comfyui => each(&|i| {
            let place = (AYS_COMFYUI.len() - 1) as f64 * (i as f64 / steps as f64);
            geometric(|index| AYS_COMFYUI[index], AYS_COMFYUI.len(), place)
        }),
        // Interpolated from the smallest level on, so one step has that one.
        SigmaSchedule::Ays => each(&|i| {
            let part = if steps == 1 { 1.0 } else { part(i) };
            geometric(|index| AYS[index], AYS.len(), (AYS.len() - 1) as f64 * part)
        }),
        SigmaSchedule::Beta if is_comfyui => each(&|i| {
            let time = beta::quantile(1.0 - i as f64 / steps as f64) * last;
            f64::from(table[(time + HALF_UP).round_ties_even() as usize])
        }),
        SigmaSchedule::KlOptimal if is_comfyui => each(&|i| {
            let [low, high] = [low, high].map(libm::atan);
            libm::tan(high + part(i) * (low - high))
        }),
        _ => ramp(kind, [high, low], steps, table).expect("a schedule of its own"),
    };
    let ends_above = kind == SigmaSchedule::KlOptimal && !is_comfyui;
    levels.push(if ends_above { low } else { 0.0 });
    levels
}

/// What the first noise is multiplied by in latents x₀ + σ·ε.
pub(super) fn first_noise(as_in: AsIn, sigma: f64, table: &[f32]) -> f64 {
    let [_, high] = ends(table);
    match as_in {
        AsIn::ComfyUi if sigma >= high * (1.0 - NEAR) => (sigma * sigma + 1.0).sqrt(),
        _ => sigma,
    }
}

/// The timestep that the UNet gets for a level whose time is `time` of ln σ: ComfyUI takes the
/// nearest whole one in ln σ.
pub(super) fn seen(as_in: AsIn, time: f64) -> f64 {
    // Between two timesteps the time is linear in ln σ; of two that are equally near argmin takes
    // the first.
    if as_in == AsIn::ComfyUi { (time - 0.5).ceil() } else { time }
}
