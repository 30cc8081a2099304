//! A picture while it develops: what the latents would be if the noise that is left in them were
//! taken away as the step's prediction has it.
//!
//! ```text
//! x = signal · x₀ + noise · ε        x₀ = (x − noise · ε) / signal
//! ```
//!
//! Nothing of it is computed unless someone wants to see it, and nothing of the run depends on it.

use super::control::Progress;
use super::denoiser::{Answer, Denoiser};
use super::engine::Engine;
use super::run::{Run, is_opaque};
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

impl<'a, E: Engine> Denoiser<'a, '_, E> {
    /// What is to be shown of a step: x₀, or after the last one the latents themselves.
    pub fn shown(&self, state: &State<'a, E>, answer: &Answer<E>, step: usize) -> Option<E::Array> {
        let is_last = step == self.steps;
        let x0 = || if is_last { state.latents.clone() } else { self.denoised(answer) };
        self.previews.after(step).then(x0)
    }

    /// x₀
    fn denoised(&self, answer: &Answer<E>) -> E::Array {
        let Level { signal, noise } = answer.level;
        let [of_latents, of_eps] = match self.prediction {
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

impl<E: Engine> Run<'_, E> {
    /// Whether the decoder draws what is shown of a step.
    pub(super) fn draws(&self, step: usize) -> bool {
        self.job.previews.picture_after(step) && step < self.job.order.plan.steps()
    }

    /// Tells what was asked for after a step: what is shown of it, and the numbers of that; of
    /// pictures that go together the first one is shown.
    pub(super) async fn preview(
        &self,
        step: usize,
        shown: Option<&E::Array>,
        ([_, c, h, w], mut values): ([usize; 4], Vec<f32>),
    ) -> Result<()> {
        let control = self.job.control;
        if self.job.previews.latents {
            values.truncate(c * h * w);
            control.tell(Progress::Latents { shape: [c, h, w], values });
        }
        if let Some(x0) = shown.filter(|_| self.draws(step)) {
            let picture = self.engine.decode(x0, 0, self.job.call()).await?;
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
}
