//! A [`Source`] that hashes one of its files while it is read. Loaders read a file from front to
//! back, so that it need not be read a second time to know its SHA-256.

use super::{LocalFuture, Source, read_exact};
use crate::error::Result;
use crate::weights::publisher::digest::Digest;
use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

/// About how many bytes are read at once of what no loader has read.
#[cfg(feature = "engine")]
const WINDOW: u64 = 8 << 20;
/// The largest gap that is read with what comes behind it: padding between tensors.
const GAP: u64 = 1 << 20;

/// See the file.
pub(in crate::weights) struct Hashed {
    source: Rc<dyn Source>,
    path: String,
    /// The bytes so far, from the first one on, and how many.
    so_far: RefCell<(Digest, u64)>,
    /// Empty before all are read.
    sha256: RefCell<String>,
}

impl Hashed {
    /// Of this file of a source.
    pub(in crate::weights) fn new(source: Rc<dyn Source>, path: &str) -> Hashed {
        let path = path.to_owned();
        Hashed { source, path, so_far: RefCell::default(), sha256: RefCell::default() }
    }

    /// SHA-256 of the file; empty before [`Hashed::finish`].
    pub(in crate::weights) fn sha256(&self) -> String {
        self.sha256.borrow().clone()
    }

    fn is_known(&self) -> bool {
        !self.sha256.borrow().is_empty()
    }

    /// Reads what was not read yet, and hashes it. `check` is called before each read; its error
    /// ends it.
    ///
    /// # Errors
    /// Those of the source and of `check`.
    #[cfg(feature = "engine")]
    pub(in crate::weights) async fn finish(&self, check: &dyn Fn() -> Result<()>) -> Result<()> {
        if self.is_known() {
            return Ok(());
        }
        let size = self.source.size(&self.path).await?;
        while self.length() < size {
            check()?;
            let end = size.min(self.length() + WINDOW);
            self.advance(end).await?;
        }
        let (digest, _) = self.so_far.take();
        *self.sha256.borrow_mut() = digest.finish().0;
        Ok(())
    }

    fn length(&self) -> u64 {
        self.so_far.borrow().1
    }

    /// Reads on to `end`.
    async fn advance(&self, end: u64) -> Result<()> {
        let start = self.length();
        let bytes = read_exact(&*self.source, &self.path, start..end).await?;
        self.take(start, &bytes);
        Ok(())
    }

    /// Hashes those of the bytes from `start` on that follow what is hashed.
    fn take(&self, start: u64, bytes: &[u8]) {
        let (digest, length) = &mut *self.so_far.borrow_mut();
        let known = length.checked_sub(start).and_then(|known| usize::try_from(known).ok());
        if let Some(new) = known.and_then(|known| bytes.get(known..)) {
            digest.update(new);
            *length += new.len() as u64;
        }
    }

    async fn read_range(&self, range: Range<u64>) -> Result<Vec<u8>> {
        let is_known = self.is_known();
        let near = self.length() + 1..=self.length().saturating_add(GAP);
        if !is_known && near.contains(&range.start) {
            self.advance(range.start).await?;
        }
        let bytes = self.source.read(&self.path, range.clone()).await?;
        if !is_known {
            self.take(range.start, &bytes);
        }
        Ok(bytes)
    }
}

impl Source for Hashed {
    fn size<'a>(&'a self, path: &'a str) -> LocalFuture<'a, u64> {
        self.source.size(path)
    }

    fn read<'a>(&'a self, path: &'a str, range: Range<u64>) -> LocalFuture<'a, Vec<u8>> {
        match path == self.path {
            true => Box::pin(self.read_range(range)),
            false => self.source.read(path, range),
        }
    }

    fn is_near(&self) -> bool {
        self.source.is_near()
    }
}
