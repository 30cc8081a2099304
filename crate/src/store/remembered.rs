//! Records which models are stored, in the browser's cache and not in the database: a browser
//! deletes a damaged database without notice, and then the library would just be empty.

use gloo::net::http::Response;
use js_sys::{Array, Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// The cache's name; the service worker does not delete it.
const CACHE: &str = "darkroom-shelf";
/// The prefix of the entries' URLs, which are never requested.
const ADDRESS: &str = "/.darkroom-shelf/";

/// Records a model's id and title. Without a cache nothing is recorded.
pub(super) async fn remember(id: &str, title: &str) {
    let note = Response::builder().body(Some(title)).ok();
    let Some((cache, note)) = cache().await.zip(note) else { return };
    let raw: web_sys::Response = note.into();
    call(&cache, "put", &[address(id).into(), raw.into()]).await;
}

/// Removes the record of a deleted model.
pub(super) async fn forget(id: &str) {
    if let Some(cache) = cache().await {
        call(&cache, "delete", &[address(id).into()]).await;
    }
}

/// Ids and titles of all recorded models.
pub(super) async fn remembered() -> Vec<(String, String)> {
    let Some(cache) = cache().await else { return Vec::new() };
    let Some(keys) = call(&cache, "keys", &[]).await else { return Vec::new() };
    let mut models = Vec::new();
    for key in keys.unchecked_into::<Array>().iter() {
        let url = Reflect::get(&key, &"url".into()).unwrap_or_default();
        let url = url.as_string().unwrap_or_default();
        let Some((_, id)) = url.rsplit_once(ADDRESS) else { continue };
        let Some(found) = call(&cache, "match", &[key]).await else { continue };
        let title = call(&found, "text", &[]).await.and_then(|text| text.as_string());
        models.push((id.to_owned(), title.unwrap_or_else(|| id.to_owned())));
    }
    models
}

/// An absolute URL, because a worker's own URL may not be usable as a base.
fn address(id: &str) -> String {
    let origin = Reflect::get(&js_sys::global(), &"origin".into()).unwrap_or_default();
    format!("{}{ADDRESS}{id}", origin.as_string().unwrap_or_default())
}

async fn cache() -> Option<JsValue> {
    let caches = Reflect::get(&js_sys::global(), &"caches".into()).ok()?;
    call(&caches, "open", &[CACHE.into()]).await.filter(JsValue::is_object)
}

/// Calls a method and waits for its promise; `None` if it fails or does not exist.
async fn call(object: &JsValue, method: &str, arguments: &[JsValue]) -> Option<JsValue> {
    let function: Function = Reflect::get(object, &method.into()).ok()?.dyn_into().ok()?;
    let arguments: Array = arguments.iter().collect();
    let promise: Promise = function.apply(object, &arguments).ok()?.dyn_into().ok()?;
    JsFuture::from(promise).await.ok()
}
