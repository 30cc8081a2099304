//! Reads of the device by the host. The copy is a part of the recording, so it costs no submit of
//! its own, and the caller waits for the bytes when other work is already submitted. The readback
//! buffers are kept for later reads of the same size until [`Gpu::trim`]; the account of memory
//! counts them.

use super::Gpu;
use crate::error::Result;
use crate::gpu::memory::buffer::Buffer;
use crate::gpu::recording::{Copy, ReadbackId};

/// Bytes that will be read back; dropping it cancels the read.
pub struct Reading {
    gpu: Gpu,
    id: ReadbackId,
    bytes: u64,
    /// Whether a later read may use the same buffer.
    is_kept: bool,
}

impl Gpu {
    /// Records a read of the first `bytes` of a buffer, as they are at this place of the recording.
    pub fn start_read(&self, buffer: &Buffer, bytes: u64) -> Reading {
        let kept = self.0.memory.readbacks.borrow_mut().take(bytes.next_multiple_of(4));
        self.record_read(buffer, bytes, kept, true)
    }

    /// Submits, waits, and reads the first `bytes` of a buffer; zeros on a dry device.
    ///
    /// # Errors
    /// As [`Gpu::finish`].
    pub async fn read(&self, buffer: &Buffer, bytes: u64) -> Result<Vec<u8>> {
        let reading = self.record_read(buffer, bytes, None, false);
        self.finish().await?;
        reading.bytes().await
    }

    fn record_read(
        &self,
        buffer: &Buffer,
        bytes: u64,
        kept: Option<ReadbackId>,
        is_kept: bool,
    ) -> Reading {
        let size = bytes.next_multiple_of(4);
        let id = kept.unwrap_or_else(|| {
            let made = self.0.executor.as_ref().map(|e| e.borrow().create_readback(size));
            self.0.counter.borrow_mut().made.buffers += 1;
            self.0.memory.pool.borrow_mut().stage(size);
            self.0.memory.readbacks.borrow_mut().insert(size, made)
        });
        self.0.memory.pool.borrow_mut().touch(buffer.id, self.0.queue.epoch.get());
        let copy = Copy { from: buffer.id, to: id, bytes: size };
        self.0.recording.borrow_mut().copies.push(copy);
        Reading { gpu: self.clone(), id, bytes, is_kept }
    }

    /// Destroys the free readback buffers.
    pub(super) fn trim_readbacks(&self) {
        let bytes = self.0.memory.readbacks.borrow_mut().destroy(|_, slot| slot.is_free);
        self.0.memory.pool.borrow_mut().unstage(bytes);
    }
}

impl Reading {
    /// Waits for the bytes; zeros from a dry device. The recording that has the read must have been
    /// submitted.
    ///
    /// # Errors
    /// [`Error::DeviceLost`](crate::Error::DeviceLost), and errors that the device has reported.
    pub async fn bytes(self) -> Result<Vec<u8>> {
        let pending = self.gpu.0.memory.readbacks.borrow_mut().pending(self.id);
        assert!(pending.is_some() || self.gpu.is_dry(), "a read is submitted before it is awaited");
        let mut bytes = match (pending, self.gpu.handles()) {
            (Some((readback, buffer)), Some((device, _))) => {
                let bytes = readback.bytes(&device, &buffer).await;
                bytes.map_err(|error| self.gpu.0.faults.take().unwrap_or(error))?
            }
            _ => vec![0; self.bytes as usize],
        };
        bytes.truncate(self.bytes as usize);
        Ok(bytes)
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.gpu.0.recording.borrow_mut().copies.retain(|copy| copy.to != self.id);
        let mut readbacks = self.gpu.0.memory.readbacks.borrow_mut();
        let Some(slot) = readbacks.slots.get_mut(&self.id.0) else { return };
        // A buffer whose copy may still run must not be used for another one.
        slot.is_free = self.is_kept && slot.readback.is_none();
        if !slot.is_free {
            let bytes = readbacks.destroy(|id, _| id == self.id.0);
            self.gpu.0.memory.pool.borrow_mut().unstage(bytes);
        }
    }
}
