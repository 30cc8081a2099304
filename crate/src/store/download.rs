//! Downloads a whole model: several chunks at once, each of which is verified and stored, until
//! none is missing. Then the hash of each file is checked ("sealing"), and last the model is marked
//! complete.
//!
//! There is no other state than the stored chunks: after any interruption a download continues with
//! the missing ones.

use super::body::Chunk;
use super::chunks::Store;
use super::fetch_error::FetchError;
use super::fetcher::{FetchOptions, Fetcher, Retries, wrong_bytes};
use super::progress::DownloadProgress;
use super::publisher::consult;
use super::record::{ChunkInfo, Model, now};
use super::request::Answer;
use super::seal::seal;
use super::watch::Watch;
use crate::error::{Error, Result};
use futures_channel::oneshot;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;

/// A chunk: its file's number in the manifest, and its number in the file.
type ChunkId = (usize, u64);

/// The state that all tasks of a running download share.
struct Work {
    store: Rc<Store>,
    fetcher: Fetcher,
    model: RefCell<Model>,
    /// Chunks that are not stored, and those of them that a task is fetching.
    missing: RefCell<BTreeSet<ChunkId>>,
    claimed: RefCell<BTreeSet<ChunkId>>,
    /// Files that are fetched as one stream, because the server ignores ranges.
    streaming: RefCell<BTreeSet<usize>>,
    failed: RefCell<Option<Error>>,
}

/// Why an attempt failed: an error that may be temporary, or one that ends the download.
enum Failure {
    Passing(FetchError),
    Final(Error),
}

impl From<FetchError> for Failure {
    fn from(fault: FetchError) -> Self {
        Failure::Passing(fault)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Final(error)
    }
}

/// Fetches the missing chunks of a model and seals its files.
///
/// # Errors
/// [`Error::Licence`] before the first byte; [`Error::Fetch`], [`Error::StorageFull`],
/// [`Error::Cancelled`]: all that was stored until then stays.
pub async fn download(
    store: Rc<Store>,
    id: &str,
    options: FetchOptions,
    watch: Rc<Watch>,
) -> Result<()> {
    let mut model = store.model(id).await?;
    if model.complete.is_some() {
        return Ok(());
    }
    if !model.may_be_fetched() {
        return Err(Error::Licence { title: model.manifest.title });
    }
    let index = store.index(id).await?;
    let done = index.values().map(|info| info.bytes).sum();
    let pace = DownloadProgress::new(done, model.manifest.bytes_total().max(done));
    let in_flight = options.in_flight.clamp(1, 16);
    let fetcher = Fetcher::new(options, watch, pace);
    let unwhole: BTreeSet<_> = missing(&model, &index).into_iter().map(|place| place.0).collect();
    consult(&store, &fetcher, &mut model, unwhole.into_iter()).await?;
    // Again, because the publisher's pointers may show that a stored chunk is wrong.
    let missing = missing(&model, &index);
    for (number, _) in &missing {
        // A file that has lost a chunk is not complete any more.
        if let Some(state) = model.files.get_mut(&model.manifest.files[*number].path) {
            state.sha256 = None;
        }
    }
    let work = Rc::new(Work {
        store,
        fetcher,
        model: RefCell::new(model),
        missing: RefCell::new(missing),
        claimed: RefCell::default(),
        streaming: RefCell::default(),
        failed: RefCell::default(),
    });
    let hands: Vec<_> = (0..in_flight).map(|_| start(work.clone())).collect();
    for hand in hands {
        // Each task always sends when it ends.
        hand.await.ok();
    }
    if let Some(error) = work.failed.take() {
        return Err(error);
    }
    work.fetcher.watch.check()?;
    finish(&work).await
}

/// Chunks that are not stored, or whose length or hash is wrong.
fn missing(model: &Model, index: &BTreeMap<(String, u64), ChunkInfo>) -> BTreeSet<ChunkId> {
    let mut missing = BTreeSet::new();
    for (number, file) in model.manifest.files.iter().enumerate() {
        for chunk in 0..file.chunk_count(model.manifest.chunk_bytes) {
            let info = index.get(&(file.path.clone(), chunk));
            let known = model.chunk_sha256(file, chunk);
            if info.is_none_or(|info| known.is_some_and(|known| known != info.sha256)) {
                missing.insert((number, chunk));
            }
        }
    }
    missing
}

/// Seals every file, then marks the model complete.
async fn finish(work: &Work) -> Result<()> {
    let mut model = work.model.borrow().clone();
    for number in 0..model.manifest.files.len() {
        seal(&work.store, &work.fetcher, &mut model, number, true).await?;
        work.store.save(&model).await?;
    }
    model.complete = Some(now());
    model.verified = model.complete.clone();
    work.store.save(&model).await
}

