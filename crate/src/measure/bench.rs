//! How fast the kernels are on an adapter, at the shapes of Stable Diffusion v1.4, compared with
//! the adapter's peaks, which are measured in the same run.
//!
//! The peak of arithmetic is that of a kernel which only multiplies and adds in registers, the peak
//! of memory that of a copy. Other programs may slow the machine down. So after each run of an op
//! the peak's kernel runs for the same time, and the result is the median of the ratios of such
//! pairs.

use super::ops::{self, On};
use super::peak::Peak;
use super::timing::{Run, by_device_clock, median, rates, timed, warmed_up};
use crate::error::Result;
use crate::gpu::Gpu;
use crate::ops::Activation;
use crate::tensor::Tensor;
use crate::{Precision, WeightType};
use serde::Serialize;

/// What to measure.
#[derive(Debug, Clone)]
pub struct BenchOptions {
    /// Only ops whose name contains this.
    pub only: String,
    /// Runs of each op; the result is their median.
    pub runs: usize,
    /// Rows of the largest shapes are divided by this: a software adapter is a thousand times
    /// slower than a graphics card.
    pub divide: usize,
    /// How activations are stored.
    pub precision: Precision,
    /// How weights are stored.
    pub weights: WeightType,
}

impl Default for BenchOptions {
    /// All ops, whole, with f32 activations and f16 weights.
    fn default() -> Self {
        let (precision, weights) = (Precision::F32, WeightType::F16);
        BenchOptions { only: String::new(), runs: 5, divide: 1, precision, weights }
    }
}

/// The adapter's peaks.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Peaks {
    /// 10⁹ floating-point operations a second, as multiply-adds.
    pub gflops: f64,
    /// 10⁹ bytes a second, read and written by a copy.
    pub gbps: f64,
}

/// One line of the table; medians.
#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    /// The op and its shape.
    pub name: String,
    /// Seconds of a run, by the host's clock: the mean of those in a submit.
    pub seconds: f64,
    /// The same by the device's own clock, if it has one.
    pub device_seconds: Option<f64>,
    /// 10⁹ floating-point operations of the op's definition a second.
    pub gflops: f64,
    /// The share of the arithmetic peak, 0 to 1.
    pub of_peak: f64,
    /// 10⁹ bytes a second; each bound byte is counted once.
    pub gbps: f64,
    /// The share of the memory peak, 0 to 1.
    pub of_copy: f64,
}

/// Measures all ops, and reports each figure as soon as it is known.
///
/// # Errors
/// As [`Gpu::finish`].
pub async fn bench(
    gpu: &Gpu,
    options: &BenchOptions,
    tell: &mut dyn FnMut(&Figure),
) -> Result<Peaks> {
    let runs = options.runs.max(1);
    let peak = Peak::find(gpu, runs).await?;
    let gbps = copy_rate(gpu, runs).await?;
    let BenchOptions { precision, weights, .. } = *options;
    let on = On { gpu: gpu.clone(), precision, weights };
    for op in ops::of_the_unet(&on, options.divide.max(1)) {
        if !op.name.contains(&options.only) {
            continue;
        }
        let op = op.ready();
        let repeats = warmed_up(gpu, &*op.record).await?;
        let (mut pairs, mut all) = (Vec::new(), Vec::new());
        for _ in 0..runs {
            let run = timed(gpu, &*op.record, repeats).await?;
            let seconds = run.seconds * repeats as f64;
            pairs.push(run.gflops / peak.run_for(gpu, seconds).await?);
            all.push(run);
        }
        let device_seconds = by_device_clock(gpu, &*op.record, repeats).await?;
        let of = |figure: fn(&Run) -> f64| median(all.iter().map(figure).collect());
        tell(&Figure {
            name: op.name,
            seconds: of(|run| run.seconds),
            device_seconds,
            gflops: of(|run| run.gflops),
            of_peak: median(pairs),
            gbps: of(|run| run.gbps),
            of_copy: of(|run| run.gbps) / gbps,
        });
        gpu.trim();
    }
    Ok(Peaks { gflops: peak.gflops, gbps })
}

/// The adapter's peaks, medians of so many runs; `check` is called between the two measurements.
///
/// # Errors
/// As [`Gpu::finish`], and those of `check`.
pub async fn peaks(gpu: &Gpu, runs: usize, check: &dyn Fn() -> Result<()>) -> Result<Peaks> {
    let peak = Peak::find(gpu, runs).await?;
    check()?;
    Ok(Peaks { gflops: peak.gflops, gbps: copy_rate(gpu, runs).await? })
}

/// 10⁹ bytes a second, read and written by a copy.
async fn copy_rate(gpu: &Gpu, runs: usize) -> Result<f64> {
    // More than the last cache of a large card.
    let rows = if gpu.info().software { 2048 } else { 16384 };
    let copied = Tensor::empty(gpu, [1, rows, 1024], Precision::F32);
    let copy = || drop(copied.activate(Activation::Identity));
    Ok(median(rates(gpu, runs, &copy).await?.iter().map(|run| run.gbps).collect()))
}
