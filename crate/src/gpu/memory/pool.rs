//! The pool of whole buffers. Ownership plans memory: a dropped handle gives its buffer back, and a
//! later op takes it. One queue runs everything in program order, so that is always safe for
//! kernels. *Unpooled* buffers are destroyed when they are given back instead: weights, and what is
//! large.
//!
//! The host is different: its writes overtake what is recorded and not yet submitted. So each
//! buffer remembers the recording that last used it, and a host write only goes to one that the
//! present recording has not touched.
//!
//! The pool also keeps the account of memory: its buffers, and beside them what is staged on the
//! way from or to the host.

use crate::gpu::recording::BufferId;
use std::collections::BTreeMap;

/// What a buffer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Activations: shared by all ops.
    Pooled,
    /// What outlives a recording, such as a sampler's latents. Such a buffer is only used again for
    /// another of this use and of the same rounded size, so that the next recording finds all
    /// pooled buffers free as the one before did.
    Kept,
    /// Activations, unpooled.
    Unpooled,
    /// Weights, unpooled.
    Weights,
}

struct Slot {
    /// None on a dry device.
    buffer: Option<wgpu::Buffer>,
    bytes: u64,
    /// The last recording that used it.
    epoch: u64,
    usage: Use,
}

/// Bytes held at a time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// Of weights.
    pub weights: u64,
    /// Of all other buffers of kernels, free ones included.
    pub activations: u64,
    /// On the way between host and device: windows of files, uploads that the device has not been
    /// waited for, read-backs, and the parameters of kernels.
    pub staging: u64,
}

impl Held {
    /// All of it.
    pub fn total(&self) -> u64 {
        self.weights + self.activations + self.staging
    }

    /// The larger of the two, as a whole.
    pub fn or_larger(self, other: Held) -> Held {
        if other.total() > self.total() { other } else { self }
    }
}

/// All buffers that are alive, and which of them are free.
#[derive(Default)]
pub(crate) struct Pool {
    slots: BTreeMap<u32, Slot>,
    /// (bytes, id) of the free ones, smallest first.
    free: BTreeMap<(u64, u32), ()>,
    free_kept: BTreeMap<(u64, u32), ()>,
    /// Given back, and to be destroyed when what was recorded has run.
    to_destroy: Vec<u32>,
    next: u32,
    held: Held,
    /// The largest since [`Pool::reset_peak`], and since [`Pool::begin_stage_peak`].
    peaks: [Held; 2],
}

/// A free buffer serves a request if it is at most this many times as large: a larger factor would
/// waste memory, a smaller one create buffers without need.
const FIT: u64 = 2;

impl Pool {
    /// Rounds a request up to the sizes that the pool gives out.
    pub(crate) fn rounded(bytes: u64) -> u64 {
        bytes.max(4).next_multiple_of(256)
    }

    /// The smallest free buffer that fits `bytes`. `before` is the number of a recording: with it,
    /// only buffers that were last used by an earlier recording are taken.
    pub(crate) fn take(&mut self, bytes: u64, before: Option<u64>) -> Option<BufferId> {
        let need = Self::rounded(bytes);
        let key = self
            .free
            .range((need, 0)..=(need.saturating_mul(FIT), u32::MAX))
            .map(|(key, ())| *key)
            .find(|(_, id)| before.is_none_or(|epoch| self.slots[id].epoch < epoch))?;
        self.free.remove(&key);
        Some(BufferId(key.1))
    }

    /// A free buffer of [`Use::Kept`] of exactly `bytes`, rounded.
    pub(crate) fn take_kept(&mut self, bytes: u64) -> Option<BufferId> {
        let need = Self::rounded(bytes);
        let key = *self.free_kept.range((need, 0)..=(need, u32::MAX)).next()?.0;
        self.free_kept.remove(&key);
        Some(BufferId(key.1))
    }

