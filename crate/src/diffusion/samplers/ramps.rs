//! The formulas of the schedules of σ; see [`SigmaSchedule`]. Each gives the levels of n steps, the
//! noisiest first.
//!
//! ```text
//! karras        (a^⅐ + i/(n−1)·(b^⅐ − a^⅐))⁷          a and b: the largest and the smallest σ
//! exponential   exp(ln a + i/(n−1)·(ln b − ln a))
//! beta          b + ppf(1 − i/(n−1))·(a − b)          ppf: quantiles of a beta distribution, 0.6
//! sgm_uniform   σ at (N−1)·(1 − i/n), linear in ln σ between timesteps; N timesteps of training
//! simple        σ of the timestep N−1−⌊i·N/n⌋
//! ays           the table, linear in ln σ at i/n of its length
//! kl_optimal    tan(i/n·atan b + (1 − i/n)·atan a)
//! ```
//!
//! `karras` and `exponential` are as k-diffusion and diffusers have them, `beta` as diffusers and
//! AUTOMATIC1111's web UI, `sgm_uniform` and `simple` as that and ComfyUI, `ays` as NVIDIA
//! published it, `kl_optimal` as in the paper, where the last level is b and not 0.

use super::beta;
use crate::diffusion::sigma_schedule::SigmaSchedule;

/// Karras' ρ.
const RHO: f64 = 7.0;

/// "Align Your Steps" for Stable Diffusion 1 and ten steps, as published on the paper's page.
pub(super) const AYS: [f64; 11] =
    [14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029];

/// The levels of `steps` steps of a schedule of its own; `[first, last]` are the ends for those
/// that have any. `None` for [`SigmaSchedule::Normal`].
pub(super) fn ramp(
    kind: SigmaSchedule,
    [first, last]: [f64; 2],
    steps: usize,
    table: &[f32],
) -> Option<Vec<f64>> {
    let whole = (steps.max(2) - 1) as f64;
    let share = |i: usize| i as f64 / steps as f64;
    let between = |a: f64, b: f64, part: f64| a + part * (b - a);
    let level = |i: usize| match kind {
        SigmaSchedule::Normal => f64::NAN,
        SigmaSchedule::Karras => {
            let root = |sigma: f64| libm::pow(sigma, 1.0 / RHO);
            libm::pow(between(root(first), root(last), i as f64 / whole), RHO)
        }
        SigmaSchedule::Exponential => {
            libm::exp(between(libm::log(first), libm::log(last), i as f64 / whole))
        }
        SigmaSchedule::Beta => between(last, first, beta::quantile(1.0 - i as f64 / whole)),
        SigmaSchedule::SgmUniform => {
            let time = (table.len() - 1) as f64 * (1.0 - share(i));
            geometric(|index| f64::from(table[index]), table.len(), time)
        }
        SigmaSchedule::Simple => {
            let back = (i as f64 * (table.len() as f64 / steps as f64)) as usize;
            f64::from(table[table.len() - 1 - back])
        }
        SigmaSchedule::Ays => {
            let place = (AYS.len() - 1) as f64 * share(i);
            geometric(|index| AYS[index], AYS.len(), place)
        }
        SigmaSchedule::KlOptimal => {
            let [low, high] = ends(table).map(libm::atan);
            libm::tan(between(high, low, share(i)))
        }
    };
    (kind != SigmaSchedule::Normal).then(|| (0..steps).map(level).collect())
}

/// The smallest and the largest σ of training.
pub(super) fn ends(table: &[f32]) -> [f64; 2] {
    [table[0], table[table.len() - 1]].map(f64::from)
}

/// A list of numbers at `place`, linear in the logarithm.
pub(super) fn geometric(at: impl Fn(usize) -> f64, count: usize, place: f64) -> f64 {
    let below = (place as usize).min(count - 1);
    let above = (below + 1).min(count - 1);
    let (a, b, part) = (libm::log(at(below)), libm::log(at(above)), place - below as f64);
    libm::exp((1.0 - part) * a + part * b)
}
