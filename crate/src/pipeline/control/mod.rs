//! What goes between a caller and a run while it works: progress events out, cancel and pause in.
//!
//! The crate knows no page and no terminal. The caller gives a closure that gets every event, and
//! stops or pauses the run by setting a flag that is read after each step.

mod check;
mod pause;
mod previews;
mod progress;

pub use check::{Check, CheckResult};
pub use pause::Pause;
pub use previews::Previews;
pub use progress::Progress;

use crate::error::{Error, Result};
use std::cell::Cell;
use std::rc::Rc;

/// Progress callback, with flags that cancel and pause the run.
pub struct Control {
    /// Gets every event, in order.
    pub on_progress: Box<dyn Fn(&Progress)>,
    /// Set it to stop: the run ends with [`Error::Cancelled`] within one step. Set it back before
    /// the next run.
    pub cancel: Rc<Cell<bool>>,
    /// Pauses the run between steps. A cancel ends a pause too; tell it with [`Pause::look`].
    pub pause: Rc<Pause>,
    /// Which previews are sent.
    pub previews: Previews,
}

impl Control {
    /// Calls `on_progress`.
    pub fn tell(&self, progress: Progress) {
        (self.on_progress)(&progress);
    }

    /// # Errors
    /// [`Error::Cancelled`] when the caller has cancelled.
    pub fn check(&self) -> Result<()> {
        if self.cancel.get() { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// Waits while the caller has paused the run.
    ///
    /// # Errors
    /// [`Error::Cancelled`] when the caller has cancelled.
    pub async fn rest(&self) -> Result<()> {
        if self.pause.is_on() && !self.cancel.get() {
            self.tell(Progress::Paused);
            self.pause.rest(|| self.cancel.get()).await;
            self.check()?;
            self.tell(Progress::Resumed);
        }
        self.check()
    }
}

impl Default for Control {
    /// No callback, never cancelled.
    fn default() -> Self {
        let (cancel, pause, previews) = (Rc::default(), Rc::default(), Previews::default());
        Control { on_progress: Box::new(|_| {}), cancel, pause, previews }
    }
}
