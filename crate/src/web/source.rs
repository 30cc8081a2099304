//! A [`Source`] over HTTP: byte ranges of a folder's files, read as one stream each. An address
//! that ends with a checkpoint's extension, without a `/` after it, is a single file; its format is
//! found from its content.
//!
//! Files are read from front to back. So a read requests the file from its first byte to the end,
//! and the next read continues with the same stream. That is one request per file instead of
//! hundreds, and it also works with a server that ignores ranges: its answer is the whole file, of
//! which only the requested ranges are kept. Only one stream is open at a time. Bytes that are not
//! read are not transferred either, since a stream is filled only as fast as it is read.

use super::stream::{Download, fault};
use super::turn::give_turn;
use crate::error::Result;
use crate::weights::{CHECKPOINTS, LocalFuture, Source};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::Range;

/// If the server supports ranges, a gap up to this size is read and dropped instead of making a new
/// request.
const SKIP_BYTES_MAX: u64 = 1 << 20;

/// After so many bytes it yields to the event loop, so that a cancel is noticed: a stream whose
/// bytes have already arrived would otherwise be read to its end without a break.
const TURN_BYTES: u64 = 4 << 20;

/// A folder on a server, or one file of it as a checkpoint.
pub(super) struct HttpSource {
    /// The folder's address, with a `/` at its end.
    base: String,
    checkpoint: Option<String>,
    /// The address of a single file's tokenizer, with a `/` at its end, if it is not in
    /// `tokenizer/` next to the file.
    tokenizer: Option<String>,
    sizes: RefCell<HashMap<String, u64>>,
    /// The open stream.
    current: RefCell<Option<Download>>,
    /// Whether the server has answered a range request with a whole file.
    ignores_ranges: Cell<bool>,
    /// Bytes read since the last yield to the event loop.
    since_turn: Cell<u64>,
}

impl HttpSource {
    /// The folder or the single file at `address`; a file's tokenizer is at the address
    /// `tokenizer`, or in `tokenizer/` next to it. Nothing is read yet.
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

    /// The file at `address`, whatever its extension.
    pub(super) fn of_file(address: &str) -> Self {
        let (base, name) = address.rsplit_once('/').unwrap_or((".", address));
        HttpSource {
            checkpoint: Some(name.to_owned()),
            ..HttpSource::new(&format!("{base}/"), None)
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
        // A compressed answer does not have the size: it is read to its end and counted.
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

    /// A stream whose position is `start` or before it: the open one if it is near enough, or a new
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

    /// Requests the file from `start` to its end.
    async fn open(&self, path: &str, start: u64) -> Result<Download> {
        // This aborts the open stream.
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
