//! Readback buffers: the device copies to them and the host maps them. They are kept for later
//! reads of the same size until [`Gpu::trim`](crate::gpu::Gpu::trim).

use crate::gpu::queue::submitted::Readback;
use crate::gpu::recording::ReadbackId;
use std::collections::BTreeMap;

/// A readback buffer.
pub(in crate::gpu) struct Slot {
    bytes: u64,
    /// None on a dry device.
    buffer: Option<wgpu::Buffer>,
    pub is_free: bool,
    /// What was submitted and not yet waited for.
    pub readback: Option<Readback>,
}

/// All readback buffers.
#[derive(Default)]
pub(in crate::gpu) struct Readbacks {
    pub slots: BTreeMap<u32, Slot>,
    next: u32,
}

impl Readbacks {
    /// A free one of exactly `bytes`.
    pub(crate) fn take(&mut self, bytes: u64) -> Option<ReadbackId> {
        let mut slots = self.slots.iter_mut();
        let (id, slot) = slots.find(|(_, slot)| slot.is_free && slot.bytes == bytes)?;
        slot.is_free = false;
        Some(ReadbackId(*id))
    }

    /// Adds one in use.
    pub(crate) fn insert(&mut self, bytes: u64, buffer: Option<wgpu::Buffer>) -> ReadbackId {
        let id = self.next;
        self.next += 1;
        self.slots.insert(id, Slot { bytes, buffer, is_free: false, readback: None });
        ReadbackId(id)
    }

    /// The buffer itself.
    pub(crate) fn buffer(&self, id: ReadbackId) -> Option<&wgpu::Buffer> {
        self.slots.get(&id.0)?.buffer.as_ref()
    }

    /// Notes the read that was submitted for it.
    pub(crate) fn submitted(&mut self, id: ReadbackId, readback: Readback) {
        if let Some(slot) = self.slots.get_mut(&id.0) {
            slot.readback = Some(readback);
        }
    }

    /// What was submitted and not yet waited for, with its buffer.
    pub(crate) fn pending(&mut self, id: ReadbackId) -> Option<(Readback, wgpu::Buffer)> {
        let slot = self.slots.get_mut(&id.0)?;
        slot.readback.take().zip(slot.buffer.clone())
    }

    /// Destroys those for which `goes` is true, and returns how many bytes they had.
    pub(crate) fn destroy(&mut self, goes: impl Fn(u32, &Slot) -> bool) -> u64 {
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
