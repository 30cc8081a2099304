//! The forecast: what Stable Diffusion v1.4 would cost on a device, before it is downloaded; and
//! what the smallest model of its kind would, BK-SDM-Tiny with q8_0 weights and a TAESD. Memory
//! and operations come from a dry run of their published configs. Time is estimated by measuring
//! the ops that do nearly all of the UNet's work, at shapes of the UNet:
//!
//! ```text
//! seconds = Σ over the kernels of matmul, conv2d, attention: operations / measured rate
//!         + bytes moved by all other kernels / measured rate of a copy
//! ```

use super::dry_run::PartCost;
use crate::diffusion::EvaluationKind;
use crate::dtype::{Precision, WeightType};
use crate::error::Result;
use crate::gpu::{Gpu, KernelStats};
use crate::ops::{Activation, Epilogue, Mask, Window};
use crate::pipeline::checkpoint::{
    BesideVae, DecoderChoice, Files, Part, PartSet, published_taesd,
};
use crate::pipeline::engine::{Kinds, Options, Residency, Workload};
use crate::tensor::Tensor;
use crate::weight::Weight;
use serde::Serialize;
use web_time::Instant;

/// The defaults of the page's form.
const STEPS: u32 = 20;
const LOAD: Workload = Workload {
    size: [512, 512],
    prompts: 2,
    chunks: 1,
    pictures: 1,
    kinds: Kinds::EXACT,
    begins: false,
};

/// The parts that stay where a TAESD decodes.
const WITHOUT_VAE: PartSet = PartSet::of(&[Part::TextEncoder, Part::Unet]);

/// Runs are repeated until together they take this long, because a browser's clock may have only
/// milliseconds.
const TIMED_SECONDS: f64 = 0.08;
/// The most repetitions, so that the driver does not reset the device.
const BATCH_MAX: f64 = 64.0;

/// The cost of one picture of v1.4, 512 × 512 in twenty steps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Forecast {
    /// Steps of the sampler.
    pub steps: u32,
    /// Bytes of the weights that every picture needs, in f16 as published.
    pub weight_bytes: u64,
    /// The most bytes that are held at one moment, staging included, with f32 activations.
    pub peak_bytes: u64,
    /// The same with f16 activations; `None` where the adapter has no `shader-f16`.
    pub peak_bytes_f16: Option<u64>,
    /// Floating-point operations.
    pub flops: u64,
    /// Estimated time with f32 activations.
    pub seconds: f64,
    /// The same picture by a smaller model.
    pub small: SmallForecast,
}

/// The cost of that picture by BK-SDM-Tiny (arXiv:2305.15798) with q8_0 weights and f32
/// activations, decoded by a TAESD.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SmallForecast {
    /// The most bytes that are held at one moment, staging included.
    pub peak_bytes: u64,
    /// Estimated time.
    pub seconds: f64,
}

impl Forecast {
    /// Takes about a second on a graphics card and a few on a software adapter.
    ///
    /// # Errors
    /// Those of the device, and a limit of it that v1.4 exceeds.
    pub async fn of(gpu: &Gpu) -> Result<Forecast> {
        let files = Files::v1_4()?;
        let cost = Cost::of(&files, gpu, &Options::default()).await?;
        let f16 = Options { precision: Precision::F16, ..Options::default() };
        let peak_bytes_f16 = match gpu.has_f16() {
            true => Some(Cost::of(&files, gpu, &f16).await?.peak_bytes),
            false => None,
        };
        let small = Cost::of(&Files::bk_sdm_tiny()?, gpu, &small_options()?).await?;
        let rates = Rates::measure(gpu).await?;
        Ok(Forecast {
            steps: STEPS,
            weight_bytes: cost.weight_bytes,
            peak_bytes: cost.peak_bytes,
            peak_bytes_f16,
            flops: cost.kernels.iter().map(|(kernel, times)| kernel.flops * times).sum(),
            seconds: rates.of(&cost),
            small: SmallForecast { peak_bytes: small.peak_bytes, seconds: rates.of(&small) },
        })
    }
}

/// How the smaller model is opened.
fn small_options() -> Result<Options> {
    let taesd = BesideVae { taesd: published_taesd()?, decoder: DecoderChoice::Taesd };
    let weights = Some(WeightType::Q8_0);
    Ok(Options { weights, taesd: Some(taesd), ..Options::default() })
}

/// The counts of a dry run.
struct Cost {
    weight_bytes: u64,
    peak_bytes: u64,
    /// The counts by kernel, and how often their part of the run is repeated.
    kernels: Vec<(KernelStats, u64)>,
}

impl Cost {
    /// The cost of a model within the limits of a device, with all parts kept.
    async fn of(files: &Files, device: &Gpu, options: &Options) -> Result<Cost> {
        // With the device's own kernels: it is these that are timed.
        let gpu = device.dry_twin(device.limits(), options.precision == Precision::F16);
        // Where a TAESD decodes, the VAE is not read.
        let residency = match options.taesd.is_some() {
            true => Residency { kept: WITHOUT_VAE, taesd: true, ..Residency::ALL },
            false => Residency::ALL,
        };
        let dry = files.dry_run_on(&gpu, options, LOAD, residency).await?;
        let evaluation = dry.evaluation(EvaluationKind::EXACT).map(|cost| cost.name);
        let times = |cost: &PartCost| match evaluation == Some(cost.name) {
            true => u64::from(STEPS),
            false => 1,
        };
        let kernels = |cost: &PartCost| {
            let times = times(cost);
            cost.kernels.clone().into_iter().map(move |kernel| (kernel, times))
        };
        Ok(Cost {
            weight_bytes: dry.weight_bytes,
            peak_bytes: dry.peak().total(),
            kernels: dry.costs.iter().flat_map(kernels).collect(),
        })
    }
}

