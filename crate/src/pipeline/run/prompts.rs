//! The prompts of a request: converted to ids, encoded and weighted. `contexts` prepares them for
//! the UNet.
//!
//! ```text
//! texts   → chunks of ids     [texts · chunks, 77]
//! ids     → states            [texts · chunks, 77, c]         × weights, if there are any
//! states  → of each prompt    [prompts · chunks, 77, c]       for each combination of texts
//! ```

use super::contexts::TextStates;
use super::options::Extras;
use super::texts::Texts;
use crate::diffusion::{AsIn, Plan};
use crate::error::{Error, Result};
use crate::pipeline::checkpoint::{EmbeddingRecord, Files, Purpose};
use crate::pipeline::engine::{self, Engine, LoadContext};
use crate::request::Request;
use crate::text::{CHUNKS_MAX, Chunk, Prompt, Timeline, Tokenizer};

/// The most names that a notice lists.
const NAMES_MAX: usize = 3;

/// The most chunks of all texts, where these are more than a usual prompt's.
const ROWS_MAX: usize = 4 * CHUNKS_MAX;

/// The prompts of a request as ids, the negative one first. All have the same number of chunks:
/// the shorter ones get empty chunks, as in AUTOMATIC1111's web UI (there an option for the
/// negative prompt).
#[derive(Clone)]
pub(in crate::pipeline) struct Prompts {
    /// The chunks of all texts, one text after another. Where there is one combination, these are
    /// the prompts.
    chunks: Vec<Chunk>,
    /// The chunk of no words, where weights go from its states to those of the words: ComfyUI's.
    empty: Option<Chunk>,
    /// The number of texts.
    texts: usize,
    /// The combinations of texts that evaluations see.
    combinations: Vec<Vec<usize>>,
    /// The number of prompts of a picture.
    pub count: usize,
    /// How strongly the parts of the prompt pull; empty for a prompt that is whole.
    pub weights: Vec<f64>,
    /// The textual inversions that they call.
    pub embeddings: Vec<EmbeddingRecord>,
    /// Notices about what was cut off, and about textual inversions that are not called.
    pub notices: Vec<String>,
}

impl Prompts {
    /// Converts the prompts that the UNet needs: the parts of the prompt, and before them once or
    /// twice the negative prompt. Marks the evaluations of the plan, which may not all see the same
    /// texts.
    ///
    /// # Errors
    /// [`Error::Request`] for a weight that is not a finite number, for too many texts, and for
    /// parts where the model edits a picture.
    pub(crate) fn read(
        tokenizer: &Tokenizer,
        files: &Files,
        request: &Request,
        (timeline, plan): (Timeline, &mut Plan),
    ) -> Result<Prompts> {
        let options = request.prompt_options()?;
        let count = files.prompts(request);
        let Texts { mut texts, mut combinations, mut weights } =
            Texts::of(request, count, timeline, plan)?;
        if files.purpose() == Purpose::Edit {
            check_whole(&weights)?;
            weights.clear();
        }
        if let [places] = &mut combinations[..] {
            texts = places.iter().map(|place| texts[*place].clone()).collect();
            *places = (0..count).collect();
        }
        let (mut notices, mut prompts) = (Vec::new(), Vec::new());
        for (name, text) in &texts {
            let prompt = Prompt::read(tokenizer, name, text, &options)?;
            notices.extend(prompt.cut.as_deref().map(|cut| cut_off(name, cut, tokenizer)));
            prompts.push(prompt);
        }
        notices.dedup();
        notices.truncate(count.max(NAMES_MAX));
        let most = prompts.iter().map(|prompt| prompt.chunks.len()).max().unwrap_or(1);
        if (combinations.len() > 1 || weights.len() > 1) && most * texts.len() > ROWS_MAX {
            return Err(too_many(texts.len(), most));
        }
        let empty = Chunk::empty(tokenizer);
        let filled = prompts.into_iter().flat_map(|mut prompt| {
            prompt.chunks.resize(most, empty.clone());
            prompt.chunks
        });
        let chunks: Vec<Chunk> = filled.collect();
        let weighs = request.as_in.parse::<AsIn>()? == AsIn::ComfyUi
            && chunks.iter().any(Chunk::is_weighted);
        let empty = weighs.then_some(empty);
        let [called, others] = files.embeddings().used(&ids_of(&chunks));
        notices.extend(not_called(&others));
        notices.extend(in_parts(&weights, count));
        let embeddings = called.into_iter().cloned().collect();
        let texts = texts.len();
        Ok(Prompts { chunks, empty, texts, combinations, count, weights, embeddings, notices })
    }

    /// The number of chunks of each prompt.
    pub(crate) fn chunks(&self) -> usize {
        self.chunks.len() / self.texts
    }

    /// How many of the prompts are not negative.
    fn positive(&self) -> usize {
        self.weights.len().max(1)
    }

