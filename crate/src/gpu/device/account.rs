//! A device's statistics: what was dispatched, and how much memory is held.

use super::Gpu;
use crate::gpu::kernel::Kernel;
use crate::gpu::memory::pool::Held;
use crate::gpu::recording::Recording;
use crate::gpu::stats::{Counter, KernelStats, Stats};
use std::rc::Rc;

/// Bytes of the host that are counted as staged.
pub struct Staged {
    gpu: Gpu,
    bytes: u64,
}

impl Drop for Staged {
    fn drop(&mut self) {
        self.gpu.0.memory.pool.borrow_mut().unstage(self.bytes);
    }
}

impl Gpu {
    /// Counts bytes as being uploaded, until the device is next waited for.
    pub fn count_upload(&self, bytes: u64) {
        self.0.memory.uploads.set(self.0.memory.uploads.get() + bytes);
        self.0.memory.pool.borrow_mut().stage(bytes);
    }

    /// Bytes that were written for the device and may not have arrived yet.
    pub fn uploads(&self) -> u64 {
        self.0.memory.uploads.get() + self.0.memory.uploads_before.get()
    }

    /// Counts bytes of the host as staged for as long as the guard lives.
    pub fn stage(&self, bytes: u64) -> Staged {
        self.0.memory.pool.borrow_mut().stage(bytes);
        Staged { gpu: self.clone(), bytes }
    }

    /// Counts the bytes of a recording's parameters.
    pub(super) fn count_params(&self, recording: &Recording) {
        self.fit_params(recording);
        self.count_upload(recording.params.len() as u64);
    }

    /// Counts the buffer of parameters, at the size that the recording needs.
    pub(super) fn fit_params(&self, recording: &Recording) {
        let bytes = recording.params.len() as u64;
        let had = self.0.memory.params_bytes.get();
        if bytes > had {
            let grown = bytes.next_power_of_two();
            self.0.memory.pool.borrow_mut().stage(grown - had);
            self.0.memory.params_bytes.set(grown);
            self.0.counter.borrow_mut().made.buffers += 1;
        }
    }

    /// Counts since the device was opened or [`Gpu::reset_stats`] was called.
    pub fn stats(&self) -> Stats {
        let pool = self.0.memory.pool.borrow();
        let (held, peak) = (pool.held(), pool.peak());
        let mut stats = Stats {
            bytes_alive: held.weights + held.activations,
            bytes_peak: peak.total(),
            peak,
            buffers_alive: pool.buffers_alive() as u64,
            ..self.0.counter.borrow().stats()
        };
        if let Some(executor) = &self.0.executor {
            [stats.made.bind_groups, stats.made.pipelines] = executor.borrow().made();
        }
        stats
    }

    /// Each kernel that was dispatched on a dry device, in the order of their first dispatch.
    pub fn kernels(&self) -> Vec<Rc<Kernel>> {
        self.0.kernels.borrow().in_order().to_vec()
    }

    /// The counts by kernel, the costliest first.
    pub fn kernel_stats(&self) -> Vec<KernelStats> {
        self.0.counter.borrow().kernels()
    }

    /// Sets the counts to zero, and [`Stats::peak`] to the memory that is held now.
    pub fn reset_stats(&self) {
        *self.0.counter.borrow_mut() = Counter::default();
        if let Some(executor) = &self.0.executor {
            executor.borrow_mut().reset_made();
        }
        self.0.memory.pool.borrow_mut().reset_peak();
    }

    /// The memory that is held now.
    pub fn held(&self) -> Held {
        self.0.memory.pool.borrow().held()
    }

    /// The peak of the memory held since [`Gpu::begin_stage_peak`].
    pub fn stage_peak(&self) -> Held {
        self.0.memory.pool.borrow().stage_peak()
    }

    /// Starts the peak of a stage of a run, at the memory that is held now. [`Stats::peak`] is
    /// another one: the peak since [`Gpu::reset_stats`], of the whole run.
    pub fn begin_stage_peak(&self) {
        self.0.memory.pool.borrow_mut().begin_stage_peak();
    }
}
