//! A prompt in the pieces that the text encoder takes: ids by 77, with a weight for each.
//!
//! ```text
//! text → cleaned? → weighted fragments? → ids
//! truncate:  start · the first 75 ids · end                     one chunk, and what was cut
//! chunks:    start · 75 ids · end, start · 75 ids · end, …      AUTOMATIC1111's way
//! ```
//!
//! A chunk that is full where no comma stands ends at its last comma, if that is at most 20 ids
//! back; the rest begins the next chunk. Short chunks are padded.

use std::fmt;
use std::str::FromStr;

use super::clean::clean;
use super::emphasis::Fragment;
use super::tokenizer::{Piece, Tokenizer};
use crate::error::{Error, Result};

/// The most chunks that are encoded: 4 800 words' ids. Each costs a run of the text encoder, and
/// the UNet attends to all of them in every step.
pub const CHUNKS_MAX: usize = 64;

/// How far back a chunk may end for the sake of a comma, in ids.
const COMMA_REACH: usize = 20;

/// What becomes of a prompt that does not fit the text encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LongPrompt {
    /// It is cut off, as in diffusers, and the user told.
    #[default]
    Truncate,
    /// It is encoded in chunks, and the UNet attends to all of them.
    Chunks,
}

impl LongPrompt {
    /// Both, in the order of a menu.
    pub const ALL: [LongPrompt; 2] = [LongPrompt::Truncate, LongPrompt::Chunks];

    /// The name in requests.
    pub const fn name(self) -> &'static str {
        match self {
            LongPrompt::Truncate => "truncate",
            LongPrompt::Chunks => "chunks",
        }
    }
}

impl fmt::Display for LongPrompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for LongPrompt {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        LongPrompt::ALL.into_iter().find(|way| way.name() == name).ok_or_else(|| {
            let names = LongPrompt::ALL.map(LongPrompt::name).join(", ");
            let reason = format!("must be one of {names}, not `{name}`");
            Error::Request { field: "long prompt", reason }
        })
    }
}

/// How prompts are read; the default is diffusers'.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reading {
    /// Clean the text first; see [`clean`].
    pub clean: bool,
    /// Read [weights](Fragment).
    pub weights: bool,
    /// What becomes of a prompt that is longer than the text encoder's input.
    pub long_prompt: LongPrompt,
}

/// As much of a prompt as the text encoder takes at once.
#[derive(Debug, Clone, PartialEq)]
pub struct Chunk {
    /// As many as the tokenizer's length, 77 for v1.4: start, words, end, padding.
    pub ids: Vec<u32>,
    /// One for each id; 1 where nothing else was asked for.
    pub weights: Vec<f32>,
}

/// A token's id with its weight.
type Word = (u32, f32);

impl Chunk {
    /// A chunk without words.
    pub fn empty(tokenizer: &Tokenizer) -> Chunk {
        Chunk::new(tokenizer, &[])
    }

    fn new(tokenizer: &Tokenizer, words: &[Word]) -> Chunk {
        let [start, end, pad] = [tokenizer.start(), tokenizer.end(), tokenizer.pad()];
        let words = [&[(start, 1.0)], words, &[(end, 1.0)]].concat();
        let (mut ids, mut weights): (Vec<u32>, Vec<f32>) = words.into_iter().unzip();
        ids.resize(tokenizer.length(), pad);
        weights.resize(tokenizer.length(), 1.0);
        Chunk { ids, weights }
    }

    /// Whether any weight is not 1.
    pub fn is_weighted(&self) -> bool {
        self.weights.iter().any(|weight| *weight != 1.0)
    }
}

/// A prompt, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    /// At least one.
    pub chunks: Vec<Chunk>,
    /// How many of their ids come from the prompt: neither start, end nor padding.
    pub used: usize,
    /// The part that did not fit and is not seen by the model.
    pub cut: Option<String>,
}

impl Prompt {
    /// Reads a prompt; `field` is its name in errors.
    ///
    /// # Errors
    /// [`Error::Request`] for a weight that is no number, and for more than [`CHUNKS_MAX`] chunks.
    pub fn read(
        tokenizer: &Tokenizer,
        field: &'static str,
        text: &str,
        reading: &Reading,
    ) -> Result<Prompt> {
        let text = if reading.clean { clean(text) } else { text.to_owned() };
        let fragments = match reading.weights {
            true => Fragment::parse(field, &text)?,
            false => vec![Fragment::Text(text, 1.0)],
        };
        match reading.long_prompt {
            LongPrompt::Truncate => truncate(tokenizer, &fragments),
            LongPrompt::Chunks => chunks(tokenizer, field, &fragments),
        }
    }
}

/// One chunk; the word `BREAK` has nothing to do in it.
fn truncate(tokenizer: &Tokenizer, fragments: &[Fragment]) -> Result<Prompt> {
    let room = tokenizer.length() - 2;
    let mut words = Vec::new();
    let mut cut: Option<String> = None;
    for fragment in fragments {
        let Fragment::Text(text, weight) = fragment else { continue };
        if let Some(cut) = &mut cut {
            cut.push_str(text);
            continue;
        }
        let pieces = tokenizer.pieces(text)?;
        let kept = pieces.len().min(room - words.len());
        words.extend(pieces[..kept].iter().map(|piece| (piece.id, *weight as f32)));
        cut = pieces.get(kept).map(|Piece { start, .. }| text[*start..].to_owned());
    }
    Ok(Prompt { chunks: vec![Chunk::new(tokenizer, &words)], used: words.len(), cut })
}

/// As many chunks as it takes, up to [`CHUNKS_MAX`].
fn chunks(tokenizer: &Tokenizer, field: &'static str, fragments: &[Fragment]) -> Result<Prompt> {
    let room = tokenizer.length() - 2;
    let (mut chunks, mut used) = (Vec::new(), 0);
    let mut words: Vec<Word> = Vec::with_capacity(room);
    // How many words there are up to the last comma of this chunk, and with it.
    let mut comma = None;
    let finish = |chunks: &mut Vec<Chunk>, words: &[Word]| {
        if chunks.len() == CHUNKS_MAX {
            let reason = format!(
                "takes more than {CHUNKS_MAX} chunks of {room} tokens, which is the most that is \
                 encoded. Shorten it"
            );
            return Err(Error::Request { field, reason });
        }
        chunks.push(Chunk::new(tokenizer, words));
        Ok(())
    };
    for fragment in fragments {
        let Fragment::Text(text, weight) = fragment else {
            finish(&mut chunks, &words)?;
            words.clear();
            comma = None;
            continue;
        };
        for Piece { id, .. } in tokenizer.pieces(text)? {
            let is_comma = Some(id) == tokenizer.comma();
            if words.len() == room {
                let near = comma.filter(|end| !is_comma && room - end < COMMA_REACH);
                let rest = words.split_off(near.unwrap_or(room));
                finish(&mut chunks, &words)?;
                words = rest;
                comma = None;
            }
            words.push((id, *weight as f32));
            used += 1;
            if is_comma {
                comma = Some(words.len());
            }
        }
    }
    if !words.is_empty() || chunks.is_empty() {
        finish(&mut chunks, &words)?;
    }
    Ok(Prompt { chunks, used, cut: None })
}
