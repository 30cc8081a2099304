//! Where bytes come from: ranges of named files. The tiers below the program and the web do no I/O
//! of their own.
//!
//! Paths are relative, with `/` between folders, as in a model's repository: `unet/config.json`.
//! The futures are not `Send`: in a browser they hold JavaScript promises, and natively everything
//! runs on one thread.

#[cfg(not(target_arch = "wasm32"))]
pub(super) mod folder;
pub(super) mod hashed;
pub(super) mod memory;
pub(super) mod with_parts;
pub(super) mod with_prediction;

use crate::error::{Error, Result, bad_file};
use crate::weights::publisher::manifest::Manifest;
use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::rc::Rc;

/// A future that stays on its thread.
pub type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + 'a>>;

/// A part of a model that is taken from other files than the model's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherPart {
    /// The beginning of the paths of its files, up to the name of a file in its folder.
    pub place: String,
    /// The name of its file in that folder, where the part is given as a single file.
    pub checkpoint: Option<String>,
    /// The name of that file or folder, for people.
    pub name: String,
}

/// Reads ranges of named files.
pub trait Source {
    /// The file's size in bytes. [`Error::NotFound`] when there is no such file, so that a caller
    /// can try another name; [`Error::Source`] for every other error.
    fn size<'a>(&'a self, path: &'a str) -> LocalFuture<'a, u64>;

    /// Exactly `range.end - range.start` bytes from `range.start`; a shorter answer is
    /// [`Error::Source`].
    fn read<'a>(&'a self, path: &'a str, range: Range<u64>) -> LocalFuture<'a, Vec<u8>>;

    /// The path of the checkpoint, when the model is a single file and not a folder in the
    /// diffusers layout. The tokenizer's files are at `tokenizer/` either way.
    fn checkpoint(&self) -> Option<&str> {
        None
    }

    /// What the UNet of this model predicts, in diffusers' words (`epsilon`, `v_prediction`), where
    /// the user said it: most single files do not.
    fn prediction(&self) -> Option<&str> {
        None
    }

    /// Where the part of this name (`unet`, `vae`, `text_encoder`) is, if it is not the model's
    /// own.
    fn other_part(&self, _part: &str) -> Option<OtherPart> {
        None
    }

    /// The names of the files of a folder, where the source can list them: for error messages that
    /// say what is there instead of a missing file.
    fn names_in(&self, _folder: &str) -> Vec<String> {
        Vec::new()
    }

    /// The model's manifest with all hashes that are known by now, where the source has one in
    /// memory; other sources may have it as a file of the model.
    fn manifest(&self) -> Option<Manifest> {
        None
    }

    /// Whether the bytes are on this machine, so that reading a file again needs no network.
    fn is_near(&self) -> bool {
        true
    }
}

impl<S: Source + ?Sized> Source for Rc<S> {
    fn size<'a>(&'a self, path: &'a str) -> LocalFuture<'a, u64> {
        (**self).size(path)
    }

    fn read<'a>(&'a self, path: &'a str, range: Range<u64>) -> LocalFuture<'a, Vec<u8>> {
        (**self).read(path, range)
    }

    fn checkpoint(&self) -> Option<&str> {
        (**self).checkpoint()
    }

    fn prediction(&self) -> Option<&str> {
        (**self).prediction()
    }

    fn other_part(&self, part: &str) -> Option<OtherPart> {
        (**self).other_part(part)
    }

    fn names_in(&self, folder: &str) -> Vec<String> {
        (**self).names_in(folder)
    }

    fn manifest(&self) -> Option<Manifest> {
        (**self).manifest()
    }

    fn is_near(&self) -> bool {
        (**self).is_near()
    }
}

/// A whole small file, such as a config: at most `max_bytes` of it.
///
/// # Errors
/// [`Error::BadFile`] when the file is larger, and the source's own faults.
pub async fn read_all(source: &dyn Source, path: &str, max_bytes: u64) -> Result<Vec<u8>> {
    let size = source.size(path).await?;
    if size > max_bytes {
        return Err(bad_file(path, format!("it has {size} bytes, at most {max_bytes} make sense")));
    }
    read_exact(source, path, 0..size).await
}

/// Reads a range and checks that the source gave exactly its length.
///
/// # Errors
/// Those of the source; [`Error::Source`] where it gave fewer bytes or more.
pub(in crate::weights) async fn read_exact(
    source: &dyn Source,
    path: &str,
    range: Range<u64>,
) -> Result<Vec<u8>> {
    let expected = range.end.saturating_sub(range.start);
    let bytes = source.read(path, range).await?;
    if bytes.len() as u64 != expected {
        let reason = format!("{} of {expected} bytes arrived", bytes.len());
        return Err(Error::Source { path: path.to_owned(), reason });
    }
    Ok(bytes)
}
