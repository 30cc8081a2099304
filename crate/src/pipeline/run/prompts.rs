//! The prompts of a request: converted to ids, encoded and weighted. `contexts` prepares them for
//! the UNet.
//!
//! ```text
//! prompts → chunks of ids     [prompts · chunks, 77]
//! ids     → states            [prompts · chunks, 77, c]       × weights, if there are any
//! ```

use super::contexts::TextStates;
use super::options::Extras;
use crate::error::Result;
use crate::pipeline::checkpoint::{EmbeddingRecord, Embeddings};
use crate::pipeline::engine::{Engine, LoadContext};
use crate::request::Request;
use crate::text::{Chunk, Prompt, Tagged, Tokenizer};

/// The most names that a notice lists.
const NAMES_MAX: usize = 3;

/// The prompts of a request as ids, the negative one first. Both have the same number of chunks:
/// the shorter one gets empty chunks, as with an option of AUTOMATIC1111's web UI.
#[derive(Clone)]
pub(in crate::pipeline) struct Prompts {
    /// The chunks of all prompts, one prompt after another.
    chunks: Vec<Chunk>,
    /// The number of prompts of a picture.
    pub count: usize,
    /// The textual inversions that they call.
    pub embeddings: Vec<EmbeddingRecord>,
    /// Notices about what was cut off, and about textual inversions that are not called.
    pub notices: Vec<String>,
}

impl Prompts {
    /// Converts the prompts that the UNet needs, `count` of them: the prompt, and before it once or
    /// twice the negative prompt.
    ///
    /// # Errors
    /// [`Error::Request`](crate::Error::Request) for a weight that is not a finite number.
    pub(crate) fn read(
        tokenizer: &Tokenizer,
        embeddings: &Embeddings,
        request: &Request,
        count: usize,
    ) -> Result<Prompts> {
        let options = request.prompt_options()?;
        let negative = ("negative prompt", &request.negative_prompt);
        // With three prompts the negative one is evaluated without and with a picture.
        let all = [negative, negative, ("prompt", &request.prompt)];
        let (mut notices, mut prompts) = (Vec::new(), Vec::new());
        for (name, text) in all.into_iter().skip(all.len() - count) {
            let text = if name == "prompt" { &encoded(request) } else { text };
            let prompt = Prompt::read(tokenizer, name, text, &options)?;
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
        let chunks: Vec<Chunk> = filled.collect();
        notices.dedup();
        let [called, others] = embeddings.used(&ids_of(&chunks));
        notices.extend(not_called(&others));
        let embeddings = called.into_iter().cloned().collect();
        Ok(Prompts { chunks, count, embeddings, notices })
    }

    /// The number of chunks of each prompt.
    pub(crate) fn chunks(&self) -> usize {
        self.chunks.len() / self.count
    }

    /// Runs the text encoder and applies the weights.
    ///
    /// # Errors
    /// Those of the engine and of the observer.
    pub(crate) async fn encode<E: Engine>(
        &self,
        engine: &E,
        request: &Request,
        extras: &Extras<'_>,
        call: LoadContext<'_>,
    ) -> Result<TextStates<E>> {
        let ids = ids_of(&self.chunks);
        let rows = self.chunks.len();
        let skipped = request.clip_skip as usize - 1;
        let mut array = engine.encode(&ids, rows, skipped, call).await?;
        if self.chunks.iter().any(Chunk::is_weighted) {
            let mut values = engine.read_states(&array).await?;
            let states = values.len() / rows;
            for (states, chunk) in values.chunks_exact_mut(states).zip(&self.chunks) {
                weigh(states, &chunk.weights);
            }
            array = engine.upload_states(&values, ids.len());
        }
        let text = TextStates::new(array, self.count);
        if let Some(observer) = extras.observer {
            let tokens = ids.len() / self.count;
            observer.ids(&ids, [self.count, tokens])?;
            let values = engine.read_states(&text.array).await?;
            let shape = [self.count, tokens, values.len() / ids.len()];
            observer.numbers("context", &shape, &values)?;
        }
        Ok(text)
    }
}

/// The part of the prompt that is encoded: without tags, where their syntax is on.
fn encoded(request: &Request) -> String {
    match request.prompt_weights {
        true => Tagged::read(&request.prompt).text,
        false => request.prompt.clone(),
    }
}

/// The ids of all chunks, one after another.
fn ids_of(chunks: &[Chunk]) -> Vec<u32> {
    chunks.iter().flat_map(|chunk| &chunk.ids).copied().collect()
}

/// The notice about textual inversions that no prompt calls, if there are any.
fn not_called(embeddings: &[&EmbeddingRecord]) -> Option<String> {
    let words = embeddings.iter().take(NAMES_MAX).map(|one| format!("“{}”", one.token));
    let words = words.collect::<Vec<_>>().join(", ");
    let more = if embeddings.len() > NAMES_MAX { ", …" } else { "" };
    let text =
        format!("No prompt calls these textual inversions, which change nothing: {words}{more}");
    (!embeddings.is_empty()).then_some(text)
}

/// Multiplies each token's state by its weight, then all states by the factor that restores their
/// mean: AUTOMATIC1111's "original" emphasis.
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
