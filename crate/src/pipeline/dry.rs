//! The same walk on a device that only adds up: whether a size fits, and what it costs.

use super::Options;
use super::model::{Files, Model};
use crate::dtype::Precision;
use crate::error::Result;
use crate::gpu::{Gpu, KernelStats, Limits, Stats};
use crate::tensor::Tensor;

/// What a run costs.
#[derive(Debug, Clone)]
pub struct DryRun {
    /// Bytes of the weights on the GPU.
    pub weight_bytes: u64,
    /// The text encoder, one evaluation of the UNet, the VAE's decoder.
    pub phases: Vec<Phase>,
}

/// A part of the walk.
#[derive(Debug, Clone)]
pub struct Phase {
    pub name: &'static str,
    /// The peak includes the weights of all parts.
    pub stats: Stats,
    /// By kernel, the costliest first.
    pub kernels: Vec<KernelStats>,
}

impl Files {
    /// Runs each network once without a GPU, for a picture of this size and `batch` prompts, within
    /// the limits of an adapter.
    ///
    /// # Errors
    /// [`GpuLimit`](crate::Error::GpuLimit) when the size does not fit, and a config's faults.
    pub async fn dry_run(
        &self,
        options: &Options,
        limits: Limits,
        [width, height]: [u32; 2],
        batch: usize,
    ) -> Result<DryRun> {
        let gpu = Gpu::dry_within(limits, options.precision == Precision::F16);
        let Model { text_encoder, unet, vae } = self.without_weights(&gpu, options.weights)?;
        let weight_bytes = gpu.stats().bytes_alive;
        let mut phases = Vec::new();

        gpu.reset_stats();
        let ids = vec![0; batch * text_encoder.positions()];
        let context = text_encoder.forward(&ids, options.precision);
        let context = unet.prepare(&context);
        phases.push(phase("text encoder", &gpu).await?);

        let factor = self.vae.factor();
        let (h, w) = (height as usize / factor, width as usize / factor);
        let channels = self.vae.latent_channels.next_multiple_of(4);
        let latents = Tensor::empty(&gpu, [1, h, w, channels], Precision::F32);
        let input = Tensor::empty(&gpu, [batch, h, w, channels], options.precision);
        drop(unet.forward(&input, 0.0, &context));
        phases.push(phase("UNet, one evaluation", &gpu).await?);

        drop((input, context));
        gpu.trim();
        gpu.reset_stats();
        vae.decode(&latents.cast(options.precision)).to_rgba().await?;
        phases.push(phase("VAE decoder", &gpu).await?);
        Ok(DryRun { weight_bytes, phases })
    }
}

/// What has been counted since the last phase.
pub(super) async fn phase(name: &'static str, gpu: &Gpu) -> Result<Phase> {
    gpu.finish().await?;
    let phase = Phase { name, stats: gpu.stats(), kernels: gpu.kernel_stats() };
    gpu.reset_stats();
    Ok(phase)
}