    /// What the memory of a run depends on.
    pub(crate) fn load(&self) -> engine::Texts {
        let changing = self.combinations.len() > 1;
        engine::Texts {
            parts: self.positive(),
            encoded: if changing { self.texts } else { 0 },
            contexts: self.combinations.len(),
            beside: usize::from(self.empty.is_some()),
        }
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
        let (mut ids, rows) = (ids_of(&self.chunks), self.chunks.len());
        let (all, tokens) = (rows + usize::from(self.empty.is_some()), ids.len());
        ids.extend(self.empty.iter().flat_map(|chunk| &chunk.ids));
        let skipped = request.clip_skip as usize - 1;
        let mut array = engine.encode(&ids, all, skipped, call).await?;
        let changing = self.combinations.len() > 1;
        let weighted = self.chunks.iter().any(Chunk::is_weighted);
        let mut arrays = Vec::new();
        if changing || weighted {
            let mut values = engine.read_states(&array).await?;
            let states = values.len() / all;
            let empty = self.empty.as_ref().map(|_| values.split_off(rows * states));
            let each = values.chunks_exact_mut(states).zip(&self.chunks);
            for (states, chunk) in each.filter(|(_, chunk)| chunk.is_weighted() || !changing) {
                match &empty {
                    Some(empty) => weigh_from(empty, states, &chunk.weights),
                    None => weigh(states, &chunk.weights),
                }
            }
            if changing {
                let of_text = values.len() / self.texts;
                let tokens = tokens / self.texts * self.count;
                for combination in &self.combinations {
                    let all: Vec<&[f32]> = combination
                        .iter()
                        .map(|text| &values[text * of_text..][..of_text])
                        .collect();
                    arrays.push(engine.upload_states(&all.concat(), tokens));
                }
            } else {
                array = engine.upload_states(&values, tokens);
            }
        }
        if !changing {
            arrays.push(array);
        }
        let text = TextStates::new(arrays, [self.count, self.positive()]);
        self.show(engine, &text, extras).await?;
        Ok(text)
    }

    /// Passes the ids and states of each combination to the observer, if there is one.
    async fn show<E: Engine>(
        &self,
        engine: &E,
        text: &TextStates<E>,
        extras: &Extras<'_>,
    ) -> Result<()> {
        let Some(observer) = extras.observer else { return Ok(()) };
        let chunks = self.chunks();
        for (place, combination) in self.combinations.iter().enumerate() {
            let of_text = |text: &usize| &self.chunks[text * chunks..][..chunks];
            let ids: Vec<u32> = combination.iter().flat_map(|text| ids_of(of_text(text))).collect();
            let tokens = ids.len() / self.count;
            let name =
                if place == 0 { "context".into() } else { format!("context_{:03}", place + 1) };
            if place == 0 {
                observer.ids(&ids, [self.count, tokens])?;
            }
            let values = engine.read_states(&text.arrays[place]).await?;
            let shape = [self.count, tokens, values.len() / ids.len()];
            observer.numbers(&name, &shape, &values)?;
        }
        Ok(())
    }
}

/// # Errors
/// [`Error::Request`] for a prompt in parts.
fn check_whole(weights: &[f64]) -> Result<()> {
    if weights.len() > 1 {
        let reason =
            "has parts (AND), which a model that edits a picture by an instruction cannot \
                      follow: its guidance is by the picture, too. Give it one instruction"
                .into();
        return Err(Error::Request { field: "prompt", reason });
    }
    Ok(())
}

/// The error for more texts than are encoded.
fn too_many(texts: usize, chunks: usize) -> Error {
    let reason = format!(
        "and the negative prompt have {texts} different texts in this run's steps, of up to \
         {chunks} chunks: at most {ROWS_MAX} chunks are encoded. Change less of them, or take \
         fewer steps"
    );
    Error::Request { field: "prompt", reason }
}

/// The notice about the end of a prompt that the model does not see.
fn cut_off(name: &str, cut: &str, tokenizer: &Tokenizer) -> String {
    let room = tokenizer.length() - 2;
    format!(
        "The {name} is longer than {room} tokens. The model does not see this end of it: “{}”",
        cut.trim()
    )
}

/// The notice about the work that parts make.
fn in_parts(weights: &[f64], prompts: usize) -> Option<String> {
    let parts = weights.len();
    (parts > 1).then(|| {
        format!(
            "The prompt has {parts} parts (AND): each step evaluates {prompts} prompts, and takes \
             that much longer."
        )
    })
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

/// Moves each weighted token's state along the line from the empty prompt's state there: ComfyUI's
/// emphasis, `(z − z₀)·w + z₀`.
fn weigh_from(empty: &[f32], states: &mut [f32], weights: &[f32]) {
    let channels = states.len() / weights.len();
    let each = states.chunks_exact_mut(channels).zip(empty.chunks_exact(channels)).zip(weights);
    for ((state, empty), weight) in each.filter(|(_, weight)| **weight != 1.0) {
        for (x, zero) in state.iter_mut().zip(empty) {
            *x = (*x - zero) * weight + zero;
        }
    }
}
