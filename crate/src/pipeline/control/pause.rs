//! Pause: between two steps a run waits until it is resumed. What it holds (the latents, the model)
//! stays where it is.

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
    /// The run pauses after its present step.
    pub fn pause(&self) {
        self.on.set(true);
    }

    /// The run goes on.
    pub fn resume(&self) {
        self.on.set(false);
        self.look();
    }

    /// Lets a paused run check again whether it may go on: a cancel ends a pause too.
    pub fn look(&self) {
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }

    /// Whether the run is to pause.
    pub fn is_on(&self) -> bool {
        self.on.get()
    }

    /// Waits until [`Pause::resume`], or until `ended` says so.
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
