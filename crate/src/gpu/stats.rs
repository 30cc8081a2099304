//! What a device was asked to do, in numbers that hold on every GPU.

use std::collections::BTreeMap;

/// Totals.
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

/// The share of one kernel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KernelStats {
    /// The kernel's file.
    pub name: &'static str,
    /// Dispatches recorded.
    pub dispatches: u64,
    /// Floating-point operations of the definition.
    pub flops: u64,
    /// Bytes bound, read or written.
    pub bytes: u64,
}

/// Adds up.
#[derive(Default)]
pub(super) struct Counter {
    kernels: BTreeMap<&'static str, KernelStats>,
    submits: u64,
}

impl Counter {
    pub fn dispatch(&mut self, name: &'static str, flops: u64, bytes: u64) {
        let kernel = self.kernels.entry(name).or_insert(KernelStats { name, ..Default::default() });
        kernel.dispatches += 1;
        kernel.flops += flops;
        kernel.bytes += bytes;
    }

    pub fn submit(&mut self) {
        self.submits += 1;
    }

    pub fn stats(&self, bytes_alive: u64, bytes_peak: u64) -> Stats {
        let sum = |count: fn(&KernelStats) -> u64| self.kernels.values().map(count).sum();
        Stats {
            dispatches: sum(|k| k.dispatches),
            flops: sum(|k| k.flops),
            submits: self.submits,
            bytes_alive,
            bytes_peak,
        }
    }

    pub fn kernels(&self) -> Vec<KernelStats> {
        let mut kernels: Vec<_> = self.kernels.values().copied().collect();
        kernels.sort_by_key(|k| std::cmp::Reverse((k.flops, k.bytes)));
        kernels
    }
}
