//! A [`Source`] over a folder on disk, for the native program and the tests.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use super::{LocalFuture, Source};
use crate::error::{Error, Result};

/// A folder, or one file of it as a checkpoint. Paths may not leave it through `..` or a root;
/// links inside it are followed, because download caches keep a model as a folder of links.
///
/// A folder `models--OWNER--NAME` of Hugging Face's cache is the snapshot in it that `refs/main`
/// names.
pub struct FileSource {
    root: PathBuf,
    checkpoint: Option<String>,
    tokenizer: Option<Tokenizer>,
}

/// Where the tokenizer's files are, if not in the model's folder.
enum Tokenizer {
    Folder(PathBuf),
    /// In the program itself: names and bytes.
    Embedded(&'static [(&'static str, &'static [u8])]),
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
            None => FileSource::new(snapshot(path).unwrap_or_else(|| path.to_owned())),
            Some(name) => {
                let folder = path.parent().unwrap_or(Path::new(""));
                FileSource { checkpoint: Some(name.to_owned()), ..FileSource::new(folder) }
            }
        }
    }

    /// Takes the tokenizer's files from the folder `tokenizer` instead of the model's own.
    pub fn with_tokenizer(self, tokenizer: impl Into<PathBuf>) -> Self {
        FileSource { tokenizer: Some(Tokenizer::Folder(tokenizer.into())), ..self }
    }

    /// Takes the tokenizer's files from the program itself: names and bytes.
    pub fn with_embedded_tokenizer(self, files: &'static [(&'static str, &'static [u8])]) -> Self {
        FileSource { tokenizer: Some(Tokenizer::Embedded(files)), ..self }
    }

    /// The bytes of a file that is embedded in the program.
    fn embedded(&self, path: &str) -> Option<Result<&'static [u8]>> {
        let Some(Tokenizer::Embedded(files)) = &self.tokenizer else { return None };
        let name = path.strip_prefix("tokenizer/")?;
        let file = files.iter().find(|(known, _)| *known == name);
        let absent = || Error::NotFound {
            path: path.to_owned(),
            reason: "the program has no such file".to_owned(),
        };
        Some(file.map(|(_, bytes)| *bytes).ok_or_else(absent))
    }

    fn resolve(&self, path: &str) -> Result<PathBuf> {
        let inside = !path.is_empty()
            && !path.contains(['\\', '\0'])
            && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
        if !inside {
            let reason = "the path leaves the model's folder".to_owned();
            return Err(Error::Source { path: path.to_owned(), reason });
        }
        if let Some(Tokenizer::Folder(tokenizer)) = &self.tokenizer
            && let Some(rest) = path.strip_prefix("tokenizer/")
        {
            return Ok(tokenizer.join(rest));
        }
        Ok(self.root.join(path))
    }

    fn file_size(&self, path: &str) -> Result<u64> {
        if let Some(bytes) = self.embedded(path) {
            return bytes.map(|bytes| bytes.len() as u64);
        }
        let full = self.resolve(path)?;
        let metadata = std::fs::metadata(&full).map_err(|error| match full.is_symlink() {
            true => Error::NotFound {
                path: path.to_owned(),
                reason: "it is a link to a file that is not there".to_owned(),
            },
            false => fault(path, &error),
        })?;
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
        if let Some(bytes) = self.embedded(path) {
            return bytes.map(|bytes| bytes[range.start as usize..range.end as usize].to_vec());
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

    fn names_in(&self, folder: &str) -> Vec<String> {
        let folder = match folder {
            "" => Ok(self.root.clone()),
            folder => self.resolve(folder),
        };
        let mut names = folder.map_or(Vec::new(), |folder| names(&folder));
        // In a Hugging Face cache a snapshot has only links; unfinished downloads are in `blobs/`.
        let blobs = self.root.join("../../blobs");
        let unfinished = |name: &String| name.ends_with(".incomplete");
        names.extend(self::names(&blobs).into_iter().filter(unfinished));
        names
    }
}

/// The names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> =
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// The snapshot of a model in Hugging Face's cache: that of `refs/main`, or else the only one.
///
/// ```text
/// models--CompVis--stable-diffusion-v1-4/refs/main         the name of a snapshot
///                                       /snapshots/NAME/    links to files in blobs/
/// ```
fn snapshot(path: &Path) -> Option<PathBuf> {
    let snapshots = match path.file_name().is_some_and(|name| name == "snapshots") {
        true => path.to_owned(),
        false => path.join("snapshots"),
    };
    let model = snapshots.parent()?;
    if !snapshots.is_dir() || model.join("model_index.json").exists() {
        return None;
    }
    let main = std::fs::read_to_string(model.join("refs/main")).ok();
    let main = main.map(|name| name.trim().to_owned()).filter(|name| {
        let mut parts = Path::new(name).components();
        matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None))
    });
    let mut all = names(&snapshots);
    let name = main.or_else(|| all.pop().filter(|_| all.is_empty()))?;
    Some(snapshots.join(name))
}

fn fault(path: &str, error: &std::io::Error) -> Error {
    let (path, reason) = (path.to_owned(), error.to_string());
    match error.kind() {
        ErrorKind::NotFound => Error::NotFound { path, reason },
        _ => Error::Source { path, reason },
    }
}