/// The measured rates: operations a second of some kernels, and bytes a second of a copy.
struct Rates {
    /// Operations a second by the name of the kernel that an op uses on this adapter.
    ops: Vec<(&'static str, f64)>,
    copy: f64,
}

impl Rates {
    async fn measure(gpu: &Gpu) -> Result<Rates> {
        let rows = |divide: usize| Tensor::empty(gpu, [1, 4096 / divide, 320], Precision::F32);
        let linear = Weight::empty(gpu, 320, 320, WeightType::F16);
        let matmul = |n| drop(rows(n).matmul(&linear, Epilogue::default()));
        let filter = Weight::empty(gpu, 9 * 320, 320, WeightType::F16);
        let same = Window { kernel: 3, stride: 1, padding: [1, 1], resize: None };
        let conv2d = |divide: usize| {
            let image = Tensor::empty(gpu, [1, 64 / divide, 64, 320], Precision::F32);
            drop(image.conv2d(&filter, same, Epilogue::default()));
        };
        let attend = |n, heads| drop(rows(n).attention(&rows(1), &rows(1), heads, Mask::None));
        // A graphics card has other kernels for wide heads.
        let narrow = |n| attend(n, 8);
        let wide = |n| attend(n, 4);
        let widest = |n| attend(n, 2);
        let copy = |n| drop(rows(n).activate(Activation::Identity));
        let mut ops = Vec::new();
        let mut recorded: Vec<&dyn Fn(usize)> = vec![&matmul, &conv2d, &narrow];
        if !gpu.info().software {
            recorded.extend([&wide as &dyn Fn(usize), &widest]);
        }
        for record in recorded {
            let rate = Rate::measure(gpu, record).await?;
            ops.push((rate.kernel, rate.flops));
        }
        Ok(Rates { ops, copy: Rate::measure(gpu, &copy).await?.bytes })
    }

    /// The estimated time of a picture.
    fn of(&self, cost: &Cost) -> f64 {
        cost.kernels.iter().map(|(kernel, times)| self.seconds(kernel, *times)).sum()
    }

    fn seconds(&self, kernel: &KernelStats, times: u64) -> f64 {
        let once = match self.ops.iter().find(|(name, _)| *name == kernel.name) {
            Some((_, rate)) => kernel.flops as f64 / rate,
            None => kernel.bytes as f64 / self.copy,
        };
        once * times as f64
    }
}

/// The measured rate of an op, in operations and bytes a second.
struct Rate {
    /// The op's most expensive kernel.
    kernel: &'static str,
    flops: f64,
    bytes: f64,
}

impl Rate {
    /// Measures an op, which `record` records with its rows divided by the argument. First 1/16 of
    /// the size is measured; the full size follows only if that was fast.
    async fn measure(gpu: &Gpu, record: &dyn Fn(usize)) -> Result<Rate> {
        let mut rate = Rate { kernel: "", flops: 1.0, bytes: 1.0 };
        for divide in [16, 1] {
            record(divide);
            gpu.finish().await?;
            let mut runs = 1.0;
            loop {
                gpu.reset_stats();
                (0..runs as usize).for_each(|_| record(divide));
                let start = Instant::now();
                gpu.finish().await?;
                let seconds = start.elapsed().as_secs_f64();
                rate = Rate::of(gpu, seconds.max(1e-4));
                if seconds >= TIMED_SECONDS || runs >= BATCH_MAX {
                    break;
                }
                runs = (runs * (TIMED_SECONDS / seconds.max(1e-3)).clamp(2.0, 8.0)).min(BATCH_MAX);
            }
            // If 1/16 already took long, the full size would keep the user waiting.
            if runs < 8.0 {
                break;
            }
        }
        Ok(rate)
    }

    /// The rate of what was counted since the last reset, in so many seconds.
    fn of(gpu: &Gpu, seconds: f64) -> Rate {
        let stats = gpu.stats();
        let kernel = gpu.kernel_stats().first().map_or("", |kernel| kernel.name);
        let [flops, bytes] = [stats.flops, stats.bytes_moved].map(|n| n as f64 / seconds);
        Rate { kernel, flops, bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::{AttentionTile, Limits, MatrixTile, MatrixUnits, Tuning};
    use pollster::block_on;

    /// Kernels without a rate of their own are estimated as copies, which would be far too fast for
    /// a kernel that computes much.
    #[test]
    fn the_ops_that_are_timed_do_nearly_all_of_the_operations() {
        let files = Files::v1_4().unwrap();
        let direct = Gpu::dry(false);
        direct.set_tuning(Tuning::of(MatrixTile::Direct8, AttentionTile::Direct));
        let units = Gpu::dry_within(Limits { workgroup: 32 << 10, ..Limits::default() }, true);
        units.use_matrix_units(MatrixUnits::All);
        let (tiny, small) = (Files::bk_sdm_tiny().unwrap(), small_options().unwrap());
        let all = [(&files, Options::default()), (&tiny, small)];
        for gpu in [Gpu::dry(false), Gpu::dry_software(false), direct, units] {
            let rates = block_on(Rates::measure(&gpu)).unwrap();
            for (files, options) in &all {
                let cost = block_on(Cost::of(files, &gpu, options)).unwrap();
                let flops = |kernels: &dyn Fn(&KernelStats) -> bool| -> f64 {
                    let of = cost.kernels.iter().filter(|(kernel, _)| kernels(kernel));
                    of.map(|(kernel, times)| (kernel.flops * times) as f64).sum()
                };
                let timed = flops(&|kernel| rates.ops.iter().any(|(name, _)| *name == kernel.name));
                assert!(timed > 0.98 * flops(&|_| true), "{timed:e} of {:e}", flops(&|_| true));
            }
        }
    }
}
