//! A [`Source`] over HTTP: byte ranges of a folder's files, read as one stream each. An address
//! whose last name has a checkpoint's ending, and no `/` after it, is a single file; what it really
//! is, its content says.
//!
//! Files are read front to back, so a read does not ask for its own bytes only: it opens the file
//! from there to its end, and the next read goes on with the same stream. That is one request per
//! file instead of hundreds, and it serves a server that ignores ranges as well: its answer is the
//! whole file, of which only the wanted windows are kept. One stream is open at a time; bytes that
//! nobody wants stay with the server, since a stream is only filled as fast as it is read.

use super::stream::{Download, fault};
use super::turn::give_turn;
use crate::error::Result;
use crate::weights::{CHECKPOINTS, LocalFuture, Source};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::Range;

/// Where ranges are honoured, a gap up to this is read and thrown away rather than asked anew.
const SKIP_BYTES_MAX: u64 = 1 << 20;

/// After this much the event loop has its turn, so that a wish to cancel is heard: a stream whose
/// bytes have arrived would otherwise be read to its end at one stretch.
const TURN_BYTES: u64 = 4 << 20;

/// A folder on a server, or one file of it as a checkpoint.
pub(super) struct HttpSource {
    /// The folder's address, with a `/` at its end.
    base: String,
    checkpoint: Option<String>,
    /// Where a single file's tokenizer is, with a `/` at its end, if not beside the file.
    tokenizer: Option<String>,
    sizes: RefCell<HashMap<String, u64>>,
    /// The open stream and whose it is.
    current: RefCell<Option<Download>>,
    /// The server has answered a range with a whole file.
    ignores_ranges: Cell<bool>,
    /// Bytes read since the event loop had its turn.
    since_turn: Cell<u64>,
}

impl HttpSource {
    /// The folder or the single file at `address`; a file's tokenizer is in the folder `tokenizer`,
    /// or in `tokenizer/` beside it. Nothing is read yet.
    pub(super) fn new(address: &str, tokenizer: Option<&str>) -> Self {
        let folder = |address: &str| format!("{}/", address.trim_end_matches('/'));
        let is_checkpoint = |name: &str| CHECKPOINTS.iter().any(|ending| name.ends_with(ending));
        let file = address.rsplit_once('/').filter(|(_, name)| is_checkpoint(name));
        HttpSource {
            base: folder(file.map_or(address, |(base, _)| base)),
            checkpoint: file.map(|(_, name)| name.to_owned()),
            tokenizer: tokenizer.filter(|_| file.is_some()).map(folder),
            sizes: RefCell::default(),
            current: RefCell::default(),
            ignores_ranges: Cell::new(false),
            since_turn: Cell::new(0),
        }
    }

    /// The address of a file.
    fn address(&self, path: &str) -> String {
        match (&self.tokenizer, path.strip_prefix("tokenizer/")) {
            (Some(tokenizer), Some(name)) => format!("{tokenizer}{name}"),
            _ => format!("{}{path}", self.base),
        }
    }

    async fn file_size(&self, path: &str) -> Result<u64> {
        if let Some(size) = self.known_size(path) {
            return Ok(size);
        }
        let mut download = self.open(path, 0).await?;
        if let Some(size) = self.known_size(path) {
            *self.current.borrow_mut() = Some(download);
            return Ok(size);
        }
        // A compressed answer does not say: it is read to its end and counted.
        let size = download.count().await?;
        self.sizes.borrow_mut().insert(path.to_owned(), size);
        Ok(size)
    }

    async fn read_range(&self, path: &str, range: Range<u64>) -> Result<Vec<u8>> {
        let size = self.file_size(path).await?;
        if range.start > range.end || range.end > size {
            return Err(fault(path, format!("bytes {range:?} of {size} were asked for")));
        }
        let length = range.end - range.start;
        let mut bytes = Vec::new();
        let fits = usize::try_from(length).is_ok_and(|n| bytes.try_reserve_exact(n).is_ok());
        if !fits {
            return Err(fault(path, format!("there is no memory for {length} bytes of it")));
        }
        if length == 0 {
            return Ok(bytes);
        }
        let mut download = self.reach(path, range.start).await?;
        let gap = range.start - download.position();
        download.take(gap, None).await?;
        download.take(length, Some(&mut bytes)).await?;
        if download.position() < size {
            *self.current.borrow_mut() = Some(download);
        }
        self.give_turn(gap + length).await;
        Ok(bytes)
    }

    /// A stream that stands at `start` or before it: the open one when it is not too far, or a new
    /// one.
    async fn reach(&self, path: &str, start: u64) -> Result<Download> {
        let current = self.current.borrow_mut().take();
        let skip_max = if self.ignores_ranges.get() { u64::MAX } else { SKIP_BYTES_MAX };
        match current {
            Some(download) if download.reaches(path, start, skip_max) => Ok(download),
            other => {
                drop(other);
                self.open(path, start).await
            }
        }
    }

    /// Asks for the file from `start` to its end.
    async fn open(&self, path: &str, start: u64) -> Result<Download> {
        // The stream before this one ends here, whatever is left of it.
        self.current.borrow_mut().take();
        let (download, size) = Download::open(&self.address(path), path, start).await?;
        if download.position() < start {
            self.ignores_ranges.set(true);
        }
        if let Some(size) = size {
            let before = self.sizes.borrow_mut().insert(path.to_owned(), size);
            if before.is_some_and(|before| before != size) {
                return Err(fault(path, "it changed on the server while it was read".into()));
            }
        }
        Ok(download)
    }

    fn known_size(&self, path: &str) -> Option<u64> {
        self.sizes.borrow().get(path).copied()
    }

    async fn give_turn(&self, bytes: u64) {
        let since = self.since_turn.get() + bytes;
        self.since_turn.set(if since < TURN_BYTES { since } else { 0 });
        if since >= TURN_BYTES {
            give_turn().await;
        }
    }
}

impl Source for HttpSource {
    fn size<'a>(&'a self, path: &'a str) -> LocalFuture<'a, u64> {
        Box::pin(self.file_size(path))
    }

    fn read<'a>(&'a self, path: &'a str, range: Range<u64>) -> LocalFuture<'a, Vec<u8>> {
        Box::pin(self.read_range(path, range))
    }

    fn checkpoint(&self) -> Option<&str> {
        self.checkpoint.as_deref()
    }

    fn is_near(&self) -> bool {
        false
    }
}
