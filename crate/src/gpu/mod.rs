//! Floor 1: buffers and dispatches. Nothing here has heard of a tensor.
//!
//! [`Gpu`] is the one handle to a device. Ops append to its recording; [`Gpu::submit`] runs it. A
//! *dry* device has no engine: it checks the same limits and adds up the same numbers, so the real
//! Stable Diffusion v1.4 at 512×512 can be checked, and its cost known, on a machine without a GPU.

mod account;
mod adapter;
mod buffer;
mod device;
mod engine;
mod faults;
pub mod kernel;
mod pace;
mod pool;
mod profile;
mod readbacks;
mod reading;
pub mod recording;
mod run;
mod stats;
mod submitted;
mod tuning;

pub use adapter::{AdapterInfo, GpuOptions, Limits};
pub use buffer::Buffer;
pub use device::Gpu;
pub(crate) use kernel::Kernel;
pub use pool::{BufferId, Held};
pub use profile::Timed;
pub use reading::Reading;
pub use recording::ReadbackId;
pub use run::Rehearsal;
pub use stats::{KernelStats, Made, Stats, Work};
pub use tuning::{AttentionTile, MatrixTile, Tuning, fnv1a};
