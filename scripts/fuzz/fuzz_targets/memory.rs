//! One file in memory, as the checkpoint of a model: what a fuzzer has instead of a disk.

use darkroom::weights::{LocalFuture, Source};
use darkroom::{Error, Result};
use std::ops::Range;

/// The file `a`.
pub struct Memory<'b>(pub &'b [u8]);

impl Memory<'_> {
    fn file(&self, path: &str) -> Result<&[u8]> {
        match path {
            "a" => Ok(self.0),
            _ => Err(Error::NotFound { path: path.to_owned(), reason: "not there".to_owned() }),
        }
    }
}

impl Source for Memory<'_> {
    fn size<'a>(&'a self, path: &'a str) -> LocalFuture<'a, u64> {
        Box::pin(async move { Ok(self.file(path)?.len() as u64) })
    }

    fn read<'a>(&'a self, path: &'a str, range: Range<u64>) -> LocalFuture<'a, Vec<u8>> {
        Box::pin(async move {
            let bytes = self.file(path)?.get(range.start as usize..range.end as usize);
            Ok(bytes.expect("only ranges inside the file are asked for").to_vec())
        })
    }

    fn checkpoint(&self) -> Option<&str> {
        Some("a")
    }
}
