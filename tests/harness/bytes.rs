//! Files in memory, as a source.

use darkroom::weights::{LocalFuture, Source};
use darkroom::{Error, Result};
use std::ops::Range;

/// A few files by their paths; one of them may be the checkpoint.
#[derive(Default)]
pub(crate) struct Bytes {
    pub files: Vec<(String, Vec<u8>)>,
    pub checkpoint: Option<String>,
}

impl Bytes {
    /// A single checkpoint.
    pub(crate) fn checkpoint(bytes: Vec<u8>) -> Bytes {
        let name = "a".to_owned();
        Bytes { files: vec![(name.clone(), bytes)], checkpoint: Some(name) }
    }

    fn file(&self, path: &str) -> Result<&[u8]> {
        let file = self.files.iter().find(|(name, _)| name == path);
        let missing = || Error::NotFound { path: path.to_owned(), reason: "not there".to_owned() };
        file.map(|(_, bytes)| bytes.as_slice()).ok_or_else(missing)
    }
}

impl Source for Bytes {
    fn size<'a>(&'a self, path: &'a str) -> LocalFuture<'a, u64> {
        Box::pin(async move { Ok(self.file(path)?.len() as u64) })
    }

    fn read<'a>(&'a self, path: &'a str, range: Range<u64>) -> LocalFuture<'a, Vec<u8>> {
        Box::pin(async move {
            let bytes = self.file(path)?.get(range.start as usize..range.end as usize);
            Ok(bytes.expect("a range inside the file").to_vec())
        })
    }

    fn checkpoint(&self) -> Option<&str> {
        self.checkpoint.as_deref()
    }
}
