//! The buffers of a device: given out, and written by the host.

use super::Gpu;
use crate::error::Error;
use crate::gpu::memory::buffer::Buffer;
use crate::gpu::memory::pool::{Pool, Use};
use crate::gpu::recording::BufferId;

/// Host writes are flushed by an empty submit after so many bytes, so that loading a model does not
/// collect a second copy of it in staging memory.
const UPLOAD_BYTES_MAX: u64 = 32 << 20;

impl Gpu {
    /// A buffer for kernels. Its contents are undefined: a reused buffer keeps its old bytes.
    pub fn alloc(&self, bytes: u64) -> Buffer {
        self.alloc_where(bytes, None)
    }

    /// A buffer for what outlives a recording, such as a sampler's latents: no larger than it must
    /// be, and used again only for another of this use and size.
    pub fn alloc_kept(&self, bytes: u64) -> Buffer {
        let taken = self.0.memory.pool.borrow_mut().take_kept(bytes);
        let id = taken.unwrap_or_else(|| self.create(bytes, Use::Kept));
        Buffer { pool: self.0.memory.pool.clone(), id, bytes }
    }

    /// A buffer that the host may write at once: nothing recorded and unsubmitted uses it.
    pub fn alloc_for_host(&self, bytes: u64) -> Buffer {
        self.alloc_where(bytes, Some(self.0.queue.epoch.get()))
    }

    /// A buffer of exactly this size outside of the pool: it is destroyed when its handle was
    /// dropped and the device has run what uses it.
    pub fn alloc_unpooled(&self, bytes: u64) -> Buffer {
        let id = self.create(bytes, Use::Unpooled);
        Buffer { pool: self.0.memory.pool.clone(), id, bytes }
    }

    /// [`Gpu::alloc_unpooled`] for weights, which the host may write at once.
    pub fn alloc_weights(&self, bytes: u64) -> Buffer {
        let id = self.create(bytes, Use::Weights);
        Buffer { pool: self.0.memory.pool.clone(), id, bytes }
    }

    fn alloc_where(&self, bytes: u64, before: Option<u64>) -> Buffer {
        let taken = self.0.memory.pool.borrow_mut().take(bytes, before);
        let id = taken.unwrap_or_else(|| self.create(bytes, Use::Pooled));
        Buffer { pool: self.0.memory.pool.clone(), id, bytes }
    }

    fn create(&self, bytes: u64, usage: Use) -> BufferId {
        let size = Pool::rounded(bytes);
        if size > self.0.limits.buffer {
            let available = self.0.limits.buffer;
            self.0.faults.put(Error::GpuLimit { what: "a buffer", needed: size, available });
        }
        if size > self.left() {
            let reason = "more than the limit that was set".into();
            self.0.faults.put(Error::OutOfMemory { reason });
        }
        let buffer = self.0.executor.as_ref().map(|e| e.borrow().create_buffer(size));
        self.0.counter.borrow_mut().made.buffers += 1;
        self.0.memory.pool.borrow_mut().insert(size, buffer, usage)
    }

    /// Writes `data` into a buffer of [`Gpu::alloc_for_host`]; offset and length are multiples of
    /// 4.
    pub fn write(&self, buffer: &Buffer, offset: u64, data: &[u8]) {
        assert!(offset + data.len() as u64 <= Pool::rounded(buffer.bytes), "a write past the end");
        if self.0.is_rehearsing.get() {
            return;
        }
        // The write would overtake what is recorded: see the pool.
        let touched =
            self.0.memory.pool.borrow().epoch(buffer.id) == Some(self.0.queue.epoch.get());
        assert!(!touched, "the host writes a buffer that the present recording uses");
        self.count_upload(data.len() as u64);
        let Some(executor) = &self.0.executor else { return };
        if let Some(target) = self.0.memory.pool.borrow().buffer(buffer.id) {
            executor.borrow().queue().write_buffer(target, offset, data);
        }
        let pending = self.0.queue.unflushed_bytes.get() + data.len() as u64;
        self.0.queue.unflushed_bytes.set(pending);
        if pending >= UPLOAD_BYTES_MAX {
            executor.borrow().queue().submit([]);
            self.0.queue.unflushed_bytes.set(0);
        }
    }
}
