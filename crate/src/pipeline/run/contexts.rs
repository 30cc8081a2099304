//! The prompts' states as the UNet attends to them, for as many pictures as go together.
//!
//! ```text
//! states  → context           [prompts · pictures, chunks · 77, c]
//! ```
//!
//! A run that is not guided all the way has a context of the prompt alone beside that of both.

use crate::diffusion::Kind;
use crate::error::Result;
use crate::pipeline::engine::{Call, Conditioning, Engine};
use std::ops::Range;

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
    pub(crate) fn of(&mut self, kind: Kind, guidance_scale: f64) -> Conditioning<'_, E> {
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
    /// Of all prompts.
    tokens: usize,
}

impl<E: Engine> Text<E> {
    /// States of `tokens` tokens of some prompts.
    pub(crate) fn new(array: E::Array, prompts: usize, tokens: usize) -> Text<E> {
        Text { array, prompts, tokens }
    }

    /// What the UNet attends to for so many pictures at once, in evaluations of these kinds: all
    /// pictures with the negative prompt, then all with the other.
    ///
    /// # Errors
    /// Those of the engine.
    pub(crate) async fn contexts(
        &self,
        engine: &E,
        pictures: usize,
        kinds: &[Kind],
        call: Call<'_>,
    ) -> Result<Contexts<E>> {
        let alone = self.prompts > 1 && kinds.iter().any(|kind| !kind.guided);
        let all = match pictures {
            1 => engine.prepare(&self.array, self.prompts, call).await?,
            _ => self.prepare(engine, 0..self.prompts, pictures, call).await?,
        };
        let last = self.prompts - 1..self.prompts;
        let last = match alone {
            true => Some(self.prepare(engine, last, pictures, call).await?),
            false => None,
        };
        Ok(Contexts { prompts: self.prompts, all, last, deep: None })
    }

    /// The UNet's view of some prompts, each for so many pictures.
    async fn prepare(
        &self,
        engine: &E,
        chosen: Range<usize>,
        pictures: usize,
        call: Call<'_>,
    ) -> Result<E::Context> {
        let values = engine.numbers(&self.array).await?;
        let of_prompt = values.len() / self.prompts;
        let rows = chosen.len() * pictures;
        let prompts = chosen.map(|prompt| &values[prompt * of_prompt..][..of_prompt]);
        let repeated: Vec<f32> = prompts.flat_map(|prompt| prompt.repeat(pictures)).collect();
        let text = engine.text(&repeated, self.tokens / self.prompts * rows);
        engine.prepare(&text, rows, call).await
    }
}
