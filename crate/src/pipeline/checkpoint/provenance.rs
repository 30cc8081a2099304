//! Where a model is from and which bytes it is, as its parts list says: what a picture's file and
//! the gallery tell of the model beside the request.

use crate::error::{Error, Result};
use crate::weights::{Manifest, Source, read_all};
use serde::Serialize;

/// The parts list of a folder.
const MANIFEST: &str = "manifest.json";
/// A list of a few hundred chunks is far shorter.
const BYTES_MAX: u64 = 4 << 20;

/// How names of files with weights end.
const WEIGHTS: [&str; 4] = [".safetensors", ".ckpt", ".gguf", ".bin"];
/// Characters of a hash that Stable Diffusion programs write into a picture.
const SHORT: usize = 10;

/// A model's name, revision and hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Provenance {
    /// Its name for people.
    pub title: String,
    /// Where it was published.
    pub repository: Option<String>,
    /// Which version of that.
    pub revision: Option<String>,
    /// SHA-256 of the UNet's weights, or of the file that holds all of them; none where the list
    /// does not know it.
    pub sha256: Option<String>,
}

impl Provenance {
    /// From the source's parts list; nothing where it has none, or a file of that name that is
    /// something else.
    ///
    /// # Errors
    /// The source's faults.
    pub(in crate::pipeline) async fn read(source: &dyn Source) -> Result<Option<Provenance>> {
        if let Some(manifest) = source.manifest() {
            return Ok(Some(Provenance::of(&manifest)));
        }
        if source.checkpoint().is_some() {
            return Ok(None);
        }
        match read_all(source, MANIFEST, BYTES_MAX).await {
            Ok(json) => Ok(Manifest::parse(MANIFEST, &json).ok().map(|list| Provenance::of(&list))),
            Err(Error::NotFound { .. } | Error::BadFile { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What a parts list says.
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

    /// The hash as Stable Diffusion programs shorten it.
    pub fn short_hash(&self) -> Option<&str> {
        self.sha256.as_deref()?.get(..SHORT)
    }
}
