//! The interface of the store for JavaScript: models are plain objects, long calls have events.

use super::values::{js_error, to_js, to_object};
use crate::error::Error;
use crate::store::{self, Event, FetchOptions, Files, Model, Pin, Store, Watch};
use crate::weights::{Digest, Manifest};
use js_sys::{Array, Function, Reflect};
use serde::Serialize;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use web_sys::Blob;

/// All models of this browser. Several calls may run at the same time, but for each model only one
/// that changes it.
#[wasm_bindgen]
pub struct Shelf {
    store: Rc<Store>,
    watch: RefCell<Option<Rc<Watch>>>,
    /// Local files that were given to `plan`, by the id of their model.
    given: RefCell<HashMap<String, Rc<Files>>>,
}

/// A model as the library shows it.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    model: Model,
    bytes_stored: u64,
    bytes_total: u64,
    chunks_stored: usize,
    must_accept: bool,
}

/// A pin with its name: repository, revision and path.
#[derive(Serialize)]
struct Pinned {
    name: String,
    #[serde(flatten)]
    pin: Pin,
}

/// What deleting a model would delete.
#[derive(Serialize)]
struct Deletion {
    title: String,
    bytes: u64,
    files: Vec<String>,
    pins: Vec<Pinned>,
}

#[wasm_bindgen]
impl Shelf {
    /// Opens the browser's database.
    ///
    /// # Errors
    /// An `Error` of JavaScript with its `kind`: `storage`, `newer_storage`.
    pub async fn open() -> Result<Shelf, JsValue> {
        let store = Rc::new(Store::open().await.map_err(to_js)?);
        Ok(Shelf { store, watch: RefCell::default(), given: RefCell::default() })
    }

    /// The list of all models.
    ///
    /// # Errors
    /// An `Error` of JavaScript with its `kind`: `storage`.
    pub async fn list(&self) -> Result<JsValue, JsValue> {
        let list = Array::new();
        for model in self.store.models().await.map_err(to_js)? {
            list.push(&self.show(model).await?);
        }
        Ok(list.into())
    }

    /// Adds a model to the library, or finds it there: from the text of its manifest, the address
    /// of the manifest's folder, and the text of the licence that it names.
    ///
    /// # Errors
    /// An `Error` of JavaScript with its `kind`: `bad_file` for a manifest that does not fit,
    /// `write` where another version is stored, `storage`, `storage_full`.
    pub async fn add(
        &self,
        manifest: String,
        address: String,
        licence_text: Option<String>,
    ) -> Result<JsValue, JsValue> {
        let mut model = read(&manifest, address, licence_text).map_err(to_js)?;
        if self.store.has(&model.manifest.id).await.map_err(to_js)? {
            let before = self.store.model(&model.manifest.id).await.map_err(to_js)?;
            let same = before.manifest.revision == model.manifest.revision
                && before.manifest.chunk_bytes == model.manifest.chunk_bytes
                && before.manifest.agrees_with(&model.manifest);
            if before.manifest != model.manifest && same {
                let adopted = self.store.adopt(before, &model.manifest).await.map_err(to_js)?;
                return self.show(adopted).await;
            }
            if before.manifest != model.manifest {
                let reason = "another version of this model is stored: delete it first".to_owned();
                return Err(to_js(Error::Write { path: model.manifest.title, reason }));
            }
            model = before;
        } else {
            self.store.save(&model).await.map_err(to_js)?;
        }
        self.show(model).await
    }

    /// Records that the licence of a model was shown and accepted.
    ///
    /// # Errors
    /// An `Error` of JavaScript with its `kind`: `not_found`, `storage`, `storage_full`.
    pub async fn accept(&self, id: String) -> Result<(), JsValue> {
        let mut model = self.store.model(&id).await.map_err(to_js)?;
        model.accept();
        self.store.save(&model).await.map_err(to_js)
    }

    /// Fetches the missing chunks of a model.
    ///
    /// # Errors
    /// An `Error` of JavaScript with its `kind`: `licence` where it is not accepted, `fetch`,
    /// `bad_file`, `storage`, `storage_full`, `cancelled`.
    pub async fn download(
        &self,
        id: String,
        options: JsValue,
        on_event: Function,
    ) -> Result<(), JsValue> {
        let options = fetch_options(options)?;
        let watch = self.begin(on_event);
        store::download(self.store.clone(), &id, options, watch).await.map_err(to_js)
    }

