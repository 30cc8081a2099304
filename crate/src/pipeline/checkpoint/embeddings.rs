//! The textual inversions of an opened model: rows behind the text encoder's token embedding, and
//! words of its tokenizer.
//!
//! ```text
//! ids         0 … vocab_size − 1 │ vectors of the first │ of the second │ …
//! called by   its chosen token; else the token that diffusers' files have; else its file's name
//! ```

use crate::error::Result;
use crate::models::clip::TextConfig;
use crate::text::Tokenizer;
use crate::weights::Embedding;
use serde::Serialize;
use std::ops::Range;
use std::sync::Arc;

/// A textual inversion, and what prompts call it.
#[derive(Debug, Clone)]
pub struct NamedEmbedding {
    /// The file.
    pub embedding: Arc<Embedding>,
    /// The word for it. `None`: the file's name without extension; in a file of diffusers its
    /// token, and also the name, unless another one is called so (many are `learned_embeds`).
    /// diffusers: `load_textual_inversion(…, token)`.
    pub token: Option<String>,
}

impl NamedEmbedding {
    /// The word that calls it, and another one where there are two.
    fn words(&self) -> (&str, Option<&str>) {
        let (name, own) = (self.embedding.name(), self.embedding.word());
        match (&self.token, own) {
            (Some(token), _) => (token, None),
            (None, Some(own)) if own != name => (own, Some(name)),
            (None, _) => (name, None),
        }
    }

    /// Whether one of its words is this one, in upper or lower case.
    fn has_word(&self, word: &str) -> bool {
        let (token, name) = self.words();
        [token].into_iter().chain(name).any(|own| own.eq_ignore_ascii_case(word))
    }
}

/// A textual inversion with which a picture was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EmbeddingRecord {
    /// The name of its file without folders and extension.
    pub name: String,
    /// A word that calls it.
    pub token: String,
    /// How many vectors it has: places that it takes in a prompt.
    pub vectors: usize,
    /// SHA-256 of its file.
    pub sha256: String,
}

/// The textual inversions of a model, with the ids of their vectors.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::pipeline) struct Embeddings {
    added: Vec<Added>,
    /// All vectors, row by row.
    rows: Vec<f32>,
}

#[derive(Debug, Clone, PartialEq)]
struct Added {
    ids: Range<u32>,
    words: Vec<String>,
    record: EmbeddingRecord,
}

impl Embeddings {
    /// Gives ids to all vectors, from the text encoder's `vocab_size` on.
    ///
    /// # Errors
    /// [`BadFile`](crate::Error::BadFile) for vectors of another width than the text encoder's.
    pub(super) fn new(all: &[NamedEmbedding], config: &TextConfig) -> Result<Embeddings> {
        let mut embeddings = Embeddings::default();
        let mut next = config.vocab_size as u32;
        for (index, one) in all.iter().enumerate() {
            one.embedding.check(config.encoder.hidden_size)?;
            let (first, vectors) = (next, one.embedding.len());
            next = next.saturating_add(vectors as u32);
            let (token, name) = one.words();
            let is_free = |name: &&str| {
                let mut others = all.iter().enumerate().filter(|(other, _)| *other != index);
                !others.any(|(_, other)| other.has_word(name))
            };
            let words = [token].into_iter().chain(name.filter(is_free));
            let words = words.map(str::to_owned).collect();
            let record = EmbeddingRecord {
                name: one.embedding.name().to_owned(),
                token: token.to_owned(),
                vectors,
                sha256: one.embedding.sha256().to_owned(),
            };
            embeddings.added.push(Added { ids: first..next, words, record });
            embeddings.rows.extend(one.embedding.vectors());
        }
        Ok(embeddings)
    }

    /// All of them, in their order.
    pub(in crate::pipeline) fn records(&self) -> impl Iterator<Item = &EmbeddingRecord> {
        self.added.iter().map(|one| &one.record)
    }

    /// All vectors `[n, c]`.
    pub(in crate::pipeline) fn rows(&self) -> &[f32] {
        &self.rows
    }

    /// Adds their words to a tokenizer.
    ///
    /// # Errors
    /// [`Request`](crate::Error::Request) for a word that cannot be one, and for more vectors than
    /// a prompt has room for.
    pub(super) fn add_words(&self, mut tokenizer: Tokenizer) -> Result<Tokenizer> {
        for Added { ids, words, .. } in &self.added {
            for word in words {
                tokenizer = tokenizer.with_learned_word(word, ids.clone())?;
            }
        }
        Ok(tokenizer)
    }

    /// Those of which a vector is among `ids`, and those of which none is.
    pub(in crate::pipeline) fn used(&self, ids: &[u32]) -> [Vec<&EmbeddingRecord>; 2] {
        let is_used = |one: &&Added| ids.iter().any(|id| one.ids.contains(id));
        let (used, others): (Vec<_>, Vec<_>) = self.added.iter().partition(is_used);
        [used, others].map(|some| some.into_iter().map(|one| &one.record).collect())
    }
}
