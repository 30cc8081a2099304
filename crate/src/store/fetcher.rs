//! One chunk from the network, with patience: a fault that may pass is told and tried again, later
//! each time.

use super::body::{self, Body, Chunk};
use super::progress::DownloadProgress;
use super::record::Model;
use super::request::{Answer, Ask, Version, request};
use super::trouble::{Fault, Trouble};
use super::watch::{Event, Watch};
use crate::error::{Error, Result};
use crate::weights::{ManifestFile, origin};
use js_sys::{Math, Uint8Array};
use serde::Deserialize;
use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::rc::Rc;
use wasm_bindgen::JsCast;

/// From where, and with how much patience.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FetchOptions {
    /// An address that takes the place of the manifest's base.
    pub mirror: Option<String>,
    /// Requests at once.
    pub in_flight: u32,
    /// Tries of a chunk before giving up.
    pub attempts: u32,
    /// The first wait, doubled each time.
    pub backoff_ms: f64,
    /// The longest wait.
    pub backoff_max_ms: f64,
    /// Silence after which a connection is given up; and so is one that brings fewer bytes than
    /// `stall_bytes` in that time.
    pub stall_ms: u32,
    /// The fewest bytes that a connection brings in `stall_ms`.
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
    /// Which of the model's bases is asked.
    base: Cell<usize>,
}

/// How often a chunk was asked for in vain.
#[derive(Default)]
pub(super) struct Patience {
    /// At the present base.
    tries: u32,
    /// Bases that were given up, this one's number among them.
    given_up: u32,
    base: usize,
}

impl Patience {
    /// Something came: it begins anew.
    pub(super) fn renew(&mut self) {
        *self = Patience::default();
    }
}

impl Fetcher {
    /// With all its patience.
    pub(super) fn new(options: FetchOptions, watch: Rc<Watch>, pace: DownloadProgress) -> Fetcher {
        Fetcher { options, watch, pace: RefCell::new(pace), base: Cell::new(0) }
    }

    /// A chunk that must have the SHA-256 `expected`, where that is known.
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
        let mut patience = Patience::default();
        loop {
            match self.try_chunk(model, file, index, expected).await {
                Ok(chunk) => return Ok(chunk),
                Err(fault) => self.wait(model, file, &fault, &mut patience).await?,
            }
        }
    }

    async fn try_chunk(
        &self,
        model: &Model,
        file: &ManifestFile,
        index: u64,
        expected: Option<&str>,
    ) -> Result<Chunk, Fault> {
        let mut answer = self.ask(model, file, index).await?;
        // A server that ignores ranges sends what comes before as well.
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

    /// Asks for a chunk.
    ///
    /// # Errors
    /// A [`Fault`]: what went wrong, and where.
    pub(super) async fn ask(
        &self,
        model: &Model,
        file: &ManifestFile,
        index: u64,
    ) -> Result<Answer, Fault> {
        let bases = self.bases(model, file);
        let base = bases.get(self.base.get()).or(bases.first()).ok_or(Trouble::Nowhere)?;
        let url = address(base, &file.path);
        let mirror = self.options.mirror.as_deref();
        // A hash tells more than a server's name of a version.
        let version = model.version(file).filter(|_| mirror.is_none());
        let (start, length) = model.chunk(file, index);
        let bytes = model.bytes(file);
        let range = length.filter(|length| Some(*length) != bytes).map(|n| start..start + n);
        self.get(model, &url, range, bytes, version.as_ref()).await
    }

    /// A small file of the publisher's, whole: at most `most` bytes.
    ///
    /// # Errors
    /// A [`Fault`]: what went wrong, and where.
    pub(super) async fn small(
        &self,
        model: &Model,
        url: &str,
        most: u64,
    ) -> Result<Vec<u8>, Fault> {
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
    ) -> Result<Answer, Fault> {
        let mirror = self.options.mirror.as_deref().and_then(origin);
        let allows = |address: &str| model.manifest.allows(address) || origin(address) == mirror;
        let pace = body::SlowestSpeed {
            window_ms: self.options.stall_ms,
            bytes: self.options.stall_bytes,
        };
        request(&Ask { url, range, bytes, version, allows: &allows, pace }, &self.watch).await
    }

    /// Where a file may be asked for, in order.
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

    /// Takes a chunk from a body that stands at its beginning.
    ///
    /// # Errors
    /// A [`Fault`]: what went wrong, and where.
    pub(super) async fn take(
        &self,
        body: &mut Body,
        model: &Model,
        file: &ManifestFile,
        index: u64,
    ) -> Result<Chunk, Fault> {
        let (_, length) = model.chunk(file, index);
        body.chunk(length, model.manifest.chunk_bytes, &file.path, &self.pace).await
    }

    /// After a fault: waits until it is time for another try, turns to the next base, or gives up.
    ///
    /// # Errors
    /// [`Error::Fetch`] with the fault's sentence, [`Error::Cancelled`].
    pub(super) async fn wait(
        &self,
        model: &Model,
        file: &ManifestFile,
        fault: &Fault,
        patience: &mut Patience,
    ) -> Result<()> {
        self.watch.check()?;
        let sentence = format!("{}: {}", file.path, fault.sentence());
        if patience.base != self.base.get() {
            // Another chunk has turned to this base already.
            (patience.base, patience.tries) = (self.base.get(), 0);
        }
        patience.tries += 1;
        if patience.tries >= fault.trouble.tries(self.options.attempts) {
            patience.given_up += 1;
            let bases = self.bases(model, file).len();
            if !fault.trouble.may_move() || patience.given_up as usize >= bases {
                let reason = fault.sentence();
                return Err(Error::Fetch { path: file.path.clone(), reason });
            }
            self.base.set((patience.base + 1) % bases);
            let text = format!("{sentence} Another address is tried.");
            self.watch.tell(&Event::Notice { text });
            return Ok(());
        }
        let doubled = self.options.backoff_ms * 2_f64.powi(patience.tries as i32 - 1);
        // Not all at the same moment: of everyone who was sent away, and of our own requests.
        let backoff = doubled.min(self.options.backoff_max_ms) * (0.5 + Math::random() / 2.0);
        let asked = match fault.trouble {
            Trouble::Busy { retry_after: Some(seconds), .. } => seconds * 1000.0,
            _ => 0.0,
        };
        let ms = asked + backoff;
        self.watch.tell(&Event::Waiting { sentence, seconds: ms / 1000.0 });
        self.watch.sleep(ms).await
    }
}

/// The fault of a chunk with other bytes than it must have.
pub(super) fn wrong_bytes(chunk: &Chunk) -> Fault {
    Fault { trouble: Trouble::WrongBytes, edge: chunk.edge.clone(), line: None }
}

/// The address of a file below a base.
pub(super) fn address(base: &str, path: &str) -> String {
    let encode = |part| String::from(js_sys::encode_uri_component(part));
    let path: Vec<String> = path.split('/').map(encode).collect();
    format!("{}/{}", base.trim_end_matches('/'), path.join("/"))
}
