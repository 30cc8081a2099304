//! The UNet's contexts of the prompts, which all pictures of a batch share.
//!
//! ```text
//! states  → context           [prompts, chunks · 77, c]
//! ```
//!
//! A run whose prompts change from step to step has several of them, all of one shape; each
//! evaluation says which one it sees. A run with unguided evaluations also has contexts of the
//! prompt alone.

use crate::diffusion::{Evaluation, EvaluationKind, Guidance};
use crate::error::Result;
use crate::pipeline::engine::{Conditioning, Engine, LoadContext};

/// The UNet's inputs in a run beside the latents.
pub(in crate::pipeline) struct Contexts<E: Engine> {
    /// The number of prompts of a picture, and how many of them are not negative.
    prompts: [usize; 2],
    /// The contexts of all prompts.
    all: Vec<E::Context>,
    /// Those of the last prompts alone, which are not negative, if some evaluations are unguided.
    last: Vec<E::Context>,
    /// The ControlNets and T2I-Adapters.
    controls: E::Controls,
    /// Deep features that an evaluation has kept.
    pub deep: Option<E::Array>,
}

impl<E: Engine> Contexts<E> {
    /// The inputs of an evaluation beside the latents and further channels.
    pub(crate) fn of<'c>(
        &'c mut self,
        evaluation: &Evaluation,
        guidance: Guidance<'c>,
    ) -> Conditioning<'c, E> {
        let Evaluation { kind, texts, .. } = *evaluation;
        let [prompts, positive] = self.prompts;
        let (prompts, guidance) = match kind.guided {
            true => (prompts, guidance),
            false => (positive, guidance.without_negative()),
        };
        let last = self.last.get(texts).filter(|_| !kind.guided);
        let (context, deep) = (last.unwrap_or(&self.all[texts]), &mut self.deep);
        let controls = &self.controls;
        Conditioning { context, controls, prompts, guidance, extra: None, deep }
    }
}

/// The text encoder's states of all prompts: one array, or several where they change.
pub(in crate::pipeline) struct TextStates<E: Engine> {
    pub(super) arrays: Vec<E::Array>,
    prompts: [usize; 2],
}

impl<E: Engine> TextStates<E> {
    /// From the states of so many prompts, of which so many are not negative; all with the same
    /// number of tokens.
    pub(in crate::pipeline) fn new(arrays: Vec<E::Array>, prompts: [usize; 2]) -> TextStates<E> {
        TextStates { arrays, prompts }
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
        let [prompts, positive] = self.prompts;
        let alone = prompts > positive && kinds.iter().any(|kind| !kind.guided);
        let (mut all, mut last) = (Vec::new(), Vec::new());
        for array in &self.arrays {
            all.push(engine.prepare(array, self.prompts, &controls, call).await?);
            if alone {
                let array = engine.last_prompts(array, prompts, positive);
                last.push(engine.prepare(&array, [positive; 2], &controls, call).await?);
            }
        }
        Ok(Contexts { prompts: self.prompts, all, last, controls, deep: None })
    }
}
