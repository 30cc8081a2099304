//! Where a model is from, and its hash, from its manifest: what a picture's file and the gallery
//! say of the model.

use crate::error::{Error, Result};
use crate::weights::{Manifest, Source, read_all};
use serde::Serialize;

/// The manifest in a folder.
const MANIFEST: &str = "manifest.json";
/// The longest manifest; one with a few hundred chunks is far shorter.
const BYTES_MAX: u64 = 4 << 20;

/// The extensions of files with weights.
const WEIGHTS: [&str; 4] = [".safetensors", ".ckpt", ".gguf", ".bin"];
/// How many characters of a hash Stable Diffusion programs write into a picture.
pub(super) const SHORT: usize = 10;

/// A model's name, revision and hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Provenance {
    /// Its name for people.
    pub title: String,
    /// Where it was published.
    pub repository: Option<String>,
    /// The revision of the repository.
    pub revision: Option<String>,
    /// SHA-256 of the file with the UNet's weights; `None` where the manifest does not have it.
    pub sha256: Option<String>,
}

impl Provenance {
    /// From the source's manifest; `None` where it has none, or where the file of that name is
    /// something else.
    ///
    /// # Errors
    /// Those of the source.
    pub(in crate::pipeline) async fn read(source: &dyn Source) -> Result<Option<Provenance>> {
        if let Some(manifest) = source.manifest() {
            return Ok(Some(Provenance::of(&manifest)));
        }
        // A single file has no folder in which a manifest could be.
        if source.checkpoint().is_some() {
            return Ok(None);
        }
        match read_all(source, MANIFEST, BYTES_MAX).await {
            Ok(json) => Ok(Manifest::parse(MANIFEST, &json).ok().map(|list| Provenance::of(&list))),
            Err(Error::NotFound { .. } | Error::BadFile { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// From a manifest.
    pub fn of(manifest: &Manifest) -> Provenance {
        let is_weights = |path: &str| WEIGHTS.iter().any(|ending| path.ends_with(ending));
        let mut files = manifest.files.iter().filter(|file| is_weights(&file.path));
        let unet = files.clone().find(|file| file.path.starts_with("unet/"));
        let alone = || files.next().filter(|_| files.next().is_none());
        Provenance {
            title: manifest.title.clone(),
            repository: manifest.repository.clone(),
            revision: manifest.revision.clone(),
            sha256: unet.or_else(alone).and_then(|file| file.sha256.clone()),
        }
    }

    /// The hash, shortened as in other Stable Diffusion programs.
    pub fn short_hash(&self) -> Option<&str> {
        self.sha256.as_deref()?.get(..SHORT)
    }
}
