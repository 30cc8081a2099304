//! What happens while the pipeline works: events out, a wish to stop in.
//!
//! The crate knows no page and no terminal: whoever calls it hears of its progress through a
//! closure, and stops it, or lets it rest, by setting a flag that is read after each step.

use super::pause::Pause;
use super::preview::Previews;
use super::verify::Check;
use crate::error::{Error, Result};
use serde::Serialize;
use std::cell::Cell;
use std::rc::Rc;

/// One event. In JSON its name is the field `event`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Progress {
    /// Weights are on their way to the GPU.
    Loading {
        /// `text_encoder`, `unet`, `vae` or `safety_checker`.
        part: String,
        /// Bytes of all parts read so far; the safety checker counts for itself.
        bytes_done: u64,
        /// Bytes of all parts.
        bytes_total: u64,
    },
    /// The kernels that can be chosen from are compiled and timed: `done` of `total` measurements.
    Tuning { done: usize, total: usize },
    /// A software adapter compiles the kernels: `done` of `total`.
    Compiling { done: usize, total: usize },
    /// A sentence for the user, such as what was cut from a prompt.
    Notice { text: String },
    /// `step` of `steps` is done; 0 before the first.
    Step { step: usize, steps: usize },
    /// The latents after a step without the noise that is left in them, of pictures that go
    /// together the first one's; see [`Control::previews`]. Never told where a safety checker will
    /// look at the picture.
    Latents {
        /// `[channels, height, width]`
        shape: [usize; 3],
        /// Row by row, channel by channel.
        values: Vec<f32>,
    },
    /// The same as a picture.
    Preview {
        width: u32,
        height: u32,
        /// Four bytes a pixel, row by row.
        rgba: Vec<u8>,
    },
    /// The run rests between two steps; see [`Control::pause`].
    Paused,
    /// The run goes on.
    Resumed,
    /// The latents are final and become a picture.
    Decoding,
    /// A verification has made one of its comparisons.
    Check(Check),
}

/// The caller's ears and brake.
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
