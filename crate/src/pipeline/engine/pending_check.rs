//! The check of a step's latents on the GPU, recorded with the step and read when the next one is
//! on its way.

use super::planes::planes_of;
use crate::error::Result;
use crate::gpu::Reading;
use crate::ops::FiniteCheck;
use crate::tensor::Tensor;

/// A recorded check of latents, and the read of what is shown of them.
pub(in crate::pipeline) struct PendingCheck {
    finite: FiniteCheck,
    shown: Option<(Tensor, Reading)>,
}

impl PendingCheck {
    /// Records both.
    pub(super) fn start(latents: &Tensor, shown: Option<&Tensor>) -> PendingCheck {
        let shown = shown.map(|shown| (shown.clone(), shown.start_read()));
        PendingCheck { finite: latents.start_finite_check(), shown }
    }

    /// What is shown, `[channels, h, w]`, empty where nothing is; `None` where the latents have an
    /// infinity or a NaN.
    ///
    /// # Errors
    /// Those of the device.
    pub(super) async fn finish(self, channels: usize) -> Result<Option<Vec<f32>>> {
        if !self.finite.is_finite().await? {
            return Ok(None);
        }
        let Some((shown, reading)) = self.shown else { return Ok(Some(Vec::new())) };
        let numbers = shown.numbers(&reading.bytes().await?);
        Ok(Some(planes_of(&shown, &numbers, channels)))
    }
}
