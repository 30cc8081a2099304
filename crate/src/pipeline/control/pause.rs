//! A wish to rest: between two steps the run waits until it is taken back. What the run holds (the
//! latents, the model) stays where it is.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::{Poll, Waker};

/// Set from outside while a run goes on, as from an event loop of its own thread.
#[derive(Default)]
pub struct Pause {
    on: Cell<bool>,
    waiting: RefCell<Option<Waker>>,
}

impl Pause {
    /// The run rests after the step that it is at.
    pub fn pause(&self) {
        self.on.set(true);
    }

    /// The run goes on.
    pub fn resume(&self) {
        self.on.set(false);
        self.look();
    }

    /// Lets a run that rests look around: something else may have ended its rest.
    pub fn look(&self) {
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }

    /// Whether the run is to rest.
    pub fn is_on(&self) -> bool {
        self.on.get()
    }

    /// Waits until the wish is taken back, or `ended` by something else.
    pub(in crate::pipeline) async fn rest(&self, ended: impl Fn() -> bool) {
        poll_fn(|context| {
            if !self.is_on() || ended() {
                return Poll::Ready(());
            }
            *self.waiting.borrow_mut() = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}
