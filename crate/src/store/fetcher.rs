//! One chunk from the network, with patience: a fault that may pass is told and tried again, later
//! each time.

use super::body::{Body, Chunk};
use super::pace::Pace;
use super::record::Model;
use super::request::{Answer, Ask, request};
use super::trouble::Trouble;
use super::watch::{Event, Watch};
use crate::error::{Error, Result};
use crate::weights::{ManifestFile, origin};
use js_sys::Math;
use serde::Deserialize;
use std::cell::RefCell;
use std::rc::Rc;

/// Wrong bytes that come so often will come again.
const WRONG_BYTES_MAX: u32 = 3;

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
    pub backoff_max_ms: f64,
    /// Silence after which a connection is given up.
    pub stall_ms: u32,
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
        }
    }
}

/// Fetches chunks of one model.
pub struct Fetcher {
    pub options: FetchOptions,
    pub watch: Rc<Watch>,
    pub pace: RefCell<Pace>,
}

impl Fetcher {
    /// A chunk that must have the SHA-256 `expected`, where that is known.
    ///
    /// # Errors
    /// [`Error::Fetch`], [`Error::Cancelled`].
    pub async fn chunk(
        &self,
        model: &Model,
        file: &ManifestFile,
        index: u64,
        expected: Option<&str>,
    ) -> Result<Chunk> {
        let mut tries = 0;
        loop {
            match self.try_chunk(model, file, index, expected).await {
                Ok(chunk) => return Ok(chunk),
                Err(trouble) => self.wait(&file.path, &trouble, &mut tries).await?,
            }
        }
    }

    async fn try_chunk(
        &self,
        model: &Model,
        file: &ManifestFile,
        index: u64,
        expected: Option<&str>,
    ) -> Result<Chunk, Trouble> {
        let mut answer = self.ask(model, file, index, expected.is_some()).await?;
        // A server that ignores ranges sends what comes before as well.
        let first = if answer.whole { 0 } else { index };
        for before in first..index {
            self.take(&mut answer.body, model, file, before).await?;
        }
        let chunk = self.take(&mut answer.body, model, file, index).await?;
        match expected {
            Some(expected) if chunk.sha256 != expected => Err(Trouble::WrongBytes),
            _ => Ok(chunk),
        }
    }

    /// Asks for a chunk. A hash that is `known` tells more than the server's name of a version.
    pub async fn ask(
        &self,
        model: &Model,
        file: &ManifestFile,
        index: u64,
        known: bool,
    ) -> Result<Answer, Trouble> {
        let mirror = self.options.mirror.as_deref();
        let url = model.url(&file.path, mirror).ok_or(Trouble::Nowhere)?;
        let mut hosts = model.manifest.hosts.clone();
        hosts.extend(mirror.and_then(origin).map(str::to_owned));
        let etag = model.files.get(&file.path).and_then(|state| state.etag.as_deref());
        let (start, length) = model.chunk(file, index);
        let bytes = model.bytes(file);
        let range = length.filter(|length| Some(*length) != bytes).map(|n| start..start + n);
        let ask = Ask {
            url: &url,
            range,
            bytes,
            etag: etag.filter(|_| !known && mirror.is_none()),
            hosts: &hosts,
            stall_ms: self.options.stall_ms,
        };
        request(&ask, &self.watch).await
    }

    /// Takes a chunk from a body that stands at its beginning.
    pub async fn take(
        &self,
        body: &mut Body,
        model: &Model,
        file: &ManifestFile,
        index: u64,
    ) -> Result<Chunk, Trouble> {
        let (_, length) = model.chunk(file, index);
        body.chunk(length, model.manifest.chunk_bytes, &file.path, &self.pace).await
    }

    /// After a fault: waits until it is time for another try, or gives up.
    ///
    /// # Errors
    /// [`Error::Fetch`] with the fault's sentence, [`Error::Cancelled`].
    pub async fn wait(&self, path: &str, trouble: &Trouble, tries: &mut u32) -> Result<()> {
        self.watch.check()?;
        *tries += 1;
        let most = match trouble {
            Trouble::WrongBytes => WRONG_BYTES_MAX.min(self.options.attempts),
            _ => self.options.attempts,
        };
        if !trouble.may_pass() || *tries >= most {
            return Err(Error::Fetch { path: path.to_owned(), reason: trouble.sentence() });
        }
        let doubled = self.options.backoff_ms * 2_f64.powi(*tries as i32 - 1);
        // Not all at the same moment: of everyone who was sent away, and of our own requests.
        let backoff = doubled.min(self.options.backoff_max_ms) * (0.5 + Math::random() / 2.0);
        let asked = match trouble {
            Trouble::Busy { retry_after: Some(seconds), .. } => seconds * 1000.0,
            _ => 0.0,
        };
        let ms = asked + backoff;
        let sentence = format!("{path}: {}", trouble.sentence());
        self.watch.tell(&Event::Waiting { sentence, seconds: ms / 1000.0 });
        self.watch.sleep(ms).await
    }
}
