//! A [`Source`] with the user's answer to what the model's UNet predicts, where the files do not
//! say it.

use super::{LocalFuture, OtherPart, Source};
use crate::weights::publisher::manifest::Manifest;
use std::ops::Range;

/// What a UNet may predict, in diffusers' words.
pub const PREDICTIONS: [&str; 2] = ["epsilon", "v_prediction"];

/// A source, and what the user said that its UNet predicts.
pub struct WithPrediction<S> {
    /// Where the files are.
    pub source: S,
    /// What the user said, one of [`PREDICTIONS`]; without it, what the source says.
    pub prediction: Option<String>,
}

impl<S: Source> Source for WithPrediction<S> {
    fn size<'a>(&'a self, path: &'a str) -> LocalFuture<'a, u64> {
        self.source.size(path)
    }

    fn read<'a>(&'a self, path: &'a str, range: Range<u64>) -> LocalFuture<'a, Vec<u8>> {
        self.source.read(path, range)
    }

    fn checkpoint(&self) -> Option<&str> {
        self.source.checkpoint()
    }

    fn prediction(&self) -> Option<&str> {
        self.prediction.as_deref().or_else(|| self.source.prediction())
    }

    fn other_part(&self, part: &str) -> Option<OtherPart> {
        self.source.other_part(part)
    }

    fn names_in(&self, folder: &str) -> Vec<String> {
        self.source.names_in(folder)
    }

    fn manifest(&self) -> Option<Manifest> {
        self.source.manifest()
    }

    fn is_near(&self) -> bool {
        self.source.is_near()
    }
}
