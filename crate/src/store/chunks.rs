//! The store: the records of models, their chunks, and the lengths and checksums of these.

use super::body::{Chunk, pieces};
use super::database::{CHUNKS, Change, Database, INDEX, MODELS, PINS, fault, key, under};
use super::record::{ChunkInfo, Model, Pin};
use super::remembered::{forget, remember, remembered};
use crate::error::{Error, Result};
use crate::weights::{Manifest, PIECE_BYTES, Sum64};
use js_sys::{Array, ArrayBuffer, Uint8Array};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;

/// The key of a test entry, which shows whether a `Blob` can be stored.
const TRIAL: &str = "\u{0}trial";

/// Models in the browser's database.
pub struct Store {
    database: Database,
    /// Whether bytes are stored as a `Blob`, once this has been tested. A `Blob` is read twice as
    /// fast as an `ArrayBuffer` and needs no memory until then, but some private windows cannot
    /// store it.
    keeps_blobs: Cell<Option<bool>>,
    /// How often that was tested: chunks that arrive together each test it, under keys of their
    /// own.
    trials: Cell<u64>,
    /// Ids that are also recorded outside of the database.
    remembered: RefCell<BTreeSet<String>>,
}

impl Store {
    /// Opens the database.
    ///
    /// # Errors
    /// [`Error::NewerStorage`], [`Error::Storage`].
    pub async fn open() -> Result<Store> {
        let database = Database::open().await?;
        let (keeps_blobs, trials) = (Cell::default(), Cell::default());
        Ok(Store { database, keeps_blobs, trials, remembered: RefCell::default() })
    }

    /// All models, in the order of their ids.
    ///
    /// # Errors
    /// [`Error::Storage`] where the browser's database does not work.
    pub async fn models(&self) -> Result<Vec<Model>> {
        let texts = self.database.all(MODELS, None).await?;
        texts.iter().map(from_json).collect()
    }

    /// The model of this id.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is none;
    /// [`Error::Storage`] where the browser's database does not work.
    pub async fn model(&self, id: &str) -> Result<Model> {
        match self.database.get(MODELS, &id.into()).await? {
            Some(text) => from_json(&text),
            None => Err(Error::NotFound {
                path: id.to_owned(),
                reason: "no such model is stored in this browser".into(),
            }),
        }
    }

    /// Whether there is a model of this id.
    ///
    /// # Errors
    /// [`Error::Storage`] where the browser's database does not work.
    pub async fn has(&self, id: &str) -> Result<bool> {
        Ok(self.database.get(MODELS, &id.into()).await?.is_some())
    }

    /// Writes a model's record.
    ///
    /// # Errors
    /// [`Error::StorageFull`] where there is no room;
    /// [`Error::Storage`] where the browser's database does not work.
    pub async fn save(&self, model: &Model) -> Result<()> {
        let id = JsValue::from_str(&model.manifest.id);
        self.database.write(&[Change::Put(MODELS, id, to_json(model))]).await?;
        if self.remembered.borrow_mut().insert(model.manifest.id.clone()) {
            remember(&model.manifest.id, &model.manifest.title).await;
        }
        Ok(())
    }

    /// Titles of models that were stored and are missing although they were not deleted. Each is
    /// returned only once.
    ///
    /// # Errors
    /// [`Error::Storage`] where the browser's database does not work.
    pub async fn lost(&self) -> Result<Vec<String>> {
        let mut lost = Vec::new();
        for (id, title) in remembered().await {
            if !self.has(&id).await? {
                forget(&id).await;
                lost.push(title);
            }
        }
        // Models that were stored before these records existed.
        for model in self.models().await? {
            self.remembered.borrow_mut().insert(model.manifest.id.clone());
            remember(&model.manifest.id, &model.manifest.title).await;
        }
        Ok(lost)
    }

    /// Deletes a model and all its bytes, but not its pins.
    ///
    /// # Errors
    /// [`Error::Storage`] where the browser's database does not work.
    pub async fn remove(&self, id: &str) -> Result<()> {
        forget(id).await;
        self.remembered.borrow_mut().remove(id);
        // The record is deleted last, so that an interrupted removal can be repeated.
        let range = || under(&[id]);
        self.database.write(&[Change::Delete(INDEX, range()?)]).await?;
        self.database.write(&[Change::Delete(CHUNKS, range()?)]).await?;
        self.database.write(&[Change::Delete(MODELS, id.into())]).await
    }

