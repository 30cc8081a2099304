//! An opened file of a textual inversion: its vectors.

use super::layout::{self, Vectors};
use crate::error::{Result, bad_file, unfit};
use crate::weights::{Archive, MemorySource, Source, read_all, sha256};
use std::fmt;
use std::sync::Arc;

/// The largest file that is read. 75 vectors of v1.4 have 230 kB.
const BYTES_MAX: u64 = 16 << 20;

/// A textual inversion: the vectors of a learned word.
pub struct Embedding {
    file: String,
    word: Option<String>,
    width: usize,
    vectors: Vec<f32>,
    sha256: String,
}

impl fmt::Debug for Embedding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Embedding({}, {} vectors of {})", self.file, self.len(), self.width)
    }
}

impl Embedding {
    /// Reads the file `path`: a torch file (`.pt`, `.bin`), whose pickle is read as data and never
    /// run, or safetensors.
    ///
    /// # Errors
    /// [`BadFile`](crate::Error::BadFile) for a file that is no textual inversion;
    /// [`Unfit`](crate::Error::Unfit) for one of another kind of model (SDXL, SD 3); those of the
    /// source.
    pub async fn open(source: &dyn Source, path: &str) -> Result<Arc<Embedding>> {
        // Of a large file, such as a checkpoint, the header says what it is.
        let archive = Archive::open(source, path).await?;
        if let Some(reason) = layout::for_other(&archive) {
            return Err(unfit(path, reason));
        }
        let found = layout::find(&archive).map_err(|reason| bad_file(path, reason))?;
        let Vectors { tensor, word } = found;
        let ([_] | [_, _], Some(&width)) = (&tensor.shape[..], tensor.shape.last()) else {
            return Err(bad_file(path, odd_shape(&tensor.shape)));
        };
        if tensor.elements() == 0 {
            return Err(bad_file(path, odd_shape(&tensor.shape)));
        }
        let file = MemorySource::new(path, read_all(source, path, BYTES_MAX).await?);
        let vectors = archive.load(&file, &tensor.name).await?;
        if !vectors.iter().all(|value| value.is_finite()) {
            return Err(bad_file(path, "its vectors have numbers that are not finite"));
        }
        let (word, sha256) = (word.map(str::to_owned), sha256(file.bytes()));
        Ok(Arc::new(Embedding { file: path.to_owned(), word, width, vectors, sha256 }))
    }

    /// Whether a file with this header is a textual inversion.
    pub fn is_in(archive: &Archive) -> bool {
        layout::find(archive).is_ok()
    }

    /// The path it was opened from.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The name of its file without folders and extension, by which AUTOMATIC1111's web UI calls
    /// it.
    pub fn name(&self) -> &str {
        let file = self.file.rsplit(['/', '\\']).next().unwrap_or(&self.file);
        file.rsplit_once('.').map_or(file, |(name, _)| name)
    }

    /// The word that the file itself has for it: the token of diffusers' files.
    pub fn word(&self) -> Option<&str> {
        self.word.as_deref()
    }

    /// How many vectors it has: how many places of a prompt it takes.
    pub fn len(&self) -> usize {
        self.vectors.len() / self.width
    }

    /// Whether it has no vectors, which no opened one is.
    pub fn is_empty(&self) -> bool {
        self.vectors.is_empty()
    }

    /// The vectors `[n, c]`, row by row.
    pub fn vectors(&self) -> &[f32] {
        &self.vectors
    }

    /// SHA-256 of the file.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Checks that it fits a text encoder of `width` channels.
    ///
    /// # Errors
    /// [`Unfit`](crate::Error::Unfit) that says which model it is for.
    pub fn check(&self, width: usize) -> Result<()> {
        if self.width == width {
            return Ok(());
        }
        let kind = match self.width {
            768 => "Stable Diffusion 1",
            1024 => "Stable Diffusion 2",
            1280 => "the second text encoder of Stable Diffusion XL",
            _ => "another model",
        };
        let reason = format!(
            "it is a textual inversion for {kind}: its vectors have {} numbers, those of this \
             model's tokens {width}",
            self.width
        );
        Err(unfit(&self.file, reason))
    }
}

fn odd_shape(shape: &[usize]) -> String {
    format!("its vectors have the shape {shape:?}, and not [n, c]")
}
