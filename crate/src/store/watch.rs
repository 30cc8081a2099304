//! Events of a long call, and its cancellation.

use crate::error::{Error, Result};
use futures_channel::oneshot;
use gloo::timers::callback::Timeout;
use serde::Serialize;
use std::cell::{Cell, RefCell};
use web_sys::AbortController;

/// The longest time until a cancel is noticed.
const SLICE_MS: u32 = 100;

/// An event of a long call.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Bytes arrive from the network or from local files.
    Fetching {
        /// The file.
        path: String,
        /// Bytes of the model that are stored.
        bytes_done: u64,
        /// Bytes of the model.
        bytes_total: u64,
        /// The speed of the last seconds.
        bytes_per_second: f64,
        /// `None` until the speed is known.
        seconds_left: Option<f64>,
    },
    /// A temporary error, and the wait before the next attempt.
    Waiting {
        /// The error, as a sentence for the user.
        sentence: String,
        /// Seconds until the next attempt.
        seconds: f64,
    },
    /// Stored bytes are read and compared with their hashes.
    Verifying {
        /// The file.
        path: String,
        /// Bytes read so far.
        bytes_done: u64,
        /// Bytes to read.
        bytes_total: u64,
    },
    /// A damaged or missing chunk was fetched again.
    Healed {
        /// The file.
        path: String,
        /// Its number in the file, from 0.
        chunk: u64,
    },
    /// Any other notice for the user.
    Notice {
        /// A sentence.
        text: String,
    },
}

/// The listener of a call, which may also stop it.
pub struct Watch {
    on_event: Box<dyn Fn(&Event)>,
    stopped: Cell<bool>,
    /// Requests that are running.
    requests: RefCell<Vec<AbortController>>,
}

impl Watch {
    /// For a new call.
    pub fn new(on_event: Box<dyn Fn(&Event)>) -> Watch {
        Watch { on_event, stopped: Cell::new(false), requests: RefCell::default() }
    }

    /// Sends an event to the listener.
    pub fn tell(&self, event: &Event) {
        (self.on_event)(event);
    }

    /// Stops the call: running requests are aborted at once, everything else ends soon.
    pub fn stop(&self) {
        self.stopped.set(true);
        self.requests.take().iter().for_each(AbortController::abort);
    }

    /// Fails if the call was stopped.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn check(&self) -> Result<()> {
        if self.stopped.get() { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// Registers a request, which is aborted when the call is stopped.
    pub(super) fn begin(&self, request: &AbortController) {
        self.requests.borrow_mut().push(request.clone());
        if self.stopped.get() {
            request.abort();
        }
    }

    /// Removes a request that has ended.
    pub(super) fn end(&self, request: &AbortController) {
        self.requests.borrow_mut().retain(|other| other != request);
    }

    /// Waits, or fails if the call is stopped meanwhile.
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
