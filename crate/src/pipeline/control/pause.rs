//! Pause: between two steps a run waits until it is resumed. Latents and model stay in memory.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::{Poll, Waker};

/// A flag that the caller sets while a run works, from the event loop of the same thread.
#[derive(Default)]
pub struct Pause {
    on: Cell<bool>,
    waiting: RefCell<Option<Waker>>,
}

impl Pause {
    /// Pauses the run after its current step.
    pub fn pause(&self) {
        self.on.set(true);
    }

    /// Resumes the run.
    pub fn resume(&self) {
        self.on.set(false);
        self.wake();
    }

    /// Wakes a paused run, so that it checks whether it was cancelled.
    pub fn wake(&self) {
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }

    /// Whether the run is or will be paused.
    pub fn is_on(&self) -> bool {
        self.on.get()
    }

    /// Waits until [`Pause::resume`], or until `ended` returns true after a [`Pause::wake`].
    pub(in crate::pipeline) async fn wait(&self, ended: impl Fn() -> bool) {
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
