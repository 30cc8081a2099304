//! Progress events of a run. In JSON an event's name is the field `event`.

use super::check::Check;
use serde::Serialize;

/// One event. In JSON its name is the field `event`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Progress {
    /// Weights are being loaded.
    Loading {
        /// `text_encoder`, `unet`, `vae`, `taesd` or `safety_checker`.
        part: String,
        /// Bytes of all parts read so far; TAESD and safety checker are counted separately.
        bytes_done: u64,
        /// Bytes of all parts.
        bytes_total: u64,
    },
    /// The tuner compiles and times kernels: `done` of `total` measurements.
    Tuning {
        /// Measurements done.
        done: usize,
        /// All of them.
        total: usize,
    },
    /// A software adapter compiles the kernels: `done` of `total`.
    Compiling {
        /// Kernels done.
        done: usize,
        /// All of them.
        total: usize,
    },
    /// A notice for the user, such as what was cut from a prompt.
    Notice {
        /// A sentence.
        text: String,
    },
    /// The adapter could not hold a run that takes so much memory at its peak: it is planned again
    /// with less. To be remembered for the adapter
    /// ([`DeviceMemory::refused`](crate::pipeline::DeviceMemory::refused)).
    MemoryRefused {
        /// The peak.
        bytes: u64,
    },
    /// A pass of a request that has several begins: `pass` of `passes`, from 1.
    Pass {
        /// Which.
        pass: usize,
        /// All of them.
        passes: usize,
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
    },
    /// `step` of `steps` is done, over all passes; 0 before the first.
    Step {
        /// Steps done.
        step: usize,
        /// All of them.
        steps: usize,
    },
    /// The predicted x₀ after a step; where several pictures are made at once, the first one's; see
    /// [`Previews`](super::Previews). Never sent if the safety checker will check the picture.
    Latents {
        /// `[channels, height, width]`
        shape: [usize; 3],
        /// Row by row, channel by channel.
        values: Vec<f32>,
    },
    /// The same as a picture.
    Preview {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
        /// Four bytes a pixel, row by row.
        rgba: Vec<u8>,
    },
    /// The run is paused between two steps; see [`Pause`](super::Pause).
    Paused,
    /// The run goes on.
    Resumed,
    /// All steps are done, and the latents are decoded.
    Decoding,
    /// A picture is enlarged in tiles: `done` of `total`.
    Enlarging {
        /// Tiles done.
        done: usize,
        /// All of them.
        total: usize,
    },
    /// A verification has finished one of its comparisons.
    Check(Check),
}