    /// Adds a buffer in use.
    pub(crate) fn insert(
        &mut self,
        bytes: u64,
        buffer: Option<wgpu::Buffer>,
        usage: Use,
    ) -> BufferId {
        let id = self.next;
        self.next += 1;
        self.slots.insert(id, Slot { buffer, bytes, epoch: 0, usage });
        *self.share(usage) += bytes;
        self.note();
        BufferId(id)
    }

    /// The last recording that used a buffer; 0 before any.
    pub(crate) fn epoch(&self, id: BufferId) -> Option<u64> {
        self.slots.get(&id.0).map(|slot| slot.epoch)
    }

    /// Gives a buffer back.
    pub(crate) fn give(&mut self, id: BufferId) {
        match self.slots.get(&id.0) {
            Some(slot) if slot.usage == Use::Pooled => {
                self.free.insert((slot.bytes, id.0), ());
            }
            Some(slot) if slot.usage == Use::Kept => {
                self.free_kept.insert((slot.bytes, id.0), ());
            }
            Some(_) => self.to_destroy.push(id.0),
            None => {}
        }
    }

    /// Notes that the recording `epoch` uses the buffer.
    pub(crate) fn touch(&mut self, id: BufferId, epoch: u64) {
        if let Some(slot) = self.slots.get_mut(&id.0) {
            slot.epoch = epoch;
        }
    }

    /// The buffer itself.
    pub(crate) fn buffer(&self, id: BufferId) -> Option<&wgpu::Buffer> {
        self.slots.get(&id.0)?.buffer.as_ref()
    }

    /// Destroys the free buffers, and the unpooled ones that were given back.
    pub(crate) fn trim(&mut self) {
        let mut free = std::mem::take(&mut self.free);
        free.append(&mut self.free_kept);
        self.to_destroy.extend(free.into_keys().map(|(_, id)| id));
        self.destroy_released();
    }

    /// Destroys the unpooled buffers that were given back; true if there were any. In a browser a
    /// buffer that is only dropped would wait for the garbage collector.
    pub(crate) fn destroy_released(&mut self) -> bool {
        let to_destroy = std::mem::take(&mut self.to_destroy);
        for id in &to_destroy {
            let Some(slot) = self.slots.remove(id) else { continue };
            if let Some(buffer) = slot.buffer {
                buffer.destroy();
            }
            *self.share(slot.usage) -= slot.bytes;
        }
        !to_destroy.is_empty()
    }

    /// Counts bytes that are staged from now on.
    pub(crate) fn stage(&mut self, bytes: u64) {
        self.held.staging += bytes;
        self.note();
    }

    /// Counts them no more.
    pub(crate) fn unstage(&mut self, bytes: u64) {
        self.held.staging -= bytes;
    }

    fn share(&mut self, usage: Use) -> &mut u64 {
        match usage {
            Use::Weights => &mut self.held.weights,
            Use::Pooled | Use::Kept | Use::Unpooled => &mut self.held.activations,
        }
    }

    fn note(&mut self) {
        self.peaks = self.peaks.map(|peak| peak.or_larger(self.held));
    }

    /// How many buffers there are, free ones included.
    pub(crate) fn buffers_alive(&self) -> usize {
        self.slots.len()
    }

    /// Bytes held now.
    pub(crate) fn held(&self) -> Held {
        self.held
    }

    /// The most held since [`Pool::reset_peak`].
    pub(crate) fn peak(&self) -> Held {
        self.peaks[0]
    }

    /// Starts the peak of the whole run at what is held now.
    pub(crate) fn reset_peak(&mut self) {
        self.peaks[0] = self.held;
    }

    /// The most held since [`Pool::begin_stage_peak`].
    pub(crate) fn stage_peak(&self) -> Held {
        self.peaks[1]
    }

    /// Starts the peak of a stage at what is held now.
    pub(crate) fn begin_stage_peak(&mut self) {
        self.peaks[1] = self.held;
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