    /// Compares all chunks with their hashes, fetches damaged ones again, and resolves to the
    /// number of these.
    ///
    /// # Errors
    /// An `Error` of JavaScript with its `kind`: `fetch`, `bad_file`, `storage`, `storage_full`,
    /// `cancelled`.
    pub async fn verify(
        &self,
        id: String,
        options: JsValue,
        on_event: Function,
    ) -> Result<f64, JsValue> {
        let options = fetch_options(options)?;
        let watch = self.begin(on_event);
        let healed = store::verify(&self.store, options, watch, &id).await.map_err(to_js)?;
        Ok(healed as f64)
    }

    /// Checks local files, `[{path, file}]`, and adds their model to the library. `known` are
    /// manifests that they may match, `[{manifest, address, licence_text}]`.
    ///
    /// # Errors
    /// An `Error` of JavaScript with its `kind`: `bad_file` for files that are no model, `source`,
    /// `storage`, `storage_full`, `cancelled`.
    pub async fn plan(
        &self,
        given: Array,
        known: Array,
        name: String,
        on_event: Function,
    ) -> Result<JsValue, JsValue> {
        let file = |entry: JsValue| Some((text(&entry, "path")?, blob(&entry)?));
        let given: Vec<_> = given.iter().filter_map(file).collect();
        let known: Vec<Model> = known
            .iter()
            .filter_map(|entry| {
                let manifest = text(&entry, "manifest")?;
                let address = text(&entry, "address").unwrap_or_default();
                read(&manifest, address, text(&entry, "licence_text")).ok()
            })
            .collect();
        let files = Files::open(given).await.map_err(to_js)?;
        let watch = self.begin(on_event);
        let planned = store::plan(&self.store, &files, &known, &name, &watch);
        let model = planned.await.map_err(to_js)?;
        let id = model.manifest.id.clone();
        self.given.borrow_mut().insert(id, Rc::new(files));
        self.show(model).await
    }

    /// Stores the local files that were given to `plan`.
    ///
    /// # Errors
    /// An `Error` of JavaScript with its `kind`: `closed` where no files were given,
    /// `licence`, `source`, `bad_file`, `storage`, `storage_full`, `cancelled`.
    pub async fn fill(&self, id: String, on_event: Function) -> Result<(), JsValue> {
        let files = self.given.borrow().get(&id).cloned();
        let files = files.ok_or_else(|| js_error("closed", "No files were given."))?;
        let watch = self.begin(on_event);
        store::fill(&self.store, &files, &id, watch).await.map_err(to_js)?;
        self.given.borrow_mut().remove(&id);
        Ok(())
    }

    /// The hash by which other programs know a stored LoRA; undefined for anything else.
    ///
    /// # Errors
    /// An `Error` of JavaScript with its `kind`: `not_found`, `bad_file`, `storage`,
    /// `storage_full`.
    #[wasm_bindgen(js_name = modelHash)]
    pub async fn model_hash(&self, id: String) -> Result<Option<String>, JsValue> {
        store::model_hash(&self.store, &id).await.map_err(to_js)
    }

    /// The model as one tar file; what is no model as the file that it is.
    ///
    /// # Errors
    /// An `Error` of JavaScript with its `kind`: `not_found`, `storage`.
    pub async fn export(&self, id: String) -> Result<Blob, JsValue> {
        store::export(&self.store, &id).await.map_err(to_js)
    }

    /// What deleting a model would delete (title, bytes and files), and the pins that would stay.
    ///
    /// # Errors
    /// An `Error` of JavaScript with its `kind`: `not_found`, `storage`.
    pub async fn deletion(&self, id: String) -> Result<JsValue, JsValue> {
        let model = self.store.model(&id).await.map_err(to_js)?;
        let index = self.store.index(&id).await.map_err(to_js)?;
        let names: Vec<_> =
            model.manifest.files.iter().map(|file| model.pin_name(&file.path)).collect();
        let mut pins = self.pinned().await?;
        pins.retain(|pin| names.contains(&pin.name));
        Ok(to_object(&Deletion {
            title: model.manifest.title,
            bytes: index.values().map(|info| info.bytes).sum(),
            files: model.manifest.files.into_iter().map(|file| file.path).collect(),
            pins,
        }))
    }

