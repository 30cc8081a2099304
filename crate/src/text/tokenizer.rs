//! CLIP's tokenizer: turns a prompt into exactly as many ids as the text encoder has positions.
//!
//! ```text
//! text → NFC, single spaces, lower case → words → bytes as letters → byte pairs
//! <|startoftext|> · at most 75 ids · <|endoftext|> · padding up to 77
//! ```
//!
//! The steps are those of transformers' `CLIPTokenizerFast`, built here with the crate
//! `tokenizers`. What does not fit is cut off at the end, as in diffusers, and returned in
//! [`Tokens::cut`].

use std::ops::Range;

use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::replace::ReplacePattern;
use tokenizers::normalizers::{Lowercase, NFC, Replace};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{
    AddedToken, NormalizedString, Normalizer, PreTokenizedString, PreTokenizer,
    SplitDelimiterBehavior, TokenizerImpl,
};

use super::learned::LearnedWords;
use super::vocabulary::{END, START, Vocabulary, WORD_END, added_tokens};
use crate::error::{Error, Result, bad_file};
use crate::json::from_python;

/// The pattern by which OpenAI's CLIP splits text into words: contractions, letters, single digits,
/// everything else.
const WORDS: &str = concat!(
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|",
    r"[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
);

/// The token of a comma that is a word of its own or ends one.
const COMMA: &str = ",</w>";

/// Positions of CLIP's text encoder. `text_encoder/config.json`: `max_position_embeddings`.
const POSITIONS: usize = 77;

/// The text encoder's input for a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// As many ids as the tokenizer's length, 77 for v1.4: start, prompt, end, padding.
    pub ids: Vec<u32>,
    /// How many of them are not padding: start, prompt and end.
    pub used: usize,
    /// The part of the prompt that did not fit and that the model does not get, as it was typed.
    pub cut: Option<String>,
}

/// A token, and the position in the text where its letters begin. A learned word has the ids of
/// all its vectors, any other token one.
pub(super) struct Piece {
    pub ids: Range<u32>,
    pub start: usize,
}

impl Piece {
    /// Each id with the position.
    pub(super) fn each(self) -> impl Iterator<Item = (u32, usize)> {
        self.ids.map(move |id| (id, self.start))
    }
}

/// The crate's tokenizer with CLIP's steps alone: its own type `Tokenizer` has every model and step
/// that a `tokenizer.json` can name, which are a tenth of a megabyte of the wasm.
type Clip = TokenizerImpl<BPE, CleanText, SplitWords, ByteLevel, ByteLevel>;

/// Text → NFC, single spaces, lower case.
struct CleanText {
    spaces: Replace,
}

impl Normalizer for CleanText {
    fn normalize(&self, text: &mut NormalizedString) -> tokenizers::Result<()> {
        NFC.normalize(text)?;
        self.spaces.normalize(text)?;
        Lowercase.normalize(text)
    }
}

/// Text → words, their bytes as letters.
struct SplitWords {
    words: Split,
    bytes: ByteLevel,
}

impl PreTokenizer for SplitWords {
    fn pre_tokenize(&self, text: &mut PreTokenizedString) -> tokenizers::Result<()> {
        self.words.pre_tokenize(text)?;
        self.bytes.pre_tokenize(text)
    }
}

/// Turns prompts into ids.
pub struct Tokenizer {
    inner: Clip,
    start: u32,
    end: u32,
    pad: u32,
    comma: Option<u32>,
    length: usize,
    id_limit: u32,
    learned: LearnedWords,
}

impl Tokenizer {
    /// From the contents of `tokenizer/vocab.json` and `tokenizer/merges.txt`; pads with
    /// `<|endoftext|>` to 77 ids, as v1.4 does.
    ///
    /// # Errors
    /// [`Error::BadFile`] for tables that are not CLIP's kind or contradict each other.
    pub fn new(vocab_json: &[u8], merges_txt: &[u8]) -> Result<Self> {
        Self::build(Vocabulary::from_files(vocab_json, merges_txt)?)
    }

    /// From a `tokenizer.json` that holds the same tables.
    ///
    /// # Errors
    /// [`Error::BadFile`] when it is not CLIP's tokenizer.
    pub fn from_tokenizer_json(json: &[u8]) -> Result<Self> {
        Self::build(Vocabulary::from_tokenizer_json(json)?)
    }

