//! The UNet's contexts of the prompts, which all pictures of a batch share.
//!
//! ```text
//! states  → context           [prompts, chunks · 77, c]
//! ```
//!
//! A run with unguided evaluations also has a context of the prompt alone.

use crate::diffusion::{EvaluationKind, Guidance};
use crate::error::Result;
use crate::pipeline::engine::{Conditioning, Engine, LoadContext};

/// The UNet's inputs in a run beside the latents.
pub(in crate::pipeline) struct Contexts<E: Engine> {
    /// The number of prompts of a picture.
    prompts: usize,
    /// The context of all prompts.
    all: E::Context,
    /// The context of the last prompt alone, which is the positive one, if some evaluations are
    /// unguided.
    last: Option<E::Context>,
    /// The ControlNets and T2I-Adapters.
    controls: E::Controls,
    /// Deep features that an evaluation has kept.
    pub deep: Option<E::Array>,
}

impl<E: Engine> Contexts<E> {
    /// The inputs of an evaluation of this kind beside the latents and further channels.
    pub(crate) fn of(&mut self, kind: EvaluationKind, guidance: Guidance) -> Conditioning<'_, E> {
        let last = self.last.as_ref().filter(|_| !kind.guided);
        let (prompts, guidance) =
            if kind.guided { (self.prompts, guidance) } else { (1, Guidance::NONE) };
        let (context, deep) = (last.unwrap_or(&self.all), &mut self.deep);
        let controls = &self.controls;
        Conditioning { context, controls, prompts, guidance, extra: None, deep }
    }
}

/// The text encoder's states of all prompts.
pub(in crate::pipeline) struct TextStates<E: Engine> {
    pub(super) array: E::Array,
    prompts: usize,
}

impl<E: Engine> TextStates<E> {
    /// From the states of `prompts` prompts, all with the same number of tokens.
    pub(in crate::pipeline) fn new(array: E::Array, prompts: usize) -> TextStates<E> {
        TextStates { array, prompts }
    }

    /// The contexts for evaluations of these kinds. All pictures of a batch share them; the UNet's
    /// batch has all pictures with the negative prompt first, then all with the prompt.
    ///
    /// # Errors
    /// Those of the engine.
    pub(in crate::pipeline) async fn contexts(
        &self,
        engine: &E,
        kinds: &[EvaluationKind],
        controls: E::Controls,
        call: LoadContext<'_>,
    ) -> Result<Contexts<E>> {
        let prompts = self.prompts;
        let all = engine.prepare(&self.array, prompts, &controls, call).await?;
        let last = match prompts > 1 && kinds.iter().any(|kind| !kind.guided) {
            true => {
                let last = engine.last_prompt(&self.array, prompts);
                Some(engine.prepare(&last, 1, &controls, call).await?)
            }
            false => None,
        };
        Ok(Contexts { prompts, all, last, controls, deep: None })
    }
}
