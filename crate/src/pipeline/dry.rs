//! The same walk on a device that only adds up: whether a size fits, and what it costs.

use super::Options;
use super::model::{Files, Model};
use crate::dtype::Precision;
use crate::error::Result;
use crate::gpu::{Gpu, KernelStats, Limits, Stats};
use crate::tensor::Tensor;

/// What a run is to hold at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Width and height in pixels.
    pub size: [u32; 2],
    /// Prompts of a picture: two with guidance.
    pub prompts: usize,
    /// Rows of the text encoder that a prompt takes: one, or more for a long prompt.
    pub chunks: usize,
    /// Pictures that the UNet works on together.
    pub pictures: usize,
}

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
    /// Runs each network once without a GPU, within the limits of an adapter.
    ///
    /// # Errors
    /// [`GpuLimit`](crate::Error::GpuLimit) when the size does not fit, and a config's faults.
    pub async fn dry_run(&self, options: &Options, limits: Limits, load: Load) -> Result<DryRun> {
        let Load { size: [width, height], prompts, chunks, pictures } = load;
        let rows = prompts * pictures;
        let gpu = Gpu::dry_within(limits, options.precision == Precision::F16);
        let Model { text_encoder, unet, vae } = self.without_weights(&gpu, options.weights)?;
        let weight_bytes = gpu.stats().bytes_alive;
        let mut phases = Vec::new();

        gpu.reset_stats();
        let ids = vec![0; prompts * chunks * text_encoder.positions()];
        let [_, _, c] = text_encoder.forward(&ids, options.precision).shape().tokens();
        let tokens = chunks * text_encoder.positions();
        let context = unet.prepare(&Tensor::empty(&gpu, [rows, tokens, c], options.precision));
        phases.push(phase("text encoder", &gpu).await?);

        let factor = self.vae.factor();
        let (h, w) = (height as usize / factor, width as usize / factor);
        let channels = self.vae.latent_channels.next_multiple_of(4);
        let latents = Tensor::empty(&gpu, [1, h, w, channels], Precision::F32);
        let input = Tensor::empty(&gpu, [rows, h, w, channels], options.precision);
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
