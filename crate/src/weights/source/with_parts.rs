//! A [`Source`] some of whose parts are those of other models: another VAE, UNet or text encoder.
//!
//! ```text
//! unet/config.json               the model's own source
//! vae:/models/ft-mse/config.json   the source of the part `vae`, which has it as config.json
//! ```

use super::{LocalFuture, OtherPart, Source};
use crate::error::Error;
use crate::weights::publisher::manifest::Manifest;
use std::ops::Range;
use std::rc::Rc;

/// A part from another source: a folder of the part (`config.json` and its weights), a model's
/// folder in the diffusers layout, or a single file.
pub struct Replacement {
    part: String,
    source: Rc<dyn Source>,
    other: OtherPart,
}

impl Replacement {
    /// The part of this name (`unet`, `vae`, `text_encoder`) from `source`; `shown` is the path of
    /// its folder, or of its file, for error messages and for the picture's record.
    pub fn new(part: &str, source: Rc<dyn Source>, shown: &str) -> Replacement {
        let checkpoint = source.checkpoint().map(str::to_owned);
        let whole = shown.trim_end_matches(['/', '\\']);
        let folder = match &checkpoint {
            Some(_) => &whole[..whole.rfind(['/', '\\']).map_or(0, |slash| slash + 1)],
            None => whole,
        };
        let between = if checkpoint.is_some() { "" } else { "/" };
        let name = whole.rsplit(['/', '\\']).next().unwrap_or(whole).to_owned();
        let other = OtherPart { place: format!("{part}:{folder}{between}"), checkpoint, name };
        Replacement { part: part.to_owned(), source, other }
    }

    /// The path in its source, of a path that is in this place.
    fn own<'a>(&self, path: &'a str) -> Option<&'a str> {
        path.strip_prefix(&self.other.place)
    }

    /// An error of its source, with the whole path.
    fn at(&self, error: Error) -> Error {
        let whole = |path: String| format!("{}{path}", self.other.place);
        match error {
            Error::NotFound { path, reason } => Error::NotFound { path: whole(path), reason },
            Error::Source { path, reason } => Error::Source { path: whole(path), reason },
            other => other,
        }
    }
}

/// A source, and the parts that are taken from elsewhere; of each part at most one.
pub struct WithParts<S> {
    /// Where all other files are.
    pub source: S,
    /// The parts.
    pub parts: Vec<Replacement>,
}

impl<S> WithParts<S> {
    /// The part in whose place a path is, and the path in its source.
    fn route<'a>(&self, path: &'a str) -> Option<(&Replacement, &'a str)> {
        self.parts.iter().find_map(|part| Some((part, part.own(path)?)))
    }
}

impl<S: Source> Source for WithParts<S> {
    fn size<'a>(&'a self, path: &'a str) -> LocalFuture<'a, u64> {
        match self.route(path) {
            None => self.source.size(path),
            Some((part, own)) => {
                Box::pin(async move { part.source.size(own).await.map_err(|e| part.at(e)) })
            }
        }
    }

    fn read<'a>(&'a self, path: &'a str, range: Range<u64>) -> LocalFuture<'a, Vec<u8>> {
        match self.route(path) {
            None => self.source.read(path, range),
            Some((part, own)) => {
                Box::pin(async move { part.source.read(own, range).await.map_err(|e| part.at(e)) })
            }
        }
    }

    fn checkpoint(&self) -> Option<&str> {
        self.source.checkpoint()
    }

    fn prediction(&self) -> Option<&str> {
        self.source.prediction()
    }

    fn other_part(&self, part: &str) -> Option<OtherPart> {
        let found = self.parts.iter().find(|one| one.part == part);
        found.map(|one| one.other.clone()).or_else(|| self.source.other_part(part))
    }

    fn names_in(&self, folder: &str) -> Vec<String> {
        let whole = format!("{folder}/");
        match self.route(&whole) {
            None => self.source.names_in(folder),
            Some((part, own)) => part.source.names_in(own.trim_end_matches('/')),
        }
    }

    fn manifest(&self) -> Option<Manifest> {
        self.source.manifest()
    }

    fn is_near(&self) -> bool {
        self.source.is_near() && self.parts.iter().all(|part| part.source.is_near())
    }
}
