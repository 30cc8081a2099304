//! Where a model runs: on the graphics adapter or on the CPU, as asked or as the machine allows.
//!
//! ```text
//!            adapter: hardware     software, or no WebGPU
//! auto                WebGPU       the CPU where the model fits in memory, or else an error
//! webgpu              WebGPU       WebGPU, however slow; an error without it
//! cpu                 the CPU      the CPU; an error where the model does not fit
//! ```
//!
//! An adapter of unknown kind is measured ([`crate::measure::open`]).

use super::engine::Turn;
use crate::gpu::Gpu;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The device that computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// A graphics adapter, through WebGPU or, natively, Vulkan, Metal or DX12.
    WebGpu,
    /// The CPU, by the implementation of [`crate::reference`].
    Cpu,
}

/// Which device the user asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The fastest one of this machine; see the table above.
    #[default]
    Auto,
    /// WebGPU, whatever adapter is behind it.
    WebGpu,
    /// The CPU.
    Cpu,
}

/// The kind of the graphics adapter, as the host finds it by the adapter's names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AdapterKind {
    /// The host does not know it.
    #[default]
    Unknown,
    /// A graphics card.
    Hardware,
    /// WebGPU computed on the CPU, several times slower than [`Device::Cpu`].
    Software,
    /// No WebGPU, or no adapter.
    None,
}

impl AdapterKind {
    /// What an opened adapter is taken for.
    pub(super) fn of(gpu: &Gpu) -> AdapterKind {
        if gpu.info().software { AdapterKind::Software } else { AdapterKind::Hardware }
    }

    /// For [`GpuOptions::software`](crate::gpu::GpuOptions::software).
    pub(crate) fn is_software(self) -> Option<bool> {
        match self {
            AdapterKind::Hardware => Some(false),
            AdapterKind::Software => Some(true),
            AdapterKind::Unknown | AdapterKind::None => None,
        }
    }
}

/// What the platform provides.
#[derive(Default)]
pub struct Host {
    /// The kind of its graphics adapter.
    pub adapter: AdapterKind,
    /// Yields to the event loop, so that a cancel is noticed while the CPU works.
    pub turn: Option<Turn>,
    /// Stored tunings by [`tuner::key`](crate::measure::tuner::key); an adapter without one is
    /// measured. They are not used if pictures must be reproducible
    /// ([`Options::reproducible`](super::Options::reproducible)).
    pub tunings: Option<HashMap<String, String>>,
}
