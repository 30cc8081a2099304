//! Communication between a run and its caller: progress events to the caller, cancel and pause to
//! the run.
//!
//! The crate does not depend on a page or a terminal. The caller passes a closure that gets every
//! event, and cancels, ends or pauses the run by setting a flag that is read after each step.

mod check;
mod early_end;
mod pause;
mod previews;
mod progress;

pub use check::{Check, CheckResult};
pub use early_end::EarlyEnd;
pub use pause::Pause;
pub use previews::Previews;
pub use progress::Progress;

use crate::error::{Error, Result};
use std::cell::Cell;
use std::rc::Rc;

/// Progress callback, with flags that cancel, end and pause the run.
pub struct Control {
    /// Gets every event, in order.
    pub on_progress: Box<dyn Fn(&Progress)>,
    /// Set it to stop: the run ends with [`Error::Cancelled`] within one step. Set it back before
    /// the next run.
    pub cancel: Rc<Cell<bool>>,
    /// Set it to end the pictures in work as they are. Set it back before the next run.
    pub early_end: Rc<Cell<EarlyEnd>>,
    /// Pauses the run between steps. A cancel ends a pause too; call [`Pause::wake`] after it.
    pub pause: Rc<Pause>,
    /// Which previews are sent.
    pub previews: Previews,
}

impl Control {
    /// Calls `on_progress`.
    pub fn report(&self, progress: Progress) {
        (self.on_progress)(&progress);
    }

    /// # Errors
    /// [`Error::Cancelled`] when the caller has cancelled.
    pub fn check(&self) -> Result<()> {
        if self.cancel.get() { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// Waits while the run is paused.
    ///
    /// # Errors
    /// [`Error::Cancelled`] when the caller has cancelled.
    pub async fn wait_while_paused(&self) -> Result<()> {
        if self.pause.is_on() && !self.cancel.get() {
            self.report(Progress::Paused);
            self.pause.wait(|| self.cancel.get()).await;
            self.check()?;
            self.report(Progress::Resumed);
        }
        self.check()
    }
}

impl Default for Control {
    /// No callback, never cancelled or ended.
    fn default() -> Self {
        Control {
            on_progress: Box::new(|_| {}),
            cancel: Rc::default(),
            early_end: Rc::default(),
            pause: Rc::default(),
            previews: Previews::default(),
        }
    }
}
