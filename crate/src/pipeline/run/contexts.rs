//! The prompts' states as the UNet attends to them; pictures that go together share them.
//!
//! ```text
//! states  → context           [prompts, chunks · 77, c]
//! ```
//!
//! A run that is not guided all the way has a context of the prompt alone beside that of both.

use crate::diffusion::EvaluationKind;
use crate::error::Result;
use crate::pipeline::engine::{Call, Conditioning, Engine};

/// What the UNet knows of a run beside the latents.
pub(in crate::pipeline) struct Contexts<E: Engine> {
    /// Prompts of a picture.
    prompts: usize,
    /// Of all prompts.
    all: E::Context,
    /// Of the last alone, which is the positive one, where a part of the run is not guided.
    last: Option<E::Context>,
    /// Deep features that an evaluation has kept.
    pub deep: Option<E::Array>,
}

impl<E: Engine> Contexts<E> {
    /// What an evaluation of this kind depends on beside the latents.
    pub(crate) fn of(&mut self, kind: EvaluationKind, guidance_scale: f64) -> Conditioning<'_, E> {
        let last = self.last.as_ref().filter(|_| !kind.guided);
        let prompts = if kind.guided { self.prompts } else { 1 };
        let (context, deep) = (last.unwrap_or(&self.all), &mut self.deep);
        Conditioning { context, prompts, guidance_scale, deep }
    }
}

/// The text encoder's states of all prompts.
pub(in crate::pipeline) struct Text<E: Engine> {
    pub(super) array: E::Array,
    prompts: usize,
}

impl<E: Engine> Text<E> {
    /// States of some prompts, of as many tokens each.
    pub(in crate::pipeline) fn new(array: E::Array, prompts: usize) -> Text<E> {
        Text { array, prompts }
    }

    /// What the UNet attends to in evaluations of these kinds. However many pictures go together,
    /// they share it: all pictures with the negative prompt, then all with the other.
    ///
    /// # Errors
    /// Those of the engine.
    pub(in crate::pipeline) async fn contexts(
        &self,
        engine: &E,
        kinds: &[EvaluationKind],
        call: Call<'_>,
    ) -> Result<Contexts<E>> {
        let prompts = self.prompts;
        let all = engine.prepare(&self.array, prompts, call).await?;
        let last = match prompts > 1 && kinds.iter().any(|kind| !kind.guided) {
            true => Some(engine.prepare(&engine.last_prompt(&self.array, prompts), 1, call).await?),
            false => None,
        };
        Ok(Contexts { prompts, all, last, deep: None })
    }
}
