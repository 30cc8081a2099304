//! Floor 1: buffers and dispatches. Nothing here has heard of a tensor.

use crate::error::Result;
use std::rc::Rc;

/// What to ask of the machine.
#[derive(Debug, Clone, Default)]
pub struct GpuOptions {
    /// Part of an adapter's name, to choose among several (native only).
    pub adapter: Option<String>,
    /// Ask for WebGPU's default limits and features only, as the leanest adapter has them.
    pub default_limits: bool,
}

/// The one handle to a graphics device, passed explicitly; a clone is the same device.
#[derive(Clone)]
pub struct Gpu(Rc<()>);

impl Gpu {
    /// Opens an adapter and a device.
    pub async fn open(_options: &GpuOptions) -> Result<Gpu> {
        todo!()
    }

    /// A device that only adds up: bytes, FLOPs, dispatches, limits (WebGPU's defaults). All of the
    /// crate runs on it, but reading a tensor back gives zeros.
    pub fn dry(_shader_f16: bool) -> Gpu {
        todo!()
    }

    /// Whether this is a [`Gpu::dry`] device.
    pub fn is_dry(&self) -> bool {
        todo!()
    }

    /// Whether activations can be f16 (the adapter's `shader-f16`).
    pub fn has_f16(&self) -> bool {
        todo!()
    }

    /// Submits what has been recorded, without waiting.
    pub fn submit(&self) {
        todo!()
    }

    /// Submits what has been recorded and waits until it has run; a fault of the device since the
    /// last call (validation, memory, loss) is this call's error.
    pub async fn finish(&self) -> Result<()> {
        todo!()
    }

    /// Gives back to the system the buffers that no tensor holds.
    pub fn trim(&self) {
        todo!()
    }

    /// Counts since the device was opened or [`Gpu::reset_stats`] was called.
    pub fn stats(&self) -> Stats {
        todo!()
    }

    /// Sets the counts to zero; the peak starts at what is alive now.
    pub fn reset_stats(&self) {
        todo!()
    }
}

/// What a device was asked to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Dispatches recorded.
    pub dispatches: u64,
    /// Submits made.
    pub submits: u64,
    /// Floating-point operations of the definition (a multiply and an add are two).
    pub flops: u64,
    /// Bytes of all buffers alive now, pooled ones included.
    pub bytes_alive: u64,
    /// The largest value of `bytes_alive`.
    pub bytes_peak: u64,
}
