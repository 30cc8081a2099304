//! What Stable Diffusion v1.4 would cost on a device, before a byte of it is fetched. Memory comes
//! from the dry run; time from kernels that are run at shapes of its UNet:
//!
//! ```text
//! seconds = Σ over matmul, conv2d, attention: operations / measured rate
//!         + bytes moved by everything else / measured rate of a copy
//! ```

use crate::dtype::{Precision, WeightType};
use crate::error::Result;
use crate::gpu::{Gpu, KernelStats};
use crate::models::clip::{TextConfig, TextEncoder};
use crate::models::sd_v1_4;
use crate::models::unet::{Unet, UnetConfig, UnetInput};
use crate::models::vae::{VaeConfig, VaeDecoder};
use crate::nn::Scope;
use crate::ops::{Activation, Epilogue, Mask, Window};
use crate::tensor::Tensor;
use crate::weight::Weight;
use serde::Serialize;
use web_time::Instant;

/// A request as the form first has it.
const STEPS: u32 = 20;
/// Prompts of a picture with guidance.
const PROMPTS: usize = 2;
/// Its latents' side, at 512 × 512.
const SIDE: usize = 64;

/// A batch of runs that takes this long is timed well enough: a browser's clock has milliseconds.
const TIMED_SECONDS: f64 = 0.08;
/// No batch is longer: a driver must not think that the device hangs.
const BATCH_MAX: f64 = 64.0;

/// The cost of one picture of v1.4, 512 × 512 in twenty steps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Forecast {
    /// Steps of the sampler.
    pub steps: u32,
    /// Bytes of the weights, in f16 as published.
    pub weight_bytes: u64,
    /// Bytes of all buffers at the worst moment, with f32 activations.
    pub peak_bytes: u64,
    /// The same with f16 activations; none where the adapter has no `shader-f16`.
    pub peak_bytes_f16: Option<u64>,
    /// Floating-point operations.
    pub flops: u64,
    /// Estimated time with f32 activations.
    pub seconds: f64,
}

impl Forecast {
    /// Takes about a second on a graphics card and a few on a software adapter.
    ///
    /// # Errors
    /// The device's faults, and a limit of it that v1.4 does not fit in.
    pub async fn of(gpu: &Gpu) -> Result<Forecast> {
        let cost = Cost::of(gpu, Precision::F32).await?;
        let peak_bytes_f16 = match gpu.has_f16() {
            true => Some(Cost::of(gpu, Precision::F16).await?.peak_bytes),
            false => None,
        };
        let rates = Rates::measure(gpu).await?;
        Ok(Forecast {
            steps: STEPS,
            weight_bytes: cost.weight_bytes,
            peak_bytes: cost.peak_bytes,
            peak_bytes_f16,
            flops: cost.kernels.iter().map(|(kernel, times)| kernel.flops * times).sum(),
            seconds: cost.kernels.iter().map(|(kernel, times)| rates.seconds(kernel, *times)).sum(),
        })
    }
}

/// What a dry run adds up.
struct Cost {
    weight_bytes: u64,
    peak_bytes: u64,
    /// With how often the part that they are of is run.
    kernels: Vec<(KernelStats, u64)>,
}

impl Cost {
    /// Of v1.4 within the limits of a device.
    async fn of(device: &Gpu, precision: Precision) -> Result<Cost> {
        let gpu = Gpu::dry_within(device.limits(), device.has_f16());
        let scope = || Scope::without_file(&gpu, WeightType::F16);
        let text = TextEncoder::new(&scope(), &TextConfig::parse("", sd_v1_4::TEXT_ENCODER)?)?;
        let unet = Unet::new(&scope(), &UnetConfig::parse("", sd_v1_4::UNET)?)?;
        let vae = VaeDecoder::new(&scope(), &VaeConfig::parse("", sd_v1_4::VAE)?)?;
        let weight_bytes = gpu.stats().bytes_alive;
        let mut cost = Cost { weight_bytes, peak_bytes: 0, kernels: vec![] };

        gpu.reset_stats();
        let ids = vec![0; PROMPTS * text.positions()];
        let context = unet.prepare(&text.forward(&ids, precision));
        cost.add(&gpu, 1).await?;
        let latents = Tensor::empty(&gpu, [PROMPTS, SIDE, SIDE, 4], precision);
        drop(unet.forward(&UnetInput::new(&latents, 0.0, &context)));
        cost.add(&gpu, u64::from(STEPS)).await?;
        drop((latents, context));
        gpu.trim();
        gpu.reset_stats();
        drop(vae.decode(&Tensor::empty(&gpu, [1, SIDE, SIDE, 4], precision)));
        cost.add(&gpu, 1).await?;
        Ok(cost)
    }

    /// Adds what was recorded since, which a picture needs so many times.
    async fn add(&mut self, gpu: &Gpu, times: u64) -> Result<()> {
        gpu.finish().await?;
        self.peak_bytes = self.peak_bytes.max(gpu.stats().bytes_peak);
        self.kernels.extend(gpu.kernel_stats().into_iter().map(|kernel| (kernel, times)));
        gpu.reset_stats();
        Ok(())
    }
}

/// Operations a second of the kernels that make up nearly all of a UNet, and bytes a second.
struct Rates {
    matmul: f64,
    conv2d: f64,
    attention: f64,
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
        let attention = |n| drop(rows(n).attention(&rows(1), &rows(1), 8, Mask::None));
        let copy = |n| drop(rows(n).activate(Activation::Identity));
        Ok(Rates {
            matmul: rate(gpu, &matmul).await?.0,
            conv2d: rate(gpu, &conv2d).await?.0,
            attention: rate(gpu, &attention).await?.0,
            copy: rate(gpu, &copy).await?.1,
        })
    }

    fn seconds(&self, kernel: &KernelStats, times: u64) -> f64 {
        let once = match kernel.name {
            "matmul" => kernel.flops as f64 / self.matmul,
            "conv2d" => kernel.flops as f64 / self.conv2d,
            "attention" => kernel.flops as f64 / self.attention,
            _ => kernel.bytes as f64 / self.copy,
        };
        once * times as f64
    }
}

/// Operations and bytes a second of an op that `record` records at a size divided by its argument:
/// a sixteenth at first, whole where that is over at once.
async fn rate(gpu: &Gpu, record: &dyn Fn(usize)) -> Result<(f64, f64)> {
    let mut measured = (1.0, 1.0);
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
            let stats = gpu.stats();
            measured = (
                stats.flops as f64 / seconds.max(1e-4),
                stats.bytes_moved as f64 / seconds.max(1e-4),
            );
            if seconds >= TIMED_SECONDS || runs >= BATCH_MAX {
                break;
            }
            runs = (runs * (TIMED_SECONDS / seconds.max(1e-3)).clamp(2.0, 8.0)).min(BATCH_MAX);
        }
        // One run of a sixteenth took long: the whole would keep the user waiting.
        if runs < 8.0 {
            break;
        }
    }
    Ok(measured)
}
