//! A stored model as a [`Source`]. Each chunk is checked when it is read. A damaged or missing
//! chunk is fetched again and stored; if the storage is full, it is used from memory only this
//! time.

use super::body::Chunk;
use super::chunks::{Store, is_sound};
use super::fetcher::{FetchOptions, Fetcher};
use super::progress::DownloadProgress;
use super::record::{FileState, Model};
use super::seal::check_hash;
use super::watch::{Event, Watch};
use crate::error::{Error, Result};
use crate::weights::{LocalFuture, Manifest, ManifestFile, Source};
use js_sys::{Function, Promise, Reflect, Uint8Array};
use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, future_to_promise};

/// A model of the store.
pub struct StoreSource {
    store: Rc<Store>,
    fetcher: Fetcher,
    model: RefCell<Model>,
    /// The path of the checkpoint, if the model is a single file; and the source of its tokenizer,
    /// if it has none.
    checkpoint: Option<String>,
    tokenizer: Rc<dyn Source>,
    /// The chunk that was read last (path, number, bytes), because files are read from front to
    /// back in small ranges.
    current: RefCell<Option<(String, u64, Uint8Array)>>,
    /// The next chunk, which is read ahead: a promise of its bytes, or undefined.
    ahead: RefCell<Option<(String, u64, Promise)>>,
    /// The storage is full, and the user has been told.
    full: Cell<bool>,
}

impl StoreSource {
    /// Opens the model `id`. `allow_fetch`: an incomplete model may be opened too; its missing
    /// chunks are fetched when they are read. `tokenizer` is the source of the tokenizer for a
    /// single file that has none.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Licence`], and those of the store.
    pub async fn open(
        id: &str,
        allow_fetch: bool,
        tokenizer: Rc<dyn Source>,
        watch: Rc<Watch>,
    ) -> Result<StoreSource> {
        let store = Rc::new(Store::open().await?);
        let model = store.model(id).await?;
        if !model.may_be_fetched() {
            return Err(Error::Licence { title: model.manifest.title });
        }
        if model.complete.is_none() && !allow_fetch {
            return Err(Error::NotFound {
                path: model.manifest.title,
                reason: "it has not been fetched whole: resume that first".into(),
            });
        }
        Ok(StoreSource {
            store,
            fetcher: Fetcher::new(FetchOptions::default(), watch, DownloadProgress::new(0, 0)),
            checkpoint: model.manifest.checkpoint().map(str::to_owned),
            tokenizer,
            model: RefCell::new(model),
            current: RefCell::default(),
            ahead: RefCell::default(),
            full: Cell::new(false),
        })
    }

    /// Whether a file is read from the tokenizer's source.
    fn is_elsewhere(&self, path: &str) -> bool {
        let single = self.checkpoint.is_some() && path.starts_with("tokenizer/");
        single && self.model.borrow().manifest.file(path).is_none()
    }

    fn file(&self, path: &str) -> Result<ManifestFile> {
        let model = self.model.borrow();
        model.manifest.file(path).cloned().ok_or_else(|| Error::NotFound {
            path: path.to_owned(),
            reason: format!("{} has no such file", model.manifest.title),
        })
    }

    async fn file_size(&self, path: &str) -> Result<u64> {
        if self.is_elsewhere(path) {
            return self.tokenizer.size(path).await;
        }
        let file = self.file(path)?;
        if let Some(bytes) = self.model.borrow().bytes(&file) {
            return Ok(bytes);
        }
        // In an incomplete model the size of a small file may be unknown: it is the length of its
        // only chunk.
        Ok(u64::from(self.chunk(&file, 0).await?.length()))
    }

    async fn read_range(&self, path: &str, range: Range<u64>) -> Result<Vec<u8>> {
        if self.is_elsewhere(path) {
            return self.tokenizer.read(path, range).await;
        }
        let size = self.file_size(path).await?;
        let fault = |reason| Error::Source { path: path.to_owned(), reason };
        if range.start > range.end || range.end > size {
            return Err(fault(format!("bytes {range:?} of {size} were asked for")));
        }
        let length = range.end - range.start;
        let mut bytes = Vec::new();
        if !usize::try_from(length).is_ok_and(|n| bytes.try_reserve_exact(n).is_ok()) {
            return Err(fault(format!("there is no memory for {length} bytes of it")));
        }
        let file = self.file(path)?;
        let step = self.model.borrow().manifest.chunk_bytes;
        let mut at = range.start;
        while at < range.end {
            let chunk = self.chunk(&file, at / step).await?;
            let (start, left) = ((at % step) as u32, range.end - at);
            let end = u64::from(chunk.length()).min(u64::from(start) + left) as u32;
            let part = chunk.subarray(start, end);
            let filled = bytes.len();
            bytes.resize(filled + part.length() as usize, 0);
            part.copy_to(&mut bytes[filled..]);
            at += u64::from(part.length());
            if part.length() == 0 {
                return Err(fault("a chunk is shorter than its file".into()));
            }
        }
        Ok(bytes)
    }