    fn build(mut vocabulary: Vocabulary) -> Result<Self> {
        let added = std::mem::take(&mut vocabulary.added);
        let unusable = |error: tokenizers::Error| bad_file("The tokenizer", error.to_string());
        let id_limit = vocabulary.ids.values().max().map_or(0, |id| id.saturating_add(1));
        let (start, end) = (vocabulary.ids[START], vocabulary.ids[END]);
        let model = BPE::builder()
            .vocab_and_merges(vocabulary.ids.into_iter().collect::<Vocab>(), vocabulary.merges)
            .end_of_word_suffix(WORD_END.to_owned())
            .unk_token(END.to_owned())
            .build()
            .map_err(unusable)?;
        let spaces = ReplacePattern::Regex(r"\s+".to_owned());
        let words = SplitPattern::Regex(WORDS.to_owned());
        let clean = CleanText { spaces: Replace::new(spaces, " ").map_err(unusable)? };
        let words = Split::new(words, SplitDelimiterBehavior::Removed, true).map_err(unusable)?;
        let split = SplitWords { words, bytes: ByteLevel::new(false, true, true) };
        let mut inner = Clip::new(model);
        inner.with_normalizer(Some(clean)).map_err(unusable)?.with_pre_tokenizer(Some(split));
        let special = [START, END].map(|token| AddedToken::from(token, true).normalized(true));
        inner.add_special_tokens(special).map_err(unusable)?;
        let comma = inner.token_to_id(COMMA);
        let (length, learned) = (POSITIONS, LearnedWords::default());
        let tokenizer = Tokenizer { inner, start, end, pad: end, comma, length, id_limit, learned };
        tokenizer.with_words("tokenizer.json", added)
    }

    /// Adds words to the vocabulary, such as those of a textual inversion that was saved with its
    /// model. They are read from `added_tokens.json` (`{"<cat>": 49408}`), or from the field
    /// `added_tokens_decoder` of `tokenizer_config.json`. Each is one id anywhere in a prompt, in
    /// upper or lower case.
    ///
    /// # Errors
    /// [`Error::BadFile`] when the file is not JSON, an id is taken, or ids are left out.
    pub fn with_added_tokens(self, file: &str, json: &[u8]) -> Result<Self> {
        let added = added_tokens(json);
        let added = added.map_err(|error| bad_file(file, format!("it is not JSON: {error}")))?;
        self.with_words(file, added)
    }

    fn with_words(mut self, file: &str, mut words: Vec<(String, u32)>) -> Result<Self> {
        words.retain(|(word, _)| !word.is_empty() && word != START && word != END);
        words.sort_by_key(|(_, id)| *id);
        for (word, id) in words {
            let known = self.inner.token_to_id(&word);
            if known.is_none() && id != self.id_limit {
                let next = self.id_limit;
                return Err(bad_file(
                    file,
                    format!("`{word}` has the id {id}, but {next} is next"),
                ));
            }
            let added = self.inner.add_tokens([AddedToken::from(word.as_str(), false)]);
            added.map_err(|error| bad_file(file, error.to_string()))?;
            if let Some(other) = self.inner.token_to_id(&word).filter(|other| *other != id) {
                return Err(bad_file(file, format!("`{word}` has the ids {id} and {other}")));
            }
            self.id_limit = self.id_limit.max(id.saturating_add(1));
        }
        Ok(self)
    }

    /// Adds the word of a textual inversion, whose vectors have these ids: none below
    /// [`Tokenizer::id_limit`]. Such words are added last. A word in brackets, `<cat-toy>`, is
    /// found as diffusers finds it; any other as AUTOMATIC1111's web UI does.
    ///
    /// # Errors
    /// [`Error::Request`] for a word that the tokenizer has already, for one without letters, and
    /// for more vectors than a prompt has room for.
    pub fn with_learned_word(mut self, word: &str, vectors: Range<u32>) -> Result<Self> {
        let refused = |reason: String| Err(Error::Request { field: "embedding", reason });
        let (count, room) = (vectors.len(), self.length - 2);
        if count > room {
            let reason = format!("`{word}` has {count} vectors, but a prompt has room for {room}");
            return refused(reason);
        }
        let tokens = LearnedWords::before_split(word, &vectors);
        if tokens.is_empty() {
            let ids = self.split(word)?.0;
            return match self.learned.add_sequence(ids, vectors) {
                true => Ok(self),
                false => refused(format!("cannot be called `{word}`: choose another word")),
            };
        }
        for (token, _) in &tokens {
            if self.split(token)?.0.len() == 1 {
                return refused(format!("cannot be called `{word}`: that is a word already"));
            }
        }
        let added = tokens.iter().map(|(token, _)| AddedToken::from(token.as_str(), false));
        let added = self.inner.add_tokens(added);
        added.map_err(|error| bad_file("The tokenizer", error.to_string()))?;
        for (token, vectors) in tokens {
            match self.split(&token)?.0[..] {
                [id] if id >= self.id_limit => self.learned.add_token(id, vectors),
                // An id that the vocabulary leaves out was given to the word.
                _ => return Err(bad_file("The tokenizer", format!("it has no id for `{token}`"))),
            }
        }
        Ok(self)
    }

