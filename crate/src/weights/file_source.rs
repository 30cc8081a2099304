//! A [`Source`] over a folder on disk, for the native program and the tests.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use super::source::{LocalFuture, Source};
use crate::error::{Error, Result};

/// A folder, or one file of it as a checkpoint. Paths may not leave it through `..` or a root;
/// links inside it are followed, because download caches keep a model as a folder of links.
pub struct FileSource {
    root: PathBuf,
    checkpoint: Option<String>,
    tokenizer: Option<PathBuf>,
}

impl FileSource {
    /// The folder `root`. Nothing is read yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        FileSource { root: root.into(), checkpoint: None, tokenizer: None }
    }

    /// The folder or the single checkpoint file at `path`, whichever is there.
    pub fn open(path: &Path) -> Self {
        let name = path.file_name().and_then(|name| name.to_str());
        match name.filter(|_| path.is_file()) {
            None => FileSource::new(path),
            Some(name) => {
                let folder = path.parent().unwrap_or(Path::new(""));
                FileSource { checkpoint: Some(name.to_owned()), ..FileSource::new(folder) }
            }
        }
    }

    /// Takes the tokenizer's files from the folder `tokenizer` instead of the model's own.
    pub fn with_tokenizer(self, tokenizer: impl Into<PathBuf>) -> Self {
        FileSource { tokenizer: Some(tokenizer.into()), ..self }
    }

    fn resolve(&self, path: &str) -> Result<PathBuf> {
        let inside = !path.is_empty()
            && !path.contains(['\\', '\0'])
            && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
        if !inside {
            let reason = "the path leaves the model's folder".to_owned();
            return Err(Error::Source { path: path.to_owned(), reason });
        }
        if let Some(tokenizer) = &self.tokenizer
            && let Some(rest) = path.strip_prefix("tokenizer/")
        {
            return Ok(tokenizer.join(rest));
        }
        Ok(self.root.join(path))
    }

    fn file_size(&self, path: &str) -> Result<u64> {
        let full = self.resolve(path)?;
        let metadata = std::fs::metadata(full).map_err(|error| fault(path, &error))?;
        if !metadata.is_file() {
            let reason = "it is not a file".to_owned();
            return Err(Error::NotFound { path: path.to_owned(), reason });
        }
        Ok(metadata.len())
    }

    fn read_range(&self, path: &str, range: Range<u64>) -> Result<Vec<u8>> {
        let size = self.file_size(path)?;
        if range.start > range.end || range.end > size {
            let reason = format!("bytes {range:?} of {size} were asked for");
            return Err(Error::Source { path: path.to_owned(), reason });
        }
        let too_large = |_| Error::Source {
            path: path.to_owned(),
            reason: "the range is larger than this computer's memory".to_owned(),
        };
        let length = usize::try_from(range.end - range.start).map_err(too_large)?;
        let mut bytes = vec![0; length];
        let read = File::open(self.resolve(path)?).and_then(|mut file| {
            file.seek(SeekFrom::Start(range.start))?;
            file.read_exact(&mut bytes)
        });
        read.map_err(|error| fault(path, &error))?;
        Ok(bytes)
    }
}

impl Source for FileSource {
    fn size<'a>(&'a self, path: &'a str) -> LocalFuture<'a, u64> {
        Box::pin(async move { self.file_size(path) })
    }

    fn read<'a>(&'a self, path: &'a str, range: Range<u64>) -> LocalFuture<'a, Vec<u8>> {
        Box::pin(async move { self.read_range(path, range) })
    }

    fn checkpoint(&self) -> Option<&str> {
        self.checkpoint.as_deref()
    }
}

fn fault(path: &str, error: &std::io::Error) -> Error {
    let (path, reason) = (path.to_owned(), error.to_string());
    match error.kind() {
        ErrorKind::NotFound => Error::NotFound { path, reason },
        _ => Error::Source { path, reason },
    }
}
