//! A prompt as chunks of 77 token ids for the text encoder, with a weight for each id.
//!
//! ```text
//! text → cleaned? → weighted fragments? → ids
//! truncate:  start · the first 75 ids · end                     one chunk, and the text cut off
//! chunks:    start · 75 ids · end, start · 75 ids · end, …      AUTOMATIC1111's way
//! ```
//!
//! If a full chunk has a comma in its last 20 ids, it ends there, and the ids after the comma begin
//! the next chunk. A learned word for which a chunk has no room begins the next one; where a prompt
//! is cut off, it may keep the first of its vectors, as in diffusers. Short chunks are padded.

use std::fmt;
use std::str::FromStr;

use super::clean::clean;
use super::emphasis::Fragment;
use super::tokenizer::{Piece, Tokenizer};
use crate::error::{Error, Result};

/// The most chunks of a prompt: 4 800 token ids. Each costs a forward pass of the text encoder, and
/// the UNet attends to all of them in every step.
pub const CHUNKS_MAX: usize = 64;

/// How many ids a chunk may be shorter to end at a comma.
const COMMA_REACH: usize = 20;

/// What is done with a prompt that is longer than the text encoder's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LongPrompt {
    /// The end is cut off, as in diffusers, and the user gets a notice.
    #[default]
    Truncate,
    /// The prompt is encoded in chunks, and the UNet attends to all of them.
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

/// How prompts are turned into tokens; the default is diffusers'.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PromptOptions {
    /// Clean the text first; see [`clean`].
    pub clean: bool,
    /// Read [weights](Fragment).
    pub weights: bool,
    /// What is done with a prompt that is longer than the text encoder's input.
    pub long_prompt: LongPrompt,
}

/// The part of a prompt that the text encoder takes at once.
#[derive(Debug, Clone, PartialEq)]
pub struct Chunk {
    /// As many as the tokenizer's length, 77 for v1.4: start, the prompt's tokens, end, padding.
    pub ids: Vec<u32>,
    /// One for each id; 1 without emphasis.
    pub weights: Vec<f32>,
}

/// A token's id with its weight.
type WeightedToken = (u32, f32);

impl Chunk {
    /// A chunk without tokens of a prompt.
    pub fn empty(tokenizer: &Tokenizer) -> Chunk {
        Chunk::new(tokenizer, &[])
    }

    fn new(tokenizer: &Tokenizer, tokens: &[WeightedToken]) -> Chunk {
        let [start, end, pad] = [tokenizer.start(), tokenizer.end(), tokenizer.pad()];
        let tokens = [&[(start, 1.0)], tokens, &[(end, 1.0)]].concat();
        let (mut ids, mut weights): (Vec<u32>, Vec<f32>) = tokens.into_iter().unzip();
        ids.resize(tokenizer.length(), pad);
        weights.resize(tokenizer.length(), 1.0);
        Chunk { ids, weights }
    }

    /// Whether any weight is not 1.
    pub fn is_weighted(&self) -> bool {
        self.weights.iter().any(|weight| *weight != 1.0)
    }
}

/// A prompt as token ids.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    /// At least one.
    pub chunks: Vec<Chunk>,
    /// How many of their ids come from the prompt: neither start, end nor padding. A learned word
    /// has one for each of its vectors.
    pub token_count: usize,
    /// The text that did not fit and that the model does not get.
    pub cut: Option<String>,
}

impl Prompt {
    /// Turns a prompt into token ids; `field` is its name in errors.
    ///
    /// # Errors
    /// [`Error::Request`] for a weight that is not a finite number, and for more than
    /// [`CHUNKS_MAX`] chunks.
    pub fn read(
        tokenizer: &Tokenizer,
        field: &'static str,
        text: &str,
        options: &PromptOptions,
    ) -> Result<Prompt> {
        let text = if options.clean { clean(text) } else { text.to_owned() };
        let fragments = match options.weights {
            true => Fragment::parse(field, &text)?,
            false => vec![Fragment::Text(text, 1.0)],
        };
        match options.long_prompt {
            LongPrompt::Truncate => truncate(tokenizer, &fragments),
            LongPrompt::Chunks => chunks(tokenizer, field, &fragments),
        }
    }
}

/// One chunk; `BREAK` is ignored.
fn truncate(tokenizer: &Tokenizer, fragments: &[Fragment]) -> Result<Prompt> {
    let room = tokenizer.length() - 2;
    let mut tokens = Vec::new();
    let mut cut: Option<String> = None;
    for fragment in fragments {
        let Fragment::Text(text, weight) = fragment else { continue };
        if let Some(cut) = &mut cut {
            cut.push_str(text);
            continue;
        }
        let mut ids = tokenizer.pieces(text)?.into_iter().flat_map(Piece::each);
        let left = room - tokens.len();
        tokens.extend(ids.by_ref().take(left).map(|(id, _)| (id, *weight as f32)));
        cut = ids.next().map(|(_, start)| text[start..].to_owned());
    }
    Ok(Prompt { chunks: vec![Chunk::new(tokenizer, &tokens)], token_count: tokens.len(), cut })
}

/// As many chunks as the prompt needs, up to [`CHUNKS_MAX`].
fn chunks(tokenizer: &Tokenizer, field: &'static str, fragments: &[Fragment]) -> Result<Prompt> {
    let room = tokenizer.length() - 2;
    let (mut chunks, mut token_count) = (Vec::new(), 0);
    let mut tokens: Vec<WeightedToken> = Vec::with_capacity(room);
    // The number of tokens of this chunk up to and including its last comma.
    let mut comma = None;
    let finish = |chunks: &mut Vec<Chunk>, tokens: &[WeightedToken]| {
        if chunks.len() == CHUNKS_MAX {
            let reason = format!(
                "takes more than {CHUNKS_MAX} chunks of {room} tokens, which is the most that is \
                 encoded. Shorten it"
            );
            return Err(Error::Request { field, reason });
        }
        chunks.push(Chunk::new(tokenizer, tokens));
        Ok(())
    };
    for fragment in fragments {
        let Fragment::Text(text, weight) = fragment else {
            finish(&mut chunks, &tokens)?;
            tokens.clear();
            comma = None;
            continue;
        };
        for Piece { ids, .. } in tokenizer.pieces(text)? {
            let is_comma = ids.len() == 1 && Some(ids.start) == tokenizer.comma();
            if tokens.len() == room {
                // As in AUTOMATIC1111's web UI: the cut is after the last comma, if that is near;
                // but where the next id is a comma itself, the chunk stays full.
                let near = comma.filter(|end| !is_comma && room - end < COMMA_REACH);
                let rest = tokens.split_off(near.unwrap_or(room));
                finish(&mut chunks, &tokens)?;
                tokens = rest;
                comma = None;
            }
            // The vectors of a learned word are not torn apart.
            if tokens.len() + ids.len() > room {
                finish(&mut chunks, &tokens)?;
                tokens.clear();
                comma = None;
            }
            token_count += ids.len();
            tokens.extend(ids.map(|id| (id, *weight as f32)));
            if is_comma {
                comma = Some(tokens.len());
            }
        }
    }
    if !tokens.is_empty() || chunks.is_empty() {
        finish(&mut chunks, &tokens)?;
    }
    Ok(Prompt { chunks, token_count, cut: None })
}
