//! A [`Source`] of one file, whose bytes are in memory.

use super::{LocalFuture, Source};
use crate::error::Error;
use std::ops::Range;
use std::sync::Arc;

/// One file in memory.
#[derive(Debug, Clone)]
pub struct MemorySource {
    file: String,
    bytes: Arc<Vec<u8>>,
}

impl MemorySource {
    /// The file of this name.
    pub fn new(file: impl Into<String>, bytes: Vec<u8>) -> MemorySource {
        MemorySource { file: file.into(), bytes: Arc::new(bytes) }
    }

    /// Its name.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Source for MemorySource {
    fn size<'a>(&'a self, path: &'a str) -> LocalFuture<'a, u64> {
        Box::pin(async move {
            match path == self.file {
                true => Ok(self.bytes.len() as u64),
                false => Err(Error::NotFound {
                    path: path.to_owned(),
                    reason: "it is not the file in memory".into(),
                }),
            }
        })
    }

    fn read<'a>(&'a self, path: &'a str, range: Range<u64>) -> LocalFuture<'a, Vec<u8>> {
        Box::pin(async move {
            let bytes = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
            let bytes = bytes.and_then(|(start, end)| self.bytes.get(start..end));
            bytes.filter(|_| path == self.file).map(<[u8]>::to_vec).ok_or_else(|| Error::Source {
                path: path.to_owned(),
                reason: format!("it has no bytes {} to {}", range.start, range.end),
            })
        })
    }
}
