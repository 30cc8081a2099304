//! Fetches one chunk, with retries: temporary errors are reported and the request is repeated,
//! after a longer wait each time.

use super::body::{self, Body, Chunk};
use super::fetch_error::{FetchError, FetchErrorKind};
use super::progress::DownloadProgress;
use super::record::Model;
use super::request::{Answer, Ask, Version, request};
use super::watch::{Event, Watch};
use crate::error::{Error, Result};
use crate::weights::{ManifestFile, origin};
use js_sys::{Math, Uint8Array};
use serde::Deserialize;
use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::rc::Rc;
use wasm_bindgen::JsCast;

/// Options of a download: its address, and limits for retries.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FetchOptions {
    /// A base address that replaces the manifest's.
    pub mirror: Option<String>,
    /// The number of simultaneous requests.
    pub in_flight: u32,
    /// The number of attempts for a chunk.
    pub attempts: u32,
    /// The wait before the first retry; it is doubled each time.
    pub backoff_ms: f64,
    /// The longest wait.
    pub backoff_max_ms: f64,
    /// A connection is aborted after so long without any byte, or with fewer than `stall_bytes`
    /// bytes in that time.
    pub stall_ms: u32,
    /// The fewest bytes of a connection in `stall_ms`.
    pub stall_bytes: u32,
}

impl Default for FetchOptions {
    fn default() -> Self {
        FetchOptions {
            mirror: None,
            in_flight: 4,
            attempts: 8,
            backoff_ms: 500.0,
            backoff_max_ms: 30_000.0,
            stall_ms: 30_000,
            stall_bytes: 8 << 10,
        }
    }
}

/// Fetches chunks of one model.
pub(super) struct Fetcher {
    pub options: FetchOptions,
    pub watch: Rc<Watch>,
    pub pace: RefCell<DownloadProgress>,
    /// The index of the base address in use.
    base: Cell<usize>,
}

/// Counts failed attempts for a chunk.
#[derive(Default)]
pub(super) struct Retries {
    /// Failed attempts at the current base address.
    tries: u32,
    /// The number of base addresses that were given up; and the index of the current one.
    given_up: u32,
    base: usize,
}

impl Retries {
    /// Starts counting again, because bytes have arrived.
    pub(super) fn reset(&mut self) {
        *self = Retries::default();
    }
}

impl Fetcher {
    /// A fetcher that begins with the first base address.
    pub(super) fn new(options: FetchOptions, watch: Rc<Watch>, pace: DownloadProgress) -> Fetcher {
        Fetcher { options, watch, pace: RefCell::new(pace), base: Cell::new(0) }
    }

    /// Fetches a chunk, which must have the SHA-256 `expected`, if that is known.
    ///
    /// # Errors
    /// [`Error::Fetch`], [`Error::Cancelled`].
    pub(super) async fn chunk(
        &self,
        model: &Model,
        file: &ManifestFile,
        index: u64,
        expected: Option<&str>,
    ) -> Result<Chunk> {
        let mut retries = Retries::default();
        loop {
            match self.try_chunk(model, file, index, expected).await {
                Ok(chunk) => return Ok(chunk),
                Err(fault) => self.wait(model, file, &fault, &mut retries).await?,
            }
        }
    }

    async fn try_chunk(
        &self,
        model: &Model,
        file: &ManifestFile,
        index: u64,
        expected: Option<&str>,
    ) -> Result<Chunk, FetchError> {
        let mut answer = self.ask(model, file, index).await?;
        // A server that ignores ranges also sends the chunks before it.
        let first = if answer.whole { 0 } else { index };
        for before in first..index {
            self.take(&mut answer.body, model, file, before).await?;
        }
        let chunk = self.take(&mut answer.body, model, file, index).await?;
        match expected {
            Some(expected) if chunk.sha256 != expected => Err(wrong_bytes(&chunk)),
            _ => Ok(chunk),
        }
    }

    /// Requests a chunk.
    ///
    /// # Errors
    /// A [`FetchError`]: what went wrong, and where.
    pub(super) async fn ask(
        &self,
        model: &Model,
        file: &ManifestFile,
        index: u64,
    ) -> Result<Answer, FetchError> {
        let bases = self.bases(model, file);
        let base = bases.get(self.base.get()).or(bases.first()).ok_or(FetchErrorKind::Nowhere)?;
        let url = address(base, &file.path);
        let mirror = self.options.mirror.as_deref();
        // The version (etag) is only used if no hash is known.
        let version = model.version(file).filter(|_| mirror.is_none());
        let (start, length) = model.chunk(file, index);
        let bytes = model.bytes(file);
        let range = length.filter(|length| Some(*length) != bytes).map(|n| start..start + n);
        self.get(model, &url, range, bytes, version.as_ref()).await
    }

