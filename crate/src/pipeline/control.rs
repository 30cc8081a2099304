//! What happens while the pipeline works: events out, a wish to stop in.
//!
//! The crate knows no page and no terminal: whoever calls it hears of its progress through a
//! closure, and stops it by setting a flag that is read after each step.

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
    /// A sentence for the user, such as what was cut from a prompt.
    Notice { text: String },
    /// `step` of `steps` is done; 0 before the first.
    Step { step: usize, steps: usize },
    /// The latents after a step, of pictures that go together the first one's, for who wants to
    /// show a picture that is not finished; never told where a safety checker will look at it.
    Latents {
        /// `[channels, height, width]`
        shape: [usize; 3],
        /// Row by row, channel by channel.
        values: Vec<f32>,
    },
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
}

impl Default for Control {
    /// Hears nothing, never stops.
    fn default() -> Self {
        Control { on_progress: Box::new(|_| {}), cancel: Rc::default() }
    }
}
