//! What a device was asked to do, in numbers that hold on every GPU.

use super::kernel::Kernel;
use super::memory::pool::Held;
use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;

/// Totals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Dispatches recorded.
    pub dispatches: u64,
    /// Submits made.
    pub submits: u64,
    /// Floating-point operations of the ops' definitions (a multiply and an add are two).
    pub flops: u64,
    /// Those of the largest dispatch.
    pub flops_largest: u64,
    /// The least number of bytes moved: each dispatch counts every byte that it binds once.
    pub bytes_moved: u64,
    /// Bytes of the loads and stores that invocations issue.
    pub bytes_traffic: u64,
    /// Bytes of all buffers of kernels alive now, pooled ones included.
    pub bytes_alive: u64,
    /// The peak of the memory held, staging included: the total of `peak`.
    pub bytes_peak: u64,
    /// Buffers alive now, pooled ones included.
    pub buffers_alive: u64,
    /// The memory held at that peak, by use.
    pub peak: Held,
    /// Buffers, bind groups and pipelines made.
    pub made: Made,
}

/// Objects made on the device.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Made {
    /// For kernels, parameters and reads.
    pub buffers: u64,
    /// One for each combination of a kernel and its buffers.
    pub bind_groups: u64,
    /// One for each kernel.
    pub pipelines: u64,
}

/// What a dispatch counts as in the statistics.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// Floating-point operations by the operation's definition, not by what the kernel does.
    pub flops: u64,
    /// Bytes of the loads and stores issued; without it, every bound byte once.
    pub traffic: Option<u64>,
}

impl From<u64> for Cost {
    /// Floating-point operations, with every bound byte loaded or stored once.
    fn from(flops: u64) -> Cost {
        Cost { flops, traffic: None }
    }
}

/// The counts of one kernel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KernelStats {
    /// The kernel's file.
    pub name: &'static str,
    /// Dispatches recorded.
    pub dispatches: u64,
    /// Floating-point operations by the operation's definition, not by what the kernel does.
    pub flops: u64,
    /// The least number of bytes moved: each dispatch counts every byte that it binds once.
    pub bytes: u64,
    /// Bytes of the loads and stores that its invocations issue, whether a cache serves them or
    /// not.
    pub traffic: u64,
}

/// Counts dispatches and submits.
#[derive(Default)]
pub(super) struct Counter {
    kernels: BTreeMap<&'static str, KernelStats>,
    submits: u64,
    flops_largest: u64,
    pub made: Made,
}

/// Each kernel once, in the order in which they were first recorded.
#[derive(Default)]
pub(super) struct Kernels {
    seen: HashSet<Rc<Kernel>>,
    in_order: Vec<Rc<Kernel>>,
}

impl Kernels {
    pub(super) fn note(&mut self, kernel: &Rc<Kernel>) {
        if !self.seen.contains(kernel) {
            self.seen.insert(kernel.clone());
            self.in_order.push(kernel.clone());
        }
    }

    pub(super) fn in_order(&self) -> &[Rc<Kernel>] {
        &self.in_order
    }
}

impl Counter {
    pub(super) fn dispatch(&mut self, name: &'static str, work: Cost, bytes: u64) {
        let kernel = self.kernels.entry(name).or_insert(KernelStats { name, ..Default::default() });
        kernel.dispatches += 1;
        kernel.flops += work.flops;
        self.flops_largest = self.flops_largest.max(work.flops);
        kernel.bytes += bytes;
        kernel.traffic += work.traffic.unwrap_or(bytes);
    }

    pub(super) fn submit(&mut self) {
        self.submits += 1;
    }

    /// The counts; the fields on buffers are zero, because they are not known here.
    pub(super) fn stats(&self) -> Stats {
        let sum = |count: fn(&KernelStats) -> u64| self.kernels.values().map(count).sum();
        Stats {
            dispatches: sum(|k| k.dispatches),
            flops: sum(|k| k.flops),
            flops_largest: self.flops_largest,
            bytes_moved: sum(|k| k.bytes),
            bytes_traffic: sum(|k| k.traffic),
            submits: self.submits,
            made: self.made,
            ..Stats::default()
        }
    }

    pub(super) fn kernels(&self) -> Vec<KernelStats> {
        let mut kernels: Vec<_> = self.kernels.values().copied().collect();
        kernels.sort_by_key(|k| std::cmp::Reverse((k.flops, k.bytes)));
        kernels
    }
}