    /// The pins: hashes of first downloads, which later downloads must have.
    ///
    /// # Errors
    /// An `Error` of JavaScript with its `kind`: `storage`.
    pub async fn pins(&self) -> Result<JsValue, JsValue> {
        Ok(to_object(&self.pinned().await?))
    }

    /// Deletes pins, by their names.
    ///
    /// # Errors
    /// An `Error` of JavaScript with its `kind`: `storage`.
    #[wasm_bindgen(js_name = forgetPins)]
    pub async fn forget_pins(&self, names: Vec<String>) -> Result<(), JsValue> {
        for name in names {
            self.store.forget_pin(&name).await.map_err(to_js)?;
        }
        Ok(())
    }

    /// Titles of models that the browser has lost; each is returned only once.
    ///
    /// # Errors
    /// An `Error` of JavaScript with its `kind`: `storage`.
    pub async fn lost(&self) -> Result<Vec<String>, JsValue> {
        self.store.lost().await.map_err(to_js)
    }

    /// Deletes a model.
    ///
    /// # Errors
    /// An `Error` of JavaScript with its `kind`: `storage`.
    pub async fn remove(&self, id: String) -> Result<(), JsValue> {
        self.store.remove(&id).await.map_err(to_js)
    }

    /// Cancels the long call that began last.
    pub fn stop(&self) {
        if let Some(watch) = &*self.watch.borrow() {
            watch.stop();
        }
    }
}

impl Shelf {
    fn begin(&self, on_event: Function) -> Rc<Watch> {
        let listen = move |event: &Event| {
            // Exceptions of the listener are ignored.
            on_event.call1(&JsValue::NULL, &to_object(event)).ok();
        };
        let watch = Rc::new(Watch::new(Box::new(listen)));
        *self.watch.borrow_mut() = Some(watch.clone());
        watch
    }

    async fn pinned(&self) -> Result<Vec<Pinned>, JsValue> {
        let pins = self.store.pins().await.map_err(to_js)?;
        Ok(pins.into_iter().map(|(name, pin)| Pinned { name, pin }).collect())
    }

    async fn show(&self, model: Model) -> Result<JsValue, JsValue> {
        let index = self.store.index(&model.manifest.id).await.map_err(to_js)?;
        let shown = Shown {
            bytes_stored: index.values().map(|info| info.bytes).sum(),
            bytes_total: model.manifest.files.iter().filter_map(|file| model.bytes(file)).sum(),
            chunks_stored: index.len(),
            must_accept: !model.may_be_fetched(),
            model,
        };
        Ok(to_object(&shown))
    }
}

/// Makes the record of a model that is not stored yet. The licence's text must have the hash that
/// the manifest names.
fn read(manifest: &str, address: String, licence_text: Option<String>) -> crate::Result<Model> {
    let manifest = Manifest::parse(Manifest::FILE, manifest.as_bytes())?;
    if let Some(expected) = &manifest.licence.sha256 {
        let mut digest = Digest::default();
        digest.update(licence_text.as_deref().unwrap_or_default().as_bytes());
        if digest.finish().0 != *expected {
            let file = manifest.licence.file.clone().unwrap_or_default();
            let reason = "it is not the licence that the model's manifest names".to_owned();
            return Err(Error::BadFile { file, reason });
        }
    }
    let mut model = Model::new(manifest, address);
    model.licence_text = licence_text;
    Ok(model)
}

fn fetch_options(options: JsValue) -> Result<FetchOptions, JsValue> {
    if options.is_undefined() || options.is_null() {
        return Ok(FetchOptions::default());
    }
    serde_wasm_bindgen::from_value(options)
        .map_err(|error| js_error("request", &format!("The options cannot be read: {error}.")))
}

fn text(entry: &JsValue, name: &str) -> Option<String> {
    Reflect::get(entry, &name.into()).ok()?.as_string()
}

fn blob(entry: &JsValue) -> Option<Blob> {
    Reflect::get(entry, &"file".into()).ok()?.dyn_into().ok()
}