    /// Reads the padding token from `special_tokens_map.json` or `tokenizer_config.json`; a file
    /// without one changes nothing. v1.4 pads with `<|endoftext|>`, v2 with `!`.
    ///
    /// # Errors
    /// [`Error::BadFile`] when the file is not JSON or its token is not in the vocabulary.
    pub fn with_special_tokens(mut self, file: &str, json: &[u8]) -> Result<Self> {
        let config: serde_json::Value = serde_json::from_slice(&from_python(json))
            .map_err(|error| bad_file(file, format!("it is not JSON: {error}")))?;
        let pad = &config["pad_token"];
        let Some(pad) = pad.as_str().or_else(|| pad["content"].as_str()) else { return Ok(self) };
        self.pad = self
            .inner
            .token_to_id(pad)
            .ok_or_else(|| bad_file(file, format!("its pad_token `{pad}` is not a token")))?;
        if pad != START && pad != END {
            let added = self.inner.add_special_tokens([AddedToken::from(pad, true)]);
            added.map_err(|error| bad_file(file, error.to_string()))?;
        }
        Ok(self)
    }

    /// Sets how many ids a prompt has. `text_encoder/config.json`: `max_position_embeddings`.
    ///
    /// # Errors
    /// [`Error::Config`] when start and end do not fit.
    pub fn with_length(mut self, length: usize) -> Result<Self> {
        if !(2..=65_536).contains(&length) {
            return Err(Error::Config {
                file: "text_encoder/config.json".to_owned(),
                field: "max_position_embeddings".to_owned(),
                reason: format!("is {length}, which leaves no sensible room for a prompt"),
            });
        }
        self.length = length;
        Ok(self)
    }

    /// How many ids an encoded prompt has.
    pub fn length(&self) -> usize {
        self.length
    }

    /// The id at the start of a prompt.
    pub(super) fn start(&self) -> u32 {
        self.start
    }

    /// The id of the padding.
    pub(super) fn pad(&self) -> u32 {
        self.pad
    }

    /// The comma's id, if the vocabulary has one.
    pub(super) fn comma(&self) -> Option<u32> {
        self.comma
    }

    /// The id at the end of a prompt; the text encoder pools at its first occurrence.
    pub fn end(&self) -> u32 {
        self.end
    }

    /// One more than the largest id: the text encoder's `vocab_size` must not be smaller.
    pub fn id_limit(&self) -> u32 {
        self.id_limit
    }

    /// Checks that a text encoder of `vocab_size` tokens has all of these ids; `file` and `field`
    /// name the config for the error.
    ///
    /// # Errors
    /// [`Error::Config`] when it has fewer.
    pub fn check_vocabulary(&self, vocab_size: usize, file: &str, field: &str) -> Result<()> {
        if vocab_size >= self.id_limit as usize {
            return Ok(());
        }
        Err(Error::Config {
            file: file.into(),
            field: field.into(),
            reason: format!("is {vocab_size}, but the tokenizer has {} tokens", self.id_limit),
        })
    }

    /// A prompt's ids. The empty prompt is diffusers' unconditional one: start, end, padding.
    ///
    /// # Errors
    /// [`Error::Request`] when the text cannot be split; no text is known to cause this.
    pub fn encode(&self, prompt: &str) -> Result<Tokens> {
        let mut tokens = self.pieces(prompt)?.into_iter().flat_map(Piece::each);
        let mut ids = Vec::with_capacity(self.length);
        ids.push(self.start);
        ids.extend(tokens.by_ref().take(self.length - 2).map(|(id, _)| id));
        ids.push(self.end);
        let used = ids.len();
        ids.resize(self.length, self.pad);
        let cut = tokens.next().map(|(_, start)| prompt[start..].to_owned());
        Ok(Tokens { ids, used, cut })
    }

    /// All of a text's tokens, without start and end.
    ///
    /// # Errors
    /// As [`Tokenizer::encode`].
    pub(super) fn pieces(&self, text: &str) -> Result<Vec<Piece>> {
        let (ids, starts) = self.split(text)?;
        let (mut pieces, mut at) = (Vec::with_capacity(ids.len()), 0);
        while at < ids.len() {
            let own = || (ids[at]..ids[at] + 1, 1);
            let (token, replaced) = self.learned.find(&ids[at..]).unwrap_or_else(own);
            pieces.push(Piece { ids: token, start: starts[at] });
            at += replaced;
        }
        Ok(pieces)
    }

    /// The ids that a text is split into, and the positions where their letters begin. Learned
    /// words are not yet found.
    ///
    /// # Errors
    /// As [`Tokenizer::encode`].
    fn split(&self, text: &str) -> Result<(Vec<u32>, Vec<usize>)> {
        let encoding = self.inner.encode(text, false).map_err(|error| Error::Request {
            field: "prompt",
            reason: format!("cannot be split into tokens: {error}"),
        })?;
        let starts = encoding.get_offsets().iter();
        let starts = starts.map(|(start, _)| text.floor_char_boundary(*start)).collect();
        Ok((encoding.get_ids().to_vec(), starts))
    }
}
