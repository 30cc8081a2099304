//! A small interface to IndexedDB. A write succeeds only when its transaction is complete and on
//! the disk (`durability: strict`), because a chunk that is counted as stored must still be there
//! after a power cut.

use crate::error::{Error, Result};
use js_sys::{Array, Function, Object, Promise, Reflect};
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{DomException, IdbDatabase, IdbFactory, IdbKeyRange, IdbObjectStore};
use web_sys::{IdbOpenDbRequest, IdbRequest, IdbTransaction};

const NAME: &str = "darkroom-weights";
/// A database with a higher version is from a newer Darkroom, and is not changed.
const VERSION: u32 = 1;

/// The models' records, by id.
pub(super) const MODELS: &str = "models";
/// The chunks' bytes, by `[id, path, number of the chunk]`.
pub(super) const CHUNKS: &str = "chunks";
/// The chunks' lengths and checksums, by the same keys.
pub(super) const INDEX: &str = "index";
/// Pins: hashes from first downloads, by repository, revision and path. They stay when the model is
/// deleted.
pub(super) const PINS: &str = "pins";

/// One change of a transaction.
pub(super) enum Change {
    Put(&'static str, JsValue, JsValue),
    Delete(&'static str, JsValue),
}

/// The error's reason for a database that was closed.
const CLOSED: &str =
    "another tab has opened a newer version of this app, or deleted what is stored";

/// The open database, and whether it was closed for another tab since then.
pub(super) struct Database(IdbDatabase, Rc<Cell<bool>>);

impl Drop for Database {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Database {
    /// Opens the database, or makes it.
    ///
    /// # Errors
    /// [`Error::NewerStorage`]; [`Error::Storage`] where the browser has none, as in some private
    /// windows.
    pub(super) async fn open() -> Result<Database> {
        let factory = Reflect::get(&js_sys::global(), &"indexedDB".into()).unwrap_or_default();
        let factory: IdbFactory = factory.dyn_into().map_err(|_| Error::Storage {
            reason: "this browser or window has no database for pages".into(),
        })?;
        let request = factory.open_with_u32(NAME, VERSION).map_err(|e| fault(&e))?;
        request.set_onupgradeneeded(Some(&upgrade(&request)));
        let blocked = Promise::new(&mut |_, reject| request.set_onblocked(Some(&reject)));
        let opened = Promise::new(&mut |resolve, reject| {
            request.set_onsuccess(Some(&resolve));
            request.set_onerror(Some(&reject));
        });
        let settled = JsFuture::from(Promise::race(&Array::of2(&opened, &blocked))).await;
        if settled.is_err() {
            return Err(match request.error() {
                Ok(Some(error)) => fault(&error),
                _ => {
                    let reason = "another tab holds an older version of it open: close that tab";
                    Error::Storage { reason: reason.into() }
                }
            });
        }
        let result = request.result().map_err(|e| fault(&e))?;
        let database: IdbDatabase = result.unchecked_into();
        // Another tab wants to upgrade or delete the database: close it, so that it can.
        let (own, closed) = (database.clone(), Rc::new(Cell::new(false)));
        let flag = closed.clone();
        let close = Closure::once_into_js(move || {
            flag.set(true);
            own.close();
        });
        database.set_onversionchange(Some(close.unchecked_ref()));
        Ok(Database(database, closed))
    }

    /// The value at `key`.
    ///
    /// # Errors
    /// [`Error::Storage`] where the browser's database does not work.
    pub(super) async fn get(&self, store: &str, key: &JsValue) -> Result<Option<JsValue>> {
        let store = self.transaction(&[store], "readonly")?.object_store(store);
        let request = store.and_then(|store| store.get(key)).map_err(|e| fault(&e))?;
        let value = settle(&request).await?;
        Ok((!value.is_undefined()).then_some(value))
    }

    /// All values, or those whose key begins with `prefix`.
    ///
    /// # Errors
    /// [`Error::Storage`] where the browser's database does not work.
    pub(super) async fn all(&self, store: &str, prefix: Option<&[&str]>) -> Result<Vec<JsValue>> {
        self.list(store, prefix, IdbObjectStore::get_all_with_key).await
    }

    /// The keys of [`Database::all`], in the same order.
    ///
    /// # Errors
    /// [`Error::Storage`] where the browser's database does not work.
    pub(super) async fn keys(&self, store: &str, prefix: Option<&[&str]>) -> Result<Vec<JsValue>> {
        self.list(store, prefix, IdbObjectStore::get_all_keys_with_key).await
    }

    /// Makes all changes, or none.
    ///
    /// # Errors
    /// [`Error::StorageFull`], and nothing was changed; [`Error::Storage`].
    pub(super) async fn write(&self, changes: &[Change]) -> Result<()> {
        let mut names: Vec<&str> = changes
            .iter()
            .map(|change| match change {
                Change::Put(store, ..) | Change::Delete(store, _) => *store,
            })
            .collect();
        names.dedup();
        let transaction = self.transaction(&names, "readwrite")?;
        for change in changes {
            let done = match change {
                Change::Put(store, key, value) => {
                    transaction.object_store(store).and_then(|store| store.put_with_key(value, key))
                }
                Change::Delete(store, key) => {
                    transaction.object_store(store).and_then(|store| store.delete(key))
                }
            };
            if let Err(error) = done {
                // Earlier requests of this transaction must not take effect either.
                transaction.abort().ok();
                return Err(fault(&error));
            }
        }
        let ended = Promise::new(&mut |resolve, reject| {
            transaction.set_oncomplete(Some(&resolve));
            transaction.set_onabort(Some(&reject));
        });
        match JsFuture::from(ended).await {
            Ok(_) => Ok(()),
            Err(_) => Err(match transaction.error() {
                Some(error) => fault(&error),
                None => Error::Storage { reason: "it was closed".into() },
            }),
        }
    }

    async fn list(
        &self,
        store: &str,
        prefix: Option<&[&str]>,
        ask: impl Fn(&IdbObjectStore, &JsValue) -> Result<IdbRequest, JsValue>,
    ) -> Result<Vec<JsValue>> {
        let range = prefix.map_or(Ok(JsValue::UNDEFINED), under)?;
        let store = self.transaction(&[store], "readonly")?.object_store(store);
        let request = store.and_then(|store| ask(&store, &range)).map_err(|e| fault(&e))?;
        let list: Array = settle(&request).await?.unchecked_into();
        Ok(list.iter().collect())
    }

    /// web-sys has no stable binding of the third argument.
    fn transaction(&self, stores: &[&str], mode: &str) -> Result<IdbTransaction> {
        if self.1.get() {
            return Err(Error::Storage { reason: CLOSED.into() });
        }
        let names: Array = stores.iter().map(|name| JsValue::from_str(name)).collect();
        let options = Object::new();
        Reflect::set(&options, &"durability".into(), &"strict".into()).map_err(|e| fault(&e))?;
        let function: Function =
            Reflect::get(&self.0, &"transaction".into()).map_err(|e| fault(&e))?.unchecked_into();
        let transaction = function.call3(&self.0, &names, &mode.into(), &options);
        Ok(transaction.map_err(|e| fault(&e))?.unchecked_into())
    }
}

/// The key of a chunk.
pub(super) fn key(id: &str, path: &str, index: u64) -> JsValue {
    Array::of3(&id.into(), &path.into(), &(index as f64).into()).into()
}

/// The range of all keys that begin with these parts; it ends with an array, which sorts after
/// every text and number.
///
/// # Errors
/// [`Error::Storage`] where the browser's database does not work.
pub(super) fn under(prefix: &[&str]) -> Result<JsValue> {
    let first: Array = prefix.iter().map(|part| JsValue::from_str(part)).collect();
    let last = first.slice(0, first.length());
    last.push(&Array::new());
    Ok(IdbKeyRange::bound(&first, &last).map_err(|e| fault(&e))?.into())
}

/// Makes the object stores that are missing. It runs inside the upgrade transaction, the only one
/// that may.
fn upgrade(request: &IdbOpenDbRequest) -> Function {
    let request = request.clone();
    Closure::once_into_js(move || {
        let database: Option<IdbDatabase> = request.result().ok().map(JsCast::unchecked_into);
        for name in [MODELS, CHUNKS, INDEX, PINS] {
            let made = database.as_ref().map(|database| database.create_object_store(name));
            if !matches!(made, Some(Ok(_))) {
                wasm_bindgen::throw_str("the database cannot be made");
            }
        }
    })
    .unchecked_into()
}

async fn settle(request: &IdbRequest) -> Result<JsValue> {
    let settled = Promise::new(&mut |resolve, reject| {
        request.set_onsuccess(Some(&resolve));
        request.set_onerror(Some(&reject));
    });
    match JsFuture::from(settled).await {
        Ok(_) => request.result().map_err(|e| fault(&e)),
        Err(_) => Err(match request.error() {
            Ok(Some(error)) => fault(&error),
            _ => Error::Storage { reason: "it does not say why".into() },
        }),
    }
}

/// The browser's error as ours.
pub(super) fn fault(error: &JsValue) -> Error {
    let Some(exception) = error.dyn_ref::<DomException>() else {
        return Error::Storage { reason: super::fetch_error::text(error) };
    };
    let reason = format!("{}: {}", exception.name(), exception.message());
    match exception.name().as_str() {
        "QuotaExceededError" => Error::StorageFull,
        "VersionError" => Error::NewerStorage,
        "InvalidStateError" => Error::Storage { reason: CLOSED.into() },
        _ => Error::Storage { reason },
    }
}