/// Starts a task that fetches chunks until none is left for it.
fn start(work: Rc<Work>) -> oneshot::Receiver<()> {
    let (sender, ended) = oneshot::channel();
    spawn_local(async move {
        while let Some(place) = work.next() {
            let result = work.chunk(place).await;
            work.claimed.borrow_mut().remove(&place);
            if let Err(error) = result {
                work.failed.borrow_mut().get_or_insert(error);
            }
        }
        sender.send(()).ok();
    });
    ended
}

impl Work {
    /// Claims a chunk that no other task fetches; `None` after an error, so that all tasks end.
    fn next(&self) -> Option<ChunkId> {
        if self.failed.borrow().is_some() || self.fetcher.watch.check().is_err() {
            return None;
        }
        let (missing, mut claimed) = (self.missing.borrow(), self.claimed.borrow_mut());
        let streaming = self.streaming.borrow();
        let free = |place: &&ChunkId| !claimed.contains(place) && !streaming.contains(&place.0);
        let place = *missing.iter().find(free)?;
        claimed.insert(place);
        Some(place)
    }

    async fn chunk(&self, place: ChunkId) -> Result<()> {
        let mut retries = Retries::default();
        loop {
            let before = self.missing.borrow().len();
            match self.attempt(place).await {
                Ok(()) => return Ok(()),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Passing(fault)) => {
                    // If chunks have arrived, the retries are counted from the start again.
                    if self.missing.borrow().len() < before {
                        retries.reset();
                    }
                    let model = self.model.borrow().clone();
                    let file = &model.manifest.files[place.0];
                    self.fetcher.wait(&model, file, &fault, &mut retries).await?;
                }
            }
        }
    }

    async fn attempt(&self, (number, index): ChunkId) -> Result<(), Failure> {
        let model = self.model.borrow().clone();
        let file = &model.manifest.files[number];
        let mut answer = self.fetcher.ask(&model, file, index).await?;
        self.note(number, &answer).await?;
        if !answer.whole {
            let chunk = self.fetcher.take(&mut answer.body, &model, file, index).await?;
            return self.keep((number, index), &chunk).await;
        }
        if !self.streaming.borrow_mut().insert(number) {
            // Another task has the same stream already, and will store this chunk too.
            return Ok(());
        }
        let streamed = self.stream(number, answer, &model).await;
        self.streaming.borrow_mut().remove(&number);
        streamed
    }

    /// Reads the whole file from its first byte, and stores its missing chunks.
    async fn stream(&self, number: usize, answer: Answer, model: &Model) -> Result<(), Failure> {
        let (file, mut body) = (&model.manifest.files[number], answer.body);
        for index in 0..file.chunk_count(model.manifest.chunk_bytes) {
            let chunk = self.fetcher.take(&mut body, model, file, index).await?;
            if self.missing.borrow().contains(&(number, index)) {
                self.keep((number, index), &chunk).await?;
            }
        }
        Ok(())
    }

    /// Stores the size and version of a file that the server sends, to compare later answers with.
    async fn note(&self, number: usize, answer: &Answer) -> Result<()> {
        let changed = {
            let mut model = self.model.borrow_mut();
            let file = model.manifest.files[number].clone();
            let needed = model.sha256(&file).is_none() && model.version(&file).is_none();
            let version = answer.version.clone().filter(|_| needed);
            version.map(|version| {
                let state = model.files.entry(file.path).or_default();
                (state.etag, state.etag_host) = (Some(version.etag), Some(version.host));
                model.clone()
            })
        };
        match changed {
            Some(model) => self.store.save(&model).await,
            None => Ok(()),
        }
    }

    /// Stores a chunk, if its hash is right.
    async fn keep(&self, place: ChunkId, chunk: &Chunk) -> Result<(), Failure> {
        let mut model = self.model.borrow().clone();
        let file = model.manifest.files[place.0].clone();
        let expected = model.chunk_sha256(&file, place.1);
        if expected.is_some_and(|expected| expected != chunk.sha256) {
            return Err(wrong_bytes(chunk).into());
        }
        let id = model.manifest.id.clone();
        self.store.put(&id, &file.path, place.1, chunk).await?;
        let unknown = model.bytes(&file).is_none();
        if unknown {
            let state = |model: &mut Model| {
                model.files.entry(file.path.clone()).or_default().bytes = Some(chunk.bytes);
            };
            state(&mut self.model.borrow_mut());
            model = self.model.borrow().clone();
            self.store.save(&model).await?;
        }
        self.missing.borrow_mut().remove(&place);
        let mut pace = self.fetcher.pace.borrow_mut();
        pace.done += chunk.bytes;
        pace.total += if unknown { chunk.bytes } else { 0 };
        pace.tell(&file.path, &self.fetcher.watch);
        Ok(())
    }
}
