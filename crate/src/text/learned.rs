//! Learned words in a prompt: those of textual inversions, whose vectors take as many places as
//! there are of them. The vectors are rows behind the text encoder's table, so that they have ids.
//!
//! ```text
//! <cat-toy>     found in the text before it is split into words, in upper or lower case, also
//!               inside a word; <cat-toy>_1 is its second vector alone     (diffusers)
//! easynegative  found as a sequence of ids, the longest first, so in upper or lower case and as
//!               words that end there                                      (AUTOMATIC1111's web UI)
//! ```
//!
//! diffusers: `TextualInversionLoaderMixin`; it replaces `<cat>` by `<cat> <cat>_1 …` only as it is
//! written in the file, and takes the first vector alone in any other case, which is not repeated
//! here. The web UI: `EmbeddingDatabase.find_embedding_at_position`.

use std::collections::HashMap;
use std::ops::Range;

/// The learned words of a tokenizer.
#[derive(Default)]
pub(super) struct LearnedWords {
    /// In brackets: the vectors' ids by the id that the text is split into.
    tokens: HashMap<u32, Range<u32>>,
    /// The others by their first id, the longest first.
    sequences: HashMap<u32, Vec<Sequence>>,
}

/// A word that is found by the ids that it is split into.
struct Sequence {
    ids: Vec<u32>,
    vectors: Range<u32>,
}

impl LearnedWords {
    /// The words that must be found before a text is split, with the ids of their vectors; none
    /// where the word is found by its ids.
    pub(super) fn before_split(word: &str, vectors: &Range<u32>) -> Vec<(String, Range<u32>)> {
        if !word.starts_with('<') || !word.ends_with('>') {
            return Vec::new();
        }
        let parts = vectors.clone().skip(1).zip(1..);
        let parts = parts.map(|(id, i)| (format!("{word}_{i}"), id..id + 1));
        [(word.to_owned(), vectors.clone())].into_iter().chain(parts).collect()
    }

    /// Adds a word that texts are split into as this id.
    pub(super) fn add_token(&mut self, id: u32, vectors: Range<u32>) {
        self.tokens.insert(id, vectors);
    }

    /// Adds a word that consists of these ids. Returns whether it is a new one, and has any.
    pub(super) fn add_sequence(&mut self, ids: Vec<u32>, vectors: Range<u32>) -> bool {
        let Some(first) = ids.first() else { return false };
        let words = self.sequences.entry(*first).or_default();
        if words.iter().any(|known| known.ids == ids) {
            return false;
        }
        let place = words.partition_point(|known| known.ids.len() >= ids.len());
        words.insert(place, Sequence { ids, vectors });
        true
    }

    /// The learned word at the beginning of `ids`: its vectors' ids, and how many it replaces.
    pub(super) fn find(&self, ids: &[u32]) -> Option<(Range<u32>, usize)> {
        let first = ids.first()?;
        if let Some(vectors) = self.tokens.get(first) {
            return Some((vectors.clone(), 1));
        }
        let words = self.sequences.get(first)?;
        let word = words.iter().find(|word| ids.starts_with(&word.ids))?;
        Some((word.vectors.clone(), word.ids.len()))
    }
}
