//! A recording: dispatches and copies as data, without a wgpu type in them.
//!
//! Ops append to the recording in program order; the executor runs it on submit. Because it is
//! data, it can be checked and counted on a machine without a GPU.

use crate::gpu::kernel::Kernel;
use std::rc::Rc;

/// WebGPU's alignment of uniform and storage offsets, in bytes.
pub const ALIGNMENT: u64 = 256;

/// The id of a buffer of the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BufferId(pub(super) u32);

/// A range of a buffer, bound to a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Binding {
    /// The buffer.
    pub buffer: BufferId,
    /// First byte, a multiple of [`ALIGNMENT`].
    pub offset: u64,
    /// Bytes.
    pub size: u64,
}

/// One run of a kernel.
#[derive(Debug, Clone)]
pub struct Dispatch {
    /// What runs.
    pub kernel: Rc<Kernel>,
    /// First byte of its parameters in [`Recording::params`].
    pub params: u32,
    /// The inputs in the kernel's order, then the output.
    pub bindings: Vec<Binding>,
    /// Workgroups along x, y and z.
    pub groups: [u32; 3],
    /// Floating-point operations by the op's definition; what the kernel computes in addition does
    /// not count.
    pub flops: u64,
    /// Bytes of its bindings, each counted once.
    pub bytes: u64,
}

impl Dispatch {
    /// An estimate of its time, in floating-point operations: its own, and ten for each byte that
    /// it moves, since a graphics card computes about ten while it moves a byte.
    pub fn work(&self) -> u64 {
        self.flops + 10 * self.bytes
    }
}

/// The id of a readback buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadbackId(pub(super) u32);

/// A copy of a buffer's first bytes to a readback buffer.
#[derive(Debug, Clone, Copy)]
pub struct Copy {
    /// The buffer.
    pub from: BufferId,
    /// The readback buffer.
    pub to: ReadbackId,
    /// A multiple of four.
    pub bytes: u64,
}

/// A list of dispatches and the uniforms they read, and what is copied when they have run.
#[derive(Debug, Default)]
pub struct Recording {
    /// In program order.
    pub dispatches: Vec<Dispatch>,
    /// The parameters of all dispatches, each at a multiple of [`ALIGNMENT`].
    pub params: Vec<u8>,
    /// They run after the last dispatch.
    pub copies: Vec<Copy>,
}

impl Recording {
    /// Whether there is nothing to run.
    pub fn is_empty(&self) -> bool {
        self.dispatches.is_empty() && self.copies.is_empty()
    }

    /// Appends parameters and returns their first byte.
    pub fn push_params(&mut self, bytes: &[u8]) -> u32 {
        assert!(bytes.len() as u64 <= ALIGNMENT, "parameters take one slot of 256 bytes");
        let offset = self.params.len();
        self.params.extend_from_slice(bytes);
        self.params.resize(offset + ALIGNMENT as usize, 0);
        offset as u32
    }
}

/// Bytes that are in any of the bindings, each counted once.
pub fn distinct_bytes(bindings: &[Binding]) -> u64 {
    let mut ranges: Vec<_> = bindings.iter().map(|b| (b.buffer, b.offset, b.size)).collect();
    ranges.sort_unstable();
    let mut last = None;
    let mut total = 0;
    for (buffer, offset, size) in ranges {
        let from = match last {
            Some((other, end)) if other == buffer => offset.max(end),
            _ => offset,
        };
        let end = (offset + size).max(from);
        total += end - from;
        last = Some((buffer, end));
    }
    total
}
