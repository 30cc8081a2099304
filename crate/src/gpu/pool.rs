//! The pool of whole buffers. Ownership plans memory: a dropped handle gives its buffer back, and a
//! later op takes it. One queue runs everything in program order, so that is always safe for
//! kernels.
//!
//! The host is different: its writes overtake what is recorded and not yet submitted. So each
//! buffer remembers the recording that last used it, and a host write only goes to one that the
//! present recording has not touched.

use std::collections::BTreeMap;

/// The name of a buffer in the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BufferId(u32);

struct Slot {
    /// None on a dry device.
    buffer: Option<wgpu::Buffer>,
    bytes: u64,
    /// The last recording that used it.
    epoch: u64,
}

/// All buffers that are alive, and which of them are free.
#[derive(Default)]
pub struct Pool {
    slots: BTreeMap<u32, Slot>,
    /// (bytes, name) of the free ones, smallest first.
    free: BTreeMap<(u64, u32), ()>,
    next: u32,
    bytes_alive: u64,
    bytes_peak: u64,
}

/// A free buffer may serve a request of at least this share of its size: more would waste memory,
/// less would create buffers without need.
const FIT: u64 = 2;

impl Pool {
    /// Rounds a request up to the grain of the pool.
    pub fn rounded(bytes: u64) -> u64 {
        bytes.max(4).next_multiple_of(256)
    }

    /// The smallest free buffer that fits `bytes`; with `before`, only one that was last used by an
    /// earlier recording than that.
    pub fn take(&mut self, bytes: u64, before: Option<u64>) -> Option<BufferId> {
        let need = Self::rounded(bytes);
        let key = self
            .free
            .range((need, 0)..=(need.saturating_mul(FIT), u32::MAX))
            .map(|(key, ())| *key)
            .find(|(_, id)| before.is_none_or(|epoch| self.slots[id].epoch < epoch))?;
        self.free.remove(&key);
        Some(BufferId(key.1))
    }

    /// Adds a buffer in use.
    pub fn insert(&mut self, bytes: u64, buffer: Option<wgpu::Buffer>) -> BufferId {
        let id = self.next;
        self.next += 1;
        self.slots.insert(id, Slot { buffer, bytes, epoch: 0 });
        self.bytes_alive += bytes;
        self.bytes_peak = self.bytes_peak.max(self.bytes_alive);
        BufferId(id)
    }

    /// Gives a buffer back.
    pub fn give(&mut self, id: BufferId) {
        if let Some(slot) = self.slots.get(&id.0) {
            self.free.insert((slot.bytes, id.0), ());
        }
    }

    /// Notes that the recording `epoch` uses the buffer.
    pub fn touch(&mut self, id: BufferId, epoch: u64) {
        if let Some(slot) = self.slots.get_mut(&id.0) {
            slot.epoch = epoch;
        }
    }

    /// The buffer itself.
    pub fn buffer(&self, id: BufferId) -> Option<&wgpu::Buffer> {
        self.slots.get(&id.0)?.buffer.as_ref()
    }

    /// Destroys the free buffers. On the web a dropped buffer would wait for the garbage collector.
    pub fn trim(&mut self) {
        for ((bytes, id), ()) in std::mem::take(&mut self.free) {
            if let Some(Slot { buffer: Some(buffer), .. }) = self.slots.remove(&id) {
                buffer.destroy();
            }
            self.bytes_alive -= bytes;
        }
    }

    /// Bytes of all buffers, free ones included.
    pub fn bytes_alive(&self) -> u64 {
        self.bytes_alive
    }

    /// How many buffers there are, free ones included.
    pub fn buffers_alive(&self) -> usize {
        self.slots.len()
    }

    /// The largest value of [`Pool::bytes_alive`] since [`Pool::reset_peak`].
    pub fn bytes_peak(&self) -> u64 {
        self.bytes_peak
    }

    /// Lets the peak start at what is alive now.
    pub fn reset_peak(&mut self) {
        self.bytes_peak = self.bytes_alive;
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        for slot in self.slots.values() {
            if let Some(buffer) = &slot.buffer {
                buffer.destroy();
            }
        }
    }
}
