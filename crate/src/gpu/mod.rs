//! Tier 1: buffers and dispatches, without tensors.
//!
//! [`Gpu`] is the one handle to a device. Ops append to its recording; [`Gpu::submit`] runs it. A
//! *dry* device has no executor: it checks the same limits and counts the same numbers, so the real
//! Stable Diffusion v1.4 at 512×512 can be checked, and its cost known, on a machine without a GPU.
//!
//! ```text
//! each of these imports only those above it
//! wgsl_text    the kernels' texts without comments
//! kernel · adapter · faults · tuning
//! recording    dispatches and copies, as data
//! queue        what was submitted, and how much at once
//! memory       buffers, the pool of them, and the readback buffers
//! stats        what was asked of the device, in numbers
//! executor     runs a recording
//! device       Gpu: the handle that has all of it
//! ```

mod adapter;
mod device;
mod executor;
mod faults;
pub mod kernel;
mod memory;
mod queue;
pub mod recording;
mod stats;
mod tuning;
pub mod wgsl_text;

#[cfg(not(target_arch = "wasm32"))]
pub use adapter::describe_adapters;
pub use adapter::{AdapterInfo, GpuOptions, Limits};
pub use device::{Gpu, Reading, Rehearsal, Timed};
pub(crate) use kernel::Kernel;
pub use memory::buffer::Buffer;
pub use memory::pool::Held;
pub use recording::{BufferId, ReadbackId};
pub use stats::{Cost, KernelStats, Made, Stats};
pub use tuning::{AttentionTile, MatrixTile, MatrixUnits, Tuning, fnv1a};