    /// The pin of this name: a hash from a first download.
    ///
    /// # Errors
    /// [`Error::Storage`] where the browser's database does not work.
    pub async fn pin(&self, name: &str) -> Result<Option<Pin>> {
        let text = self.database.get(PINS, &name.into()).await?;
        text.as_ref().map(from_json).transpose()
    }

    /// All pins, by their names.
    ///
    /// # Errors
    /// [`Error::Storage`] where the browser's database does not work.
    pub async fn pins(&self) -> Result<Vec<(String, Pin)>> {
        let names = self.database.keys(PINS, None).await?;
        let pins = self.database.all(PINS, None).await?;
        let pair = |(name, pin): (&JsValue, &JsValue)| {
            Ok((name.as_string().unwrap_or_default(), from_json(pin)?))
        };
        names.iter().zip(&pins).map(pair).collect()
    }

    /// Deletes a pin: the next download of that file may have another hash.
    ///
    /// # Errors
    /// [`Error::Storage`] where the browser's database does not work.
    pub async fn forget_pin(&self, name: &str) -> Result<()> {
        self.database.write(&[Change::Delete(PINS, name.into())]).await
    }

    /// Replaces the manifest of a stored model by a newer one that lists the same files. Files
    /// whose stored size or hash it contradicts are deleted.
    ///
    /// # Errors
    /// [`Error::StorageFull`] where there is no room;
    /// [`Error::Storage`] where the browser's database does not work.
    pub async fn adopt(&self, before: Model, manifest: &Manifest) -> Result<Model> {
        let mut model = Model { manifest: manifest.clone(), ..before };
        for file in &manifest.files {
            let Some(state) = model.files.get(&file.path) else { continue };
            let other = |found: &String| file.sha256.as_ref().is_some_and(|sha| sha != found);
            if state.sha256.as_ref().is_some_and(other) {
                self.remove_file(&manifest.id, &file.path).await?;
                model.files.remove(&file.path);
                (model.complete, model.verified) = (None, None);
            }
        }
        self.save(&model).await?;
        Ok(model)
    }

    /// Deletes the stored bytes of one file.
    ///
    /// # Errors
    /// [`Error::Storage`] where the browser's database does not work.
    pub async fn remove_file(&self, id: &str, path: &str) -> Result<()> {
        let range = || under(&[id, path]);
        let changes = [Change::Delete(INDEX, range()?), Change::Delete(CHUNKS, range()?)];
        self.database.write(&changes).await
    }

    /// Stores a pin.
    ///
    /// # Errors
    /// [`Error::StorageFull`] where there is no room;
    /// [`Error::Storage`] where the browser's database does not work.
    pub async fn set_pin(&self, name: &str, pin: &Pin) -> Result<()> {
        self.database.write(&[Change::Put(PINS, name.into(), to_json(pin))]).await
    }

    /// Stores a chunk and its index entry, both or neither. Returns when both are on the disk.
    ///
    /// # Errors
    /// [`Error::StorageFull`]; all that was stored before is still there.
    pub async fn put(&self, id: &str, path: &str, index: u64, chunk: &Chunk) -> Result<()> {
        let value = if self.keeps_blobs().await { blob(&chunk.parts)? } else { buffer(chunk) };
        let Chunk { bytes, sha256, sum, .. } = chunk;
        let info = ChunkInfo { bytes: *bytes, sha256: sha256.clone(), sum: sum.clone() };
        let key = key(id, path, index);
        let changes =
            [Change::Put(CHUNKS, key.clone(), value), Change::Put(INDEX, key, to_json(&info))];
        self.database.write(&changes).await
    }

    /// The index entries of a model's stored chunks, by path and number. Their bytes are not read.
    ///
    /// # Errors
    /// [`Error::Storage`] where the browser's database does not work.
    pub async fn index(&self, id: &str) -> Result<BTreeMap<(String, u64), ChunkInfo>> {
        let prefix: &[&str] = &[id];
        let keys = self.database.keys(INDEX, Some(prefix)).await?;
        let infos = self.database.all(INDEX, Some(prefix)).await?;
        let there = self.database.keys(CHUNKS, Some(prefix)).await?;
        let there: BTreeSet<_> = there.iter().filter_map(place).collect();
        let mut index = BTreeMap::new();
        for (place, info) in keys.iter().filter_map(place).zip(&infos) {
            if there.contains(&place) {
                index.insert(place, from_json(info)?);
            }
        }
        Ok(index)
    }

