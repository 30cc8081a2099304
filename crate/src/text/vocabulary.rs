//! The tables of CLIP's byte-pair encoding, read and checked: tokens with their ids, and the merges
//! in order of rank. They come as `vocab.json` and `merges.txt`, or inside a `tokenizer.json`.
//!
//! Everything is checked here because the crate `tokenizers` does not check: for example, a merge
//! whose result is not in the vocabulary would make it index beyond a buffer.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::{Result, bad_file};
use crate::json::from_python;

/// The token at the start of a prompt. CLIP: `bos_token`.
pub(super) const START: &str = "<|startoftext|>";
/// The token at the end of a prompt; also v1.4's padding and the token of unknown bytes. CLIP:
/// `eos_token`.
pub(super) const END: &str = "<|endoftext|>";
/// Marks the last piece of a word.
pub(super) const WORD_END: &str = "</w>";

/// Checked tables.
pub(super) struct Vocabulary {
    pub ids: HashMap<String, u32>,
    pub merges: Vec<(String, String)>,
    /// Added words and their ids, which are looked for before the text is split.
    pub added: Vec<(String, u32)>,
}

impl Vocabulary {
    /// From `vocab.json` (`{"token": id}`) and `merges.txt` (a version line, then `left right`).
    ///
    /// # Errors
    /// [`Error::BadFile`](crate::Error::BadFile) that names the damaged file.
    pub(super) fn from_files(vocab_json: &[u8], merges_txt: &[u8]) -> Result<Self> {
        const VOCAB: &str = "vocab.json";
        const MERGES: &str = "merges.txt";
        let ids: HashMap<String, u32> = serde_json::from_slice(&from_python(vocab_json))
            .map_err(|error| bad_file(VOCAB, format!("it is not a map of token to id: {error}")))?;
        let text = std::str::from_utf8(merges_txt)
            .map_err(|error| bad_file(MERGES, format!("it is not UTF-8 text: {error}")))?;
        let mut merges = Vec::new();
        for (index, line) in text.lines().enumerate() {
            if line.is_empty() || (index == 0 && line.starts_with("#version")) {
                continue;
            }
            let pair = split_pair(line)
                .ok_or_else(|| bad_file(MERGES, format!("line {} is not a pair", index + 1)))?;
            merges.push(pair);
        }
        Vocabulary { ids, merges, added: Vec::new() }.checked(VOCAB, MERGES)
    }

    /// From the model inside a `tokenizer.json`. Its other parts are not read: for CLIP they always
    /// say what [`super::Tokenizer`] does anyway.
    ///
    /// # Errors
    /// [`Error::BadFile`](crate::Error::BadFile) for a damaged one, and for another tokenizer.
    pub(super) fn from_tokenizer_json(json: &[u8]) -> Result<Self> {
        const FILE: &str = "tokenizer.json";
        let file: TokenizerJson = serde_json::from_slice(&from_python(json))
            .map_err(|error| bad_file(FILE, format!("it is not a BPE tokenizer: {error}")))?;
        let model = file.model;
        if model.kind.is_some_and(|kind| kind != "BPE")
            || model.end_of_word_suffix.as_deref() != Some(WORD_END)
        {
            return Err(bad_file(FILE, "it is not CLIP's tokenizer"));
        }
        let mut ids = model.vocab;
        let mut added = Vec::new();
        for token in file.added_tokens {
            added.push((token.content.clone(), token.id));
            if *ids.entry(token.content.clone()).or_insert(token.id) != token.id {
                return Err(bad_file(FILE, format!("`{}` has two ids", token.content)));
            }
        }
        let merges = model.merges.into_iter().map(|merge| match merge {
            Merge::Pair(left, right) => Ok((left, right)),
            Merge::Line(line) => split_pair(&line)
                .ok_or_else(|| bad_file(FILE, format!("the merge `{line}` is not a pair"))),
        });
        let merges = merges.collect::<Result<_>>()?;
        Vocabulary { ids, merges, added }.checked(FILE, FILE)
    }

    fn checked(self, vocab_file: &str, merges_file: &str) -> Result<Self> {
        for token in [START, END] {
            if !self.ids.contains_key(token) {
                return Err(bad_file(vocab_file, format!("`{token}` is not in it")));
            }
        }
        let mut seen = HashSet::with_capacity(self.ids.len());
        if let Some((token, id)) = self.ids.iter().find(|(_, id)| !seen.insert(**id)) {
            return Err(bad_file(vocab_file, format!("the id {id} of `{token}` appears twice")));
        }
        let mut joined = String::new();
        for (left, right) in &self.merges {
            joined.clear();
            joined.push_str(left);
            joined.push_str(right);
            let tokens = [left, right, &joined];
            if let Some(token) = tokens.into_iter().find(|token| !self.ids.contains_key(*token)) {
                let reason = format!("it merges into `{token}`, which is not in the vocabulary");
                return Err(bad_file(merges_file, reason));
            }
        }
        Ok(self)
    }
}

fn split_pair(line: &str) -> Option<(String, String)> {
    let (left, right) = line.split_once(' ')?;
    let whole = !left.is_empty() && !right.is_empty() && !right.contains(' ');
    whole.then(|| (left.to_owned(), right.to_owned()))
}

/// The words of `added_tokens.json`, or of the field `added_tokens_decoder` of
/// `tokenizer_config.json`, with their ids.
///
/// # Errors
/// That of serde_json for what is no object in JSON.
pub(super) fn added_tokens(json: &[u8]) -> serde_json::Result<Vec<(String, u32)>> {
    let file: Map<String, Value> = serde_json::from_slice(&from_python(json))?;
    let id = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok());
    if let Some(Value::Object(decoder)) = file.get("added_tokens_decoder") {
        let word = |(id, token): (&String, &Value)| {
            Some((token.get("content")?.as_str()?.to_owned(), id.parse().ok()?))
        };
        return Ok(decoder.iter().filter_map(word).collect());
    }
    // `tokenizer_config.json` has numbers that are no ids of words.
    let is_settings = file.contains_key("model_max_length") || file.contains_key("tokenizer_class");
    let words = file.iter().filter(|_| !is_settings);
    Ok(words.filter_map(|(word, value)| Some((word.clone(), id(value)?))).collect())
}

#[derive(Deserialize)]
struct TokenizerJson {
    model: Model,
    #[serde(default)]
    added_tokens: Vec<AddedToken>,
}

#[derive(Deserialize)]
struct Model {
    #[serde(rename = "type")]
    kind: Option<String>,
    end_of_word_suffix: Option<String>,
    vocab: HashMap<String, u32>,
    merges: Vec<Merge>,
}

#[derive(Deserialize)]
struct AddedToken {
    id: u32,
    content: String,
}

/// A merge is written as `"left right"` by older and as `["left", "right"]` by newer programs.
#[derive(Deserialize)]
#[serde(untagged)]
enum Merge {
    Line(String),
    Pair(String, String),
}
