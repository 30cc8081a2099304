//! The prompts of a request: read into ids, encoded and weighted. How they then come to as many
//! rows as there are pictures is in `contexts`.
//!
//! ```text
//! prompts → chunks of ids     [prompts · chunks, 77]
//! ids     → states            [prompts · chunks, 77, c]       × weights, where there are any
//! ```

use super::contexts::Text;
use super::options::Extras;
use crate::error::Result;
use crate::pipeline::engine::{Call, Engine};
use crate::request::Request;
use crate::text::{Chunk, Prompt, Tokenizer};

/// The prompts of a request as ids, the negative one first. All have as many chunks: the shorter
/// one is filled up with empty chunks, as AUTOMATIC1111's web UI does when told to.
pub(in crate::pipeline) struct Prompts {
    /// Of one prompt after another.
    chunks: Vec<Chunk>,
    count: usize,
    /// What was cut, in sentences.
    pub notices: Vec<String>,
}

impl Prompts {
    /// Reads the prompts that the UNet will see.
    ///
    /// # Errors
    /// [`Error::Request`](crate::Error::Request) for a weight that is no number.
    pub(crate) fn read(tokenizer: &Tokenizer, request: &Request) -> Result<Prompts> {
        let reading = request.reading()?;
        let count = request.prompts();
        let both = [("negative prompt", &request.negative_prompt), ("prompt", &request.prompt)];
        let (mut notices, mut prompts) = (Vec::new(), Vec::new());
        for (name, text) in both.into_iter().skip(2 - count) {
            let prompt = Prompt::read(tokenizer, name, text, &reading)?;
            if let Some(cut) = &prompt.cut {
                let room = tokenizer.length() - 2;
                notices.push(format!(
                    "The {name} is longer than {room} tokens. The model does not see this end of \
                     it: “{}”",
                    cut.trim()
                ));
            }
            prompts.push(prompt);
        }
        let most = prompts.iter().map(|prompt| prompt.chunks.len()).max().unwrap_or(1);
        let empty = Chunk::empty(tokenizer);
        let filled = prompts.into_iter().flat_map(|mut prompt| {
            prompt.chunks.resize(most, empty.clone());
            prompt.chunks
        });
        Ok(Prompts { chunks: filled.collect(), count, notices })
    }

    /// Chunks of each prompt.
    pub(crate) fn chunks(&self) -> usize {
        self.chunks.len() / self.count
    }

    /// What the text encoder makes of them.
    ///
    /// # Errors
    /// Those of the engine, and of the witness.
    pub(crate) async fn encode<E: Engine>(
        &self,
        engine: &E,
        request: &Request,
        extras: &Extras<'_>,
        call: Call<'_>,
    ) -> Result<Text<E>> {
        let ids: Vec<u32> = self.chunks.iter().flat_map(|chunk| &chunk.ids).copied().collect();
        let rows = self.chunks.len();
        let skipped = request.clip_skip as usize - 1;
        let mut array = engine.encode(&ids, rows, skipped, call).await?;
        if self.chunks.iter().any(Chunk::is_weighted) {
            let mut values = engine.numbers(&array).await?;
            let states = values.len() / rows;
            for (states, chunk) in values.chunks_exact_mut(states).zip(&self.chunks) {
                weigh(states, &chunk.weights);
            }
            array = engine.text(&values, ids.len());
        }
        let text = Text::new(array, self.count);
        if let Some(witness) = extras.witness {
            let tokens = ids.len() / self.count;
            witness.ids(&ids, [self.count, tokens])?;
            let values = engine.numbers(&text.array).await?;
            let shape = [self.count, tokens, values.len() / ids.len()];
            witness.numbers("context", &shape, &values)?;
        }
        Ok(text)
    }
}

/// Each token's state times its weight, then all of them times what brings their mean back to
/// where it was: AUTOMATIC1111's "original" emphasis.
fn weigh(states: &mut [f32], weights: &[f32]) {
    let mean =
        |states: &[f32]| states.iter().map(|x| f64::from(*x)).sum::<f64>() / states.len() as f64;
    let before = mean(states);
    let channels = states.len() / weights.len();
    for (state, weight) in states.chunks_exact_mut(channels).zip(weights) {
        state.iter_mut().for_each(|x| *x *= weight);
    }
    let restored = (before / mean(states)) as f32;
    states.iter_mut().for_each(|x| *x *= restored);
}