    /// The index entry of a chunk.
    ///
    /// # Errors
    /// [`Error::Storage`] where the browser's database does not work.
    pub async fn info(&self, id: &str, path: &str, index: u64) -> Result<Option<ChunkInfo>> {
        let text = self.database.get(INDEX, &key(id, path, index)).await?;
        text.as_ref().map(from_json).transpose()
    }

    /// The bytes of a chunk; `None` when they are missing or cannot be read.
    ///
    /// # Errors
    /// [`Error::Storage`] where the browser's database does not work.
    pub async fn bytes(&self, id: &str, path: &str, index: u64) -> Result<Option<Uint8Array>> {
        let Some(value) = self.database.get(CHUNKS, &key(id, path, index)).await? else {
            return Ok(None);
        };
        if let Ok(buffer) = value.clone().dyn_into::<ArrayBuffer>() {
            return Ok(Some(Uint8Array::new(&buffer)));
        }
        let Ok(blob) = value.dyn_into::<Blob>() else { return Ok(None) };
        // If the browser has lost the bytes, this fails, and they count as missing.
        let buffer = JsFuture::from(blob.array_buffer()).await.ok();
        Ok(buffer.map(|buffer| Uint8Array::new(&buffer)))
    }

    /// A chunk as a `Blob`, which needs no memory if it is stored as one.
    ///
    /// # Errors
    /// [`Error::Storage`] where the browser's database does not work.
    pub async fn blob(&self, id: &str, path: &str, index: u64) -> Result<Option<Blob>> {
        let Some(value) = self.database.get(CHUNKS, &key(id, path, index)).await? else {
            return Ok(None);
        };
        match value.dyn_into::<Blob>() {
            Ok(blob) => Ok(Some(blob)),
            Err(buffer) => Ok(Some(blob(&Array::of1(&buffer))?.unchecked_into())),
        }
    }

    /// Tests whether a stored `Blob` can be read again, if that is not known.
    async fn keeps_blobs(&self) -> bool {
        if let Some(known) = self.keeps_blobs.get() {
            return known;
        }
        let keeps = self.try_blob().await.unwrap_or(false);
        self.keeps_blobs.set(Some(keeps));
        keeps
    }

    async fn try_blob(&self) -> Result<bool> {
        let bytes = Uint8Array::from(&b"darkroom"[..]);
        let trial = blob(&Array::of1(&bytes))?;
        // With one key, a chunk would delete the entry that another one is about to read.
        let number = self.trials.replace(self.trials.get() + 1);
        let key = key(TRIAL, "", number);
        self.database.write(&[Change::Put(CHUNKS, key.clone(), trial)]).await?;
        let back = self.bytes(TRIAL, "", number).await?;
        self.database.write(&[Change::Delete(CHUNKS, key)]).await?;
        Ok(back.is_some_and(|back| back.to_vec() == b"darkroom"))
    }
}

/// Whether bytes are the stored ones, by the fast checksum.
pub(super) fn is_sound(bytes: &Uint8Array, info: &ChunkInfo) -> bool {
    let mut sum = Sum64::default();
    pieces(bytes, &mut vec![0; PIECE_BYTES], |piece| sum.update(piece));
    u64::from(bytes.length()) == info.bytes && sum.finish() == info.sum
}

/// Path and number from a chunk's key.
fn place(key: &JsValue) -> Option<(String, u64)> {
    let key = key.dyn_ref::<Array>()?;
    Some((key.get(1).as_string()?, key.get(2).as_f64()? as u64))
}

/// Parts as one `Blob`.
///
/// # Errors
/// [`Error::Storage`] where the browser's database does not work.
pub(super) fn blob(parts: &Array) -> Result<JsValue> {
    let blob = Blob::new_with_blob_sequence(parts).map_err(|e| fault(&e))?;
    Ok(blob.into())
}

/// Parts as one `ArrayBuffer`.
fn buffer(chunk: &Chunk) -> JsValue {
    let whole = Uint8Array::new_with_length(chunk.bytes as u32);
    let mut at = 0;
    for part in chunk.parts.iter() {
        let part: Uint8Array = part.unchecked_into();
        whole.set(&part, at);
        at += part.length();
    }
    whole.buffer().into()
}

fn to_json(value: &impl Serialize) -> JsValue {
    serde_json::to_string(value).expect("plain data is always JSON").into()
}

fn from_json<T: DeserializeOwned>(text: &JsValue) -> Result<T> {
    let text = text.as_string().unwrap_or_default();
    serde_json::from_str(&text).map_err(|error| Error::Storage {
        reason: format!("a record in it cannot be read: {error}"),
    })
}
