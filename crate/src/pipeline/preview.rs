//! A picture while it develops: what the latents would be if the noise that is left in them were
//! taken away as the step's prediction has it.
//!
//! ```text
//! x = signal · x₀ + noise · ε        x₀ = (x − noise · ε) / signal
//! ```
//!
//! Nothing of it is computed unless someone wants to see it, and nothing of the run depends on it.

use super::control::Progress;
use super::engine::Engine;
use super::run::{Answer, Run, is_opaque};
use super::state::State;
use crate::diffusion::{Level, Prediction};
use crate::error::Result;

/// What to tell of a picture on its way; nothing, unless someone asks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Previews {
    /// The latents of every step.
    pub latents: bool,
    /// Every so many steps a picture of them, which costs a run of the VAE's decoder; 0 is never.
    pub pictures: u32,
}

impl Previews {
    /// Whether anything is told after a step.
    fn after(self, step: usize) -> bool {
        self.latents || self.picture_after(step)
    }

    fn picture_after(self, step: usize) -> bool {
        self.pictures > 0 && step.is_multiple_of(self.pictures as usize)
    }
}

impl<E: Engine> Run<'_, E> {
    /// Tells what was asked for after a step; of pictures that go together the first one is shown.
    pub(super) async fn preview(
        &self,
        state: &State<'_, E>,
        answer: &Answer<E>,
        step: usize,
    ) -> Result<()> {
        let (control, wanted) = (self.job.control, self.job.previews);
        if !wanted.after(step) {
            return Ok(());
        }
        let is_last = step == self.job.order.plan.steps();
        let x0 = if is_last { state.latents.clone() } else { self.denoised(answer) };
        if wanted.latents {
            let [_, c, h, w] = state.shape;
            let mut values = self.engine.planes(&x0, c).await?;
            values.truncate(c * h * w);
            control.tell(Progress::Latents { shape: [c, h, w], values });
        }
        if wanted.picture_after(step) && !is_last {
            let picture = self.engine.decode(&x0, 0, self.job.call()).await?;
            let rgba = self.engine.rgba(&picture).await?;
            self.engine.resume(self.job.call()).await?;
            let [width, height] = self.job.order.size;
            // Numbers that outgrew f16 on the way are no fault of the run.
            if is_opaque(&rgba) {
                control.tell(Progress::Preview { width, height, rgba });
            }
        }
        Ok(())
    }

    /// x₀
    fn denoised(&self, answer: &Answer<E>) -> E::Array {
        let Level { signal, noise } = answer.level;
        let [of_latents, of_eps] = match self.job.files.schedule.prediction() {
            Prediction::Epsilon => [1.0 / signal, -noise / signal],
            // v is of latents of variance one, and so is what it gives.
            Prediction::V => {
                let square = signal * signal + noise * noise;
                [signal / square, -noise / square.sqrt()]
            }
        };
        self.engine.sum(&[(of_latents, &answer.latents), (of_eps, &answer.eps)])
    }
}