    /// A chunk, checked, and fetched again if it is damaged or missing.
    async fn chunk(&self, file: &ManifestFile, index: u64) -> Result<Uint8Array> {
        if let Some((path, number, bytes)) = &*self.current.borrow()
            && *path == file.path
            && *number == index
        {
            return Ok(bytes.clone());
        }
        let id = self.model.borrow().manifest.id.clone();
        let info = self.store.info(&id, &file.path, index).await?;
        let stored = match &info {
            Some(info) => self.stored(&file.path, index).await?.filter(|it| is_sound(it, info)),
            None => None,
        };
        let bytes = match stored {
            Some(bytes) => bytes,
            None => {
                let known = info.as_ref().map(|info| info.sha256.as_str());
                self.refetch(file, index, known).await?
            }
        };
        let before = self.current.replace(Some((file.path.clone(), index, bytes.clone())));
        if let Some((.., before)) = before {
            give_back(&before);
        }
        self.look_ahead(file, index + 1);
        Ok(bytes)
    }

    /// A chunk's stored bytes, unchecked.
    async fn stored(&self, path: &str, index: u64) -> Result<Option<Uint8Array>> {
        let ahead = self.ahead.take().filter(|(of, number, _)| of == path && *number == index);
        if let Some((.., promise)) = ahead
            && let Ok(bytes) = JsFuture::from(promise).await
            && let Ok(bytes) = bytes.dyn_into()
        {
            return Ok(Some(bytes));
        }
        let id = self.model.borrow().manifest.id.clone();
        self.store.bytes(&id, path, index).await
    }

    /// Starts to read the next chunk, if the file has one.
    fn look_ahead(&self, file: &ManifestFile, index: u64) {
        let model = self.model.borrow();
        if index >= file.chunk_count(model.manifest.chunk_bytes) {
            return;
        }
        let (store, id, path) = (self.store.clone(), model.manifest.id.clone(), file.path.clone());
        let promise = future_to_promise(async move {
            // Errors are ignored here: they come again when the chunk is read.
            let bytes = store.bytes(&id, &path, index).await.ok().flatten();
            Ok(bytes.map_or(JsValue::UNDEFINED, JsValue::from))
        });
        *self.ahead.borrow_mut() = Some((file.path.clone(), index, promise));
    }

    /// Fetches a chunk again and stores it.
    async fn refetch(
        &self,
        file: &ManifestFile,
        index: u64,
        known: Option<&str>,
    ) -> Result<Uint8Array> {
        let model = self.model.borrow().clone();
        let listed = model.chunk_sha256(file, index);
        let expected = listed.or(known);
        let chunk = self.fetcher.chunk(&model, file, index, expected).await?;
        let whole = join(&chunk);
        match self.store.put(&model.manifest.id, &file.path, index, &chunk).await {
            Ok(()) => {
                let (path, chunk) = (file.path.clone(), index);
                self.fetcher.watch.tell(&Event::Healed { path, chunk });
                if expected.is_none() {
                    check_hash(&self.store, &self.fetcher, &model, file).await?;
                }
            }
            Err(Error::StorageFull) => {
                if !self.full.replace(true) {
                    let text = "The browser's storage is full: the rest of the model is used from \
                                memory and will be fetched again next time.";
                    self.fetcher.watch.tell(&Event::Notice { text: text.into() });
                }
            }
            Err(error) => return Err(error),
        }
        if model.bytes(file).is_none() {
            let state = FileState { bytes: Some(chunk.bytes), ..FileState::default() };
            self.model.borrow_mut().files.insert(file.path.clone(), state);
        }
        Ok(whole)
    }
}

/// Frees the memory of bytes that are no longer needed, if the browser can do that at once: the
/// garbage collector may be too slow, and chunks would fill the memory.
fn give_back(bytes: &Uint8Array) {
    let buffer = bytes.buffer();
    let transfer = Reflect::get(&buffer, &"transfer".into()).unwrap_or_default();
    if let Some(transfer) = transfer.dyn_ref::<Function>() {
        // Transferring the buffer to one of size 0 frees its memory; if that fails, nothing
        // changes.
        transfer.call1(&buffer, &0.into()).ok();
    }
}

/// Joins the parts of a chunk.
fn join(chunk: &Chunk) -> Uint8Array {
    let whole = Uint8Array::new_with_length(chunk.bytes as u32);
    let mut at = 0;
    for part in chunk.parts.iter() {
        let part = Uint8Array::from(part);
        whole.set(&part, at);
        at += part.length();
    }
    whole
}

impl Source for StoreSource {
    fn size<'a>(&'a self, path: &'a str) -> LocalFuture<'a, u64> {
        Box::pin(self.file_size(path))
    }

    fn read<'a>(&'a self, path: &'a str, range: Range<u64>) -> LocalFuture<'a, Vec<u8>> {
        Box::pin(self.read_range(path, range))
    }

    fn manifest(&self) -> Option<Manifest> {
        let model = self.model.borrow();
        let mut manifest = model.manifest.clone();
        for file in &mut manifest.files {
            let found = model.files.get(&file.path).and_then(|state| state.sha256.clone());
            file.sha256 = found.or(file.sha256.take());
        }
        Some(manifest)
    }

    fn checkpoint(&self) -> Option<&str> {
        self.checkpoint.as_deref()
    }
}
