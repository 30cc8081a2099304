//! What goes between a caller and a run while it works: progress events out, cancel and pause in.
//!
//! The crate knows no page and no terminal. The caller gives a closure that gets every event, and
//! stops or pauses the run by setting a flag that is read after each step.

mod check;
mod pause;
mod previews;
mod progress;

pub use check::{Check, Verdict};
pub use pause::Pause;
pub use previews::Previews;
pub use progress::Progress;

use crate::error::{Error, Result};
use std::cell::Cell;
use std::rc::Rc;

/// Progress callback, with flags that cancel and pause the run.
pub struct Control {
    /// Hears every event, in order.
    pub on_progress: Box<dyn Fn(&Progress)>,
    /// Set it to stop: the run ends with [`Error::Cancelled`] within one step. Set it back before
    /// the next run.
    pub cancel: Rc<Cell<bool>>,
    /// Lets the run rest between steps. A cancel ends the rest too; say so with [`Pause::look`].
    pub pause: Rc<Pause>,
    /// What is told of pictures on their way.
    pub previews: Previews,
}

impl Control {
    /// Tells `on_progress`.
    pub fn tell(&self, progress: Progress) {
        (self.on_progress)(&progress);
    }

    /// An error when the caller wants to stop.
    pub fn check(&self) -> Result<()> {
        if self.cancel.get() { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// Rests as long as the caller wants; an error when the caller wants to stop.
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
    /// Hears nothing, never stops.
    fn default() -> Self {
        let (cancel, pause, previews) = (Rc::default(), Rc::default(), Previews::default());
        Control { on_progress: Box::new(|_| {}), cancel, pause, previews }
    }
}
