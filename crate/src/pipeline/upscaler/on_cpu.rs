//! An upscaler's network on the CPU, and the tiles that fit its memory.

use super::options::{MEMORY, PART, TILES, UpscalerOptions};
use crate::error::Result;
use crate::models::upscaler::{UpscalerConfig, UpscalerKind};
use crate::pipeline::control::{Control, Progress};
use crate::pipeline::engine::Turn;
use crate::reference::{Upscaler, Weights};
use crate::weights::{Archive, MemorySource};
use candle_core::{Device, Tensor};

/// Tensors of a layer that live at once: its input, that in the layout of the convolution, its
/// output, and the four of an activation.
const TENSORS: u64 = 7;
/// The message of a panic.
const RGB: &str = "as many values as the picture has";

/// A network with its weights in memory, in f32.
pub(super) struct OnCpu {
    network: Upscaler,
    config: UpscalerConfig,
    weight_bytes: u64,
    memory: u64,
    turn: Option<Turn>,
}

impl OnCpu {
    /// # Errors
    /// Tensors of another shape; a cancel.
    pub(super) async fn load(
        (file, archive): (&MemorySource, &Archive),
        config: &UpscalerConfig,
        (options, turn): (UpscalerOptions, Option<Turn>),
        control: &Control,
    ) -> Result<OnCpu> {
        let bytes_total =
            archive.tensors().iter().map(|info| info.range.end - info.range.start).sum();
        let mut progress = |bytes_done| {
            control.report(Progress::Loading { part: PART.into(), bytes_done, bytes_total });
            control.check()
        };
        let weights = Weights::read(file, archive, 0, &mut progress).await?;
        let weight_bytes = archive.tensors().iter().map(|info| 4 * info.elements() as u64).sum();
        let network = Upscaler::new(config, weights)?;
        let memory = options.memory.unwrap_or(MEMORY);
        Ok(OnCpu { network, config: config.clone(), weight_bytes, memory, turn })
    }

    /// See [`Upscaler::plan`](super::Upscaler::plan): by the largest layer, not by a dry run.
    pub(super) fn plan(&self, size: [u32; 2]) -> (u32, u64) {
        let [longest, shortest] = [size[0].max(size[1]), size[0].min(size[1])].map(u64::from);
        let bytes = |side: u32| {
            let side = u64::from(side);
            self.weight_bytes + self.work_bytes(side.min(longest) * side.min(shortest))
        };
        // A larger tile than the picture is the picture.
        let sides = TILES.into_iter().enumerate();
        let mut sides = sides
            .filter(|(i, _)| TILES.get(i + 1).is_none_or(|next| longest > u64::from(*next)))
            .map(|(_, side)| (side, bytes(side)));
        let fits = |(_, bytes): &(u32, u64)| *bytes <= self.memory;
        let last = *TILES.last().expect("there are tiles");
        sides.find(fits).unwrap_or((last, bytes(last)))
    }

    /// Bytes beside the weights for a tile of so many pixels.
    fn work_bytes(&self, pixels: u64) -> u64 {
        let factor = self.config.factor() as u64;
        let features = self.config.features as u64;
        let values = match self.config.kind {
            UpscalerKind::Rrdb { .. } => features * factor * factor,
            UpscalerKind::Compact { .. } => features.max(3 * factor * factor),
        };
        4 * TENSORS * values * pixels
    }

    /// RGB in 0…1, row by row → the same, enlarged.
    ///
    /// # Errors
    /// A cancel.
    pub(super) async fn enlarge(
        &self,
        pixels: &[f32],
        [width, height]: [usize; 2],
        control: &Control,
    ) -> Result<Vec<f32>> {
        let between = async || {
            if let Some(turn) = &self.turn {
                turn().await;
            }
            control.check()
        };
        let picture = Tensor::from_slice(pixels, (1, height, width, 3), &Device::Cpu);
        let planes = picture.and_then(|rgb| rgb.permute((0, 3, 1, 2))?.contiguous()).expect(RGB);
        let made = self.network.forward(&planes, between).await?;
        let rows = made.permute((0, 2, 3, 1)).and_then(|rgb| rgb.flatten_all()?.to_vec1());
        Ok(rows.expect(RGB))
    }
}
