//! An upscaler's network on the GPU, and the tiles that fit its memory.

use super::options::{MEMORY, PART, TILES, UpscalerOptions};
use crate::dtype::Precision;
use crate::error::Result;
use crate::gpu::Gpu;
use crate::models::upscaler::{UpscalerConfig, UpscalerNetwork};
use crate::nn::Scope;
use crate::pipeline::control::Control;
use crate::pipeline::engine::{LoadTarget, Pending};
use crate::weights::{Archive, MemorySource};
use std::rc::Rc;

/// A network with its weights on the GPU.
pub(super) struct OnGpu {
    gpu: Gpu,
    /// Whether the device is its own, and ends with it.
    pub is_own: bool,
    options: UpscalerOptions,
    archive: Rc<Archive>,
    network: UpscalerNetwork,
}

impl OnGpu {
    /// # Errors
    /// Tensors of another shape; those of the device; a cancel.
    pub(super) async fn load(
        gpu: &Gpu,
        (file, archive): (&MemorySource, Rc<Archive>),
        config: &UpscalerConfig,
        options: UpscalerOptions,
        control: &Control,
    ) -> Result<OnGpu> {
        let build = |scope: &Scope| UpscalerNetwork::new(scope, config);
        let pending = Pending::new(gpu, PART, &archive, options.weights, build)?;
        let network = pending.load_alone(&LoadTarget { gpu, source: file, control }).await?;
        Ok(OnGpu { gpu: gpu.clone(), is_own: false, options, archive, network })
    }

    /// See [`Upscaler::plan`](super::Upscaler::plan).
    ///
    /// # Errors
    /// [`Error::GpuLimit`](crate::Error::GpuLimit)
    pub(super) async fn plan(&self, size: [u32; 2]) -> Result<(u32, u64)> {
        let (precision, limits) = (Precision::F32, self.gpu.limits());
        let budget = self.options.memory.unwrap_or(MEMORY);
        let [longest, shortest] = [size[0].max(size[1]), size[0].min(size[1])];
        let (mut refused, mut last) = (None, None);
        for (i, side) in TILES.into_iter().enumerate() {
            // A larger tile than the picture is the picture.
            if TILES.get(i + 1).is_some_and(|next| longest <= *next) {
                continue;
            }
            let gpu = self.gpu.dry_twin(limits, false);
            let scope = Scope::open(&gpu, Rc::clone(&self.archive), self.options.weights);
            let network = UpscalerNetwork::new(&scope, self.network.config())?;
            let tile = [side.min(longest), side.min(shortest)].map(|side| side as usize);
            network.rehearse(&gpu, precision, tile);
            match gpu.finish().await {
                Ok(()) => last = Some((side, gpu.stats().bytes_peak)),
                Err(error) => refused = Some(error),
            }
            if last.is_some_and(|(_, peak)| peak <= budget) {
                break;
            }
        }
        // Beyond the budget, the smallest tile is what takes the least.
        last.ok_or_else(|| refused.expect("a tile that has no peak was refused"))
    }

    /// RGB in 0…1, row by row → the same, enlarged. In f32 where activations outgrow f16.
    ///
    /// # Errors
    /// Those of the device; a cancel.
    pub(super) async fn enlarge(
        &self,
        pixels: &[f32],
        size: [usize; 2],
        control: &Control,
    ) -> Result<Vec<f32>> {
        let (gpu, picture, between) = (&self.gpu, (pixels, size), &|| control.check());
        let made = self.network.enlarge(gpu, self.options.precision, picture, between).await?;
        if made.iter().all(|x| x.is_finite()) {
            return Ok(made);
        }
        let kept = gpu.keep_range(true);
        let again = self.network.enlarge(gpu, Precision::F32, picture, between).await;
        gpu.keep_range(kept);
        again
    }

    /// Gives back the memory of activations, also of what an error or a cancel has left.
    pub(super) async fn clear(&self) {
        // Errors that follow from the first one.
        let _ = self.gpu.finish().await;
        self.gpu.trim();
    }
}

impl Drop for OnGpu {
    fn drop(&mut self) {
        if self.is_own {
            self.gpu.destroy();
        }
    }
}
