//! What a long call tells meanwhile, and how it is stopped.

use crate::error::{Error, Result};
use futures_channel::oneshot;
use gloo::timers::callback::Timeout;
use serde::Serialize;
use std::cell::{Cell, RefCell};
use web_sys::AbortController;

/// A cancel is noticed after this at most.
const SLICE_MS: u32 = 100;

/// What goes on.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Bytes arrive, or come from local files.
    Fetching {
        /// The file.
        path: String,
        /// Bytes of the model that are stored.
        bytes_done: u64,
        /// Bytes of the model.
        bytes_total: u64,
        /// Over the last seconds.
        bytes_per_second: f64,
        /// None before there is a speed.
        seconds_left: Option<f64>,
    },
    /// A fault that may pass: what it is, and when it is tried again.
    Waiting {
        /// For the user.
        sentence: String,
        /// Until it is tried again.
        seconds: f64,
    },
    /// Stored bytes are read and compared with their hashes.
    Verifying {
        /// The file.
        path: String,
        /// Bytes that were read.
        bytes_done: u64,
        /// Bytes to read.
        bytes_total: u64,
    },
    /// A chunk was damaged or missing, and is whole again.
    Healed {
        /// The file.
        path: String,
        /// Its number in the file, from 0.
        chunk: u64,
    },
    /// Anything else that the user should know.
    Notice {
        /// A sentence.
        text: String,
    },
}

/// Who listens to a call, and may end it.
pub struct Watch {
    on_event: Box<dyn Fn(&Event)>,
    stopped: Cell<bool>,
    /// Requests under way.
    requests: RefCell<Vec<AbortController>>,
}

impl Watch {
    /// A new call's.
    pub fn new(on_event: Box<dyn Fn(&Event)>) -> Watch {
        Watch { on_event, stopped: Cell::new(false), requests: RefCell::default() }
    }

    /// Tells the listener.
    pub fn tell(&self, event: &Event) {
        (self.on_event)(event);
    }

    /// Ends the call: requests at once, everything else soon.
    pub fn stop(&self) {
        self.stopped.set(true);
        self.requests.take().iter().for_each(AbortController::abort);
    }

    /// An error when the call shall end.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn check(&self) -> Result<()> {
        if self.stopped.get() { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// A request begins: it ends when the call is stopped.
    pub(super) fn begin(&self, request: &AbortController) {
        self.requests.borrow_mut().push(request.clone());
        if self.stopped.get() {
            request.abort();
        }
    }

    /// A request has ended.
    pub(super) fn end(&self, request: &AbortController) {
        self.requests.borrow_mut().retain(|other| other != request);
    }

    /// Waits, unless cancelled.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub(super) async fn sleep(&self, ms: f64) -> Result<()> {
        let end = js_sys::Date::now() + ms;
        loop {
            self.check()?;
            let left = end - js_sys::Date::now();
            if left <= 0.0 {
                return Ok(());
            }
            let (sender, over) = oneshot::channel();
            let clock = Timeout::new((left.ceil() as u32).min(SLICE_MS), move || {
                sender.send(()).ok();
            });
            over.await.ok();
            drop(clock);
        }
    }
}
