//! Bytes on their way from the device to the host. The copy is a part of the recording, so it costs
//! no submit of its own, and whoever wants the bytes waits for them when other work is on its way.
//! The buffers that they come through are kept for the next ones of their size until
//! [`Gpu::trim`]; they are in the account of memory.

use super::engine::Readback;
use super::recording::Copy;
use super::{Buffer, Gpu};
use crate::error::Result;
use std::collections::BTreeMap;

/// The name of a buffer that bytes come through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadbackId(u32);

struct Slot {
    bytes: u64,
    /// None on a dry device.
    buffer: Option<wgpu::Buffer>,
    is_free: bool,
    /// What was submitted and not yet waited for.
    readback: Option<Readback>,
}

/// All buffers that bytes come through.
#[derive(Default)]
pub(super) struct Readbacks {
    slots: BTreeMap<u32, Slot>,
    next: u32,
}

impl Readbacks {
    /// A free one of exactly so many bytes.
    fn take(&mut self, bytes: u64) -> Option<ReadbackId> {
        let mut slots = self.slots.iter_mut();
        let (id, slot) = slots.find(|(_, slot)| slot.is_free && slot.bytes == bytes)?;
        slot.is_free = false;
        Some(ReadbackId(*id))
    }

    /// Adds one in use.
    fn insert(&mut self, bytes: u64, buffer: Option<wgpu::Buffer>) -> ReadbackId {
        let id = self.next;
        self.next += 1;
        self.slots.insert(id, Slot { bytes, buffer, is_free: false, readback: None });
        ReadbackId(id)
    }

    /// The buffer itself.
    pub fn buffer(&self, id: ReadbackId) -> Option<&wgpu::Buffer> {
        self.slots.get(&id.0)?.buffer.as_ref()
    }

    /// Notes that its bytes are on their way.
    pub fn submitted(&mut self, id: ReadbackId, readback: Readback) {
        if let Some(slot) = self.slots.get_mut(&id.0) {
            slot.readback = Some(readback);
        }
    }

    /// What was submitted and not yet waited for, with its buffer.
    fn on_way(&mut self, id: ReadbackId) -> Option<(Readback, wgpu::Buffer)> {
        let slot = self.slots.get_mut(&id.0)?;
        slot.readback.take().zip(slot.buffer.clone())
    }

    /// Destroys those that `goes` says, and returns how many bytes they had.
    fn destroy(&mut self, goes: impl Fn(u32, &Slot) -> bool) -> u64 {
        let gone = self.slots.extract_if(.., |id, slot| goes(*id, slot));
        let destroyed = gone.map(|(_, slot)| {
            if let Some(buffer) = slot.buffer {
                buffer.destroy();
            }
            slot.bytes
        });
        destroyed.sum()
    }
}

/// Bytes that will come; dropping it gives them up.
pub struct Reading {
    gpu: Gpu,
    id: ReadbackId,
    bytes: u64,
    /// Whether the next one may come through the same buffer.
    is_kept: bool,
}

impl Gpu {
    /// Records that the first `bytes` of a buffer, as they are then, come to the host.
    pub fn start_read(&self, buffer: &Buffer, bytes: u64) -> Reading {
        let kept = self.0.readbacks.borrow_mut().take(bytes.next_multiple_of(4));
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
            let made = self.0.engine.as_ref().map(|e| e.borrow().create_readback(size));
            self.0.counter.borrow_mut().made.buffers += 1;
            self.0.pool.borrow_mut().stage(size);
            self.0.readbacks.borrow_mut().insert(size, made)
        });
        self.0.pool.borrow_mut().touch(buffer.id, self.0.epoch.get());
        let copy = Copy { from: buffer.id, to: id, bytes: size };
        self.0.recording.borrow_mut().copies.push(copy);
        Reading { gpu: self.clone(), id, bytes, is_kept }
    }

    /// Destroys the free buffers that bytes come through.
    pub(super) fn trim_readbacks(&self) {
        let bytes = self.0.readbacks.borrow_mut().destroy(|_, slot| slot.is_free);
        self.0.pool.borrow_mut().unstage(bytes);
    }
}

impl Reading {
    /// The bytes, when they are there; zeros from a dry device. What it was recorded in has been
    /// submitted.
    ///
    /// # Errors
    /// [`Error::DeviceLost`](crate::Error::DeviceLost), and what the device complained of.
    pub async fn bytes(self) -> Result<Vec<u8>> {
        let on_way = self.gpu.0.readbacks.borrow_mut().on_way(self.id);
        assert!(on_way.is_some() || self.gpu.is_dry(), "a read is submitted before it is awaited");
        let mut bytes = match (on_way, self.gpu.handles()) {
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
        let mut readbacks = self.gpu.0.readbacks.borrow_mut();
        let Some(slot) = readbacks.slots.get_mut(&self.id.0) else { return };
        // What is still on its way may not be written again before it has come.
        slot.is_free = self.is_kept && slot.readback.is_none();
        if !slot.is_free {
            let bytes = readbacks.destroy(|id, _| id == self.id.0);
            self.gpu.0.pool.borrow_mut().unstage(bytes);
        }
    }
}
