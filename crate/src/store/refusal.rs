//! Finds why a request failed, as far as a browser allows: whether the page's
//! Content-Security-Policy blocked it, whether there is a server at all, and what a refusal's body
//! says.

use super::fetch_error::FetchErrorKind;
use crate::weights::answer;
use futures_channel::oneshot;
use gloo::net::http::{Method, Request, Response};
use gloo::timers::callback::Timeout;
use js_sys::{Array, Promise, Reflect, Uint8Array};
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use web_sys::{EventTarget, ReadableStreamDefaultReader, ReferrerPolicy, RequestCache};
use web_sys::{RequestCredentials, RequestMode};

const EVENT: &str = "securitypolicyviolation";
/// How long to wait for the event, which comes shortly after the request has failed.
const EVENT_MS: u32 = 50;
/// The most time and bytes for reading the body of a refusal.
const BODY_MS: u32 = 2000;
const BODY_BYTES_MAX: usize = 2048;

/// Collects the URLs of requests that the page's policy blocks. If a redirect is blocked, this is
/// the original URL: the standard hides the redirect's target.
pub(super) struct Violations {
    seen: Rc<RefCell<Vec<String>>>,
    listener: Closure<dyn Fn(JsValue)>,
}

impl Violations {
    /// Listens for events until it is dropped.
    pub(super) fn listen() -> Violations {
        let seen: Rc<RefCell<Vec<String>>> = Rc::default();
        let into = seen.clone();
        let listener = Closure::new(move |event: JsValue| {
            let address = Reflect::get(&event, &"blockedURI".into()).unwrap_or_default();
            into.borrow_mut().extend(address.as_string());
        });
        if let Ok(scope) = js_sys::global().dyn_into::<EventTarget>() {
            let function = listener.as_ref().unchecked_ref();
            scope.add_event_listener_with_callback(EVENT, function).ok();
        }
        Violations { seen, listener }
    }

    /// Whether a request for this URL, or its redirect, was blocked.
    pub(super) async fn tell_of(&self, url: &str) -> bool {
        pause(EVENT_MS).await;
        self.seen.borrow().iter().any(|seen| seen == url)
    }
}

impl Drop for Violations {
    fn drop(&mut self) {
        if let Ok(scope) = js_sys::global().dyn_into::<EventTarget>() {
            let function = self.listener.as_ref().unchecked_ref();
            scope.remove_event_listener_with_callback(EVENT, function).ok();
        }
    }
}

/// A browser does not say why there was no answer; this finds out what is possible.
pub(super) async fn why_unreachable(url: &str) -> FetchErrorKind {
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into()).unwrap_or_default();
    let online = Reflect::get(&navigator, &"onLine".into()).unwrap_or_default();
    if online.is_falsy() {
        return FetchErrorKind::Offline;
    }
    let probe = |mode| {
        Request::get(url)
            .mode(mode)
            .cache(RequestCache::NoStore)
            .credentials(RequestCredentials::Omit)
            .referrer_policy(ReferrerPolicy::NoReferrer)
            .method(Method::HEAD)
    };
    // An opaque answer shows that there is a server.
    match probe(RequestMode::NoCors).send().await {
        Ok(response) if response.status() == 0 => match probe(RequestMode::Cors).send().await {
            Ok(_) => FetchErrorKind::Unreachable,
            Err(_) => FetchErrorKind::Cors,
        },
        _ => FetchErrorKind::Unreachable,
    }
}

/// The first line of a refusal's body, if it arrives soon.
pub(super) async fn first_line(response: &Response) -> Option<String> {
    let reader: ReadableStreamDefaultReader = response.body()?.get_reader().unchecked_into();
    let late = future_to_promise(async {
        pause(BODY_MS).await;
        Ok(JsValue::UNDEFINED)
    });
    let mut bytes = Vec::new();
    while bytes.len() < BODY_BYTES_MAX {
        let next = Promise::race(&Array::of2(&reader.read(), &late));
        let Ok(read) = JsFuture::from(next).await else { break };
        let value = Reflect::get(&read, &"value".into()).unwrap_or_default();
        let Ok(piece) = value.dyn_into::<Uint8Array>() else { break };
        let room = (BODY_BYTES_MAX - bytes.len()) as u32;
        bytes.extend(piece.subarray(0, piece.length().min(room)).to_vec());
    }
    drop(reader.cancel());
    answer::first_line(&bytes)
}

async fn pause(ms: u32) {
    let (sender, over) = oneshot::channel();
    let clock = Timeout::new(ms, move || {
        sender.send(()).ok();
    });
    over.await.ok();
    drop(clock);
}
