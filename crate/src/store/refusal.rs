//! Why a request failed, as far as a browser tells: what the page's policy blocked, whether there
//! is a server at all, and the words of one that refuses.

use super::trouble::Trouble;
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
/// The event comes just after the request has failed.
const EVENT_MS: u32 = 50;
/// A refusal's body is read for so long, and so far.
const BODY_MS: u32 = 2000;
const BODY_BYTES_MAX: usize = 2048;

/// What the policy of the page blocks meanwhile: the addresses that were asked. Where a redirect is
/// blocked, its target stays hidden, as the standard wants.
pub(super) struct Violations {
    seen: Rc<RefCell<Vec<String>>>,
    listener: Closure<dyn Fn(JsValue)>,
}

impl Violations {
    /// Listens until it is dropped.
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

    /// Whether this address was blocked, or what it leads to.
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

/// A browser hides why there was no answer; this much it can be asked.
pub(super) async fn why_unreachable(url: &str) -> Trouble {
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into()).unwrap_or_default();
    let online = Reflect::get(&navigator, &"onLine".into()).unwrap_or_default();
    if online.is_falsy() {
        return Trouble::Offline;
    }
    let probe = |mode| {
        Request::get(url)
            .mode(mode)
            .cache(RequestCache::NoStore)
            .credentials(RequestCredentials::Omit)
            .referrer_policy(ReferrerPolicy::NoReferrer)
            .method(Method::HEAD)
    };
    // An answer that may not be read shows that there is a server.
    match probe(RequestMode::NoCors).send().await {
        Ok(response) if response.status() == 0 => match probe(RequestMode::Cors).send().await {
            Ok(_) => Trouble::Unreachable,
            Err(_) => Trouble::Cors,
        },
        _ => Trouble::Unreachable,
    }
}

/// The line of a refusal's body that names the reason, where it comes soon.
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