    /// Fetches a small file of the publisher as a whole: at most `most` bytes.
    ///
    /// # Errors
    /// A [`FetchError`]: what went wrong, and where.
    pub(super) async fn small(
        &self,
        model: &Model,
        url: &str,
        most: u64,
    ) -> Result<Vec<u8>, FetchError> {
        let mut answer = self.get(model, url, None, None, None).await?;
        let progress = RefCell::new(DownloadProgress::new(0, 0));
        let chunk = answer.body.chunk(None, most, url, &progress).await?;
        let parts = chunk.parts.iter();
        Ok(parts.flat_map(|part| part.unchecked_into::<Uint8Array>().to_vec()).collect())
    }

    async fn get(
        &self,
        model: &Model,
        url: &str,
        range: Option<Range<u64>>,
        bytes: Option<u64>,
        version: Option<&Version>,
    ) -> Result<Answer, FetchError> {
        let mirror = self.options.mirror.as_deref().and_then(origin);
        let allows = |address: &str| model.manifest.allows(address) || origin(address) == mirror;
        let pace = body::SlowestSpeed {
            window_ms: self.options.stall_ms,
            bytes: self.options.stall_bytes,
        };
        request(&Ask { url, range, bytes, version, allows: &allows, pace }, &self.watch).await
    }

    /// The base addresses for a file, in order.
    fn bases(&self, model: &Model, file: &ManifestFile) -> Vec<String> {
        let manifest = &model.manifest;
        let bases = match &self.options.mirror {
            _ if file.beside || manifest.base.is_empty() && self.options.mirror.is_none() => {
                vec![model.address.clone()]
            }
            Some(mirror) => vec![mirror.clone()],
            None => [&manifest.base].into_iter().chain(&manifest.mirrors).cloned().collect(),
        };
        bases.into_iter().filter(|base| !base.is_empty()).collect()
    }

    /// Reads a chunk from a body whose position is the chunk's beginning.
    ///
    /// # Errors
    /// A [`FetchError`]: what went wrong, and where.
    pub(super) async fn take(
        &self,
        body: &mut Body,
        model: &Model,
        file: &ManifestFile,
        index: u64,
    ) -> Result<Chunk, FetchError> {
        let (_, length) = model.chunk(file, index);
        body.chunk(length, model.manifest.chunk_bytes, &file.path, &self.pace).await
    }

    /// After an error: waits before the next attempt, switches to the next base address, or gives
    /// up.
    ///
    /// # Errors
    /// [`Error::Fetch`] with the error's sentence, [`Error::Cancelled`].
    pub(super) async fn wait(
        &self,
        model: &Model,
        file: &ManifestFile,
        fault: &FetchError,
        retries: &mut Retries,
    ) -> Result<()> {
        self.watch.check()?;
        let sentence = format!("{}: {}", file.path, fault.sentence());
        if retries.base != self.base.get() {
            // Another chunk's task has switched to this base already.
            (retries.base, retries.tries) = (self.base.get(), 0);
        }
        retries.tries += 1;
        if retries.tries >= fault.kind.tries(self.options.attempts) {
            retries.given_up += 1;
            let bases = self.bases(model, file).len();
            if !fault.kind.may_move() || retries.given_up as usize >= bases {
                let reason = fault.sentence();
                return Err(Error::Fetch { path: file.path.clone(), reason });
            }
            self.base.set((retries.base + 1) % bases);
            let text = format!("{sentence} Another address is tried.");
            self.watch.tell(&Event::Notice { text });
            return Ok(());
        }
        let doubled = self.options.backoff_ms * 2_f64.powi(retries.tries as i32 - 1);
        // A random part, so that neither our own requests nor those of other users are all repeated
        // at the same moment.
        let backoff = doubled.min(self.options.backoff_max_ms) * (0.5 + Math::random() / 2.0);
        let asked = match fault.kind {
            FetchErrorKind::Busy { retry_after: Some(seconds), .. } => seconds * 1000.0,
            _ => 0.0,
        };
        let ms = asked + backoff;
        self.watch.tell(&Event::Waiting { sentence, seconds: ms / 1000.0 });
        self.watch.sleep(ms).await
    }
}

/// The error of a chunk with a wrong hash.
pub(super) fn wrong_bytes(chunk: &Chunk) -> FetchError {
    FetchError { kind: FetchErrorKind::WrongBytes, host: chunk.host.clone(), first_line: None }
}

/// The URL of a file below a base address.
pub(super) fn address(base: &str, path: &str) -> String {
    let encode = |part| String::from(js_sys::encode_uri_component(part));
    let path: Vec<String> = path.split('/').map(encode).collect();
    format!("{}/{}", base.trim_end_matches('/'), path.join("/"))
}
