//! Where a model runs: on the graphics adapter or on the CPU, as asked or as the machine allows.
//!
//! ```text
//!            adapter: hardware     software, or no WebGPU
//! auto                WebGPU       the CPU where the model fits in memory, or else an error
//! webgpu              WebGPU       WebGPU, however slow; an error without it
//! cpu                 the CPU      the CPU; an error where the model does not fit
//! ```

use super::engine::Turn;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Which device computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// A graphics adapter, through WebGPU or, natively, through the API beneath it.
    WebGpu,
    /// The CPU, by the implementation of [`crate::reference`].
    Cpu,
}

/// Which device the user asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The best one of this machine.
    #[default]
    Auto,
    /// WebGPU, whatever adapter is behind it.
    WebGpu,
    /// The CPU.
    Cpu,
}

/// What the host knows of its graphics adapter, which WebGPU itself does not tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AdapterKind {
    /// A graphics card; also one of which nothing is known.
    #[default]
    Hardware,
    /// WebGPU computed on the CPU, several times slower than our own way there.
    Software,
    /// No WebGPU, or no adapter.
    None,
}

/// The platform: which adapter it has, and what it wants done.
#[derive(Default)]
pub struct Host {
    /// The kind of its graphics adapter.
    pub adapter: AdapterKind,
    /// Yields to the event loop, so that a cancel is noticed while the CPU works.
    pub turn: Option<Turn>,
    /// The kernels that adapters of this host were found to run best, by
    /// [`tuner::key`](crate::measure::tuner::key); an adapter that is not among them is measured.
    /// Where pictures are to be reproducible
    /// ([`Options::reproducible`](super::Options::reproducible)), they are not asked.
    pub tunings: Option<HashMap<String, String>>,
}
