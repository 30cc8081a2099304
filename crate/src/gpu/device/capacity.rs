//! How much memory the device has left: WebGPU does not say it, so it is asked for and given back.

use super::Gpu;

/// The most bytes of a buffer that is asked for; memory may be in pieces.
const PIECE_MAX: u64 = 256 << 20;

impl Gpu {
    /// Whether so many more bytes can be allocated now. They are allocated and freed again, without
    /// being written. A device that shares the system's memory may promise more than there is.
    pub async fn can_hold(&self, bytes: u64) -> bool {
        if bytes > self.left() {
            return false;
        }
        let Some((device, _)) = self.handles() else { return true };
        let piece = PIECE_MAX.min(self.limits().buffer);
        let whole = (bytes / piece) as usize;
        let sizes = std::iter::repeat_n(piece, whole).chain([(bytes % piece).next_multiple_of(4)]);
        let descriptor = |size| wgpu::BufferDescriptor {
            label: Some("trial"),
            size,
            usage: wgpu::BufferUsages::STORAGE,
            mapped_at_creation: false,
        };
        let work = || {
            let sizes = sizes.filter(|size| *size > 0);
            let pieces: Vec<_> =
                sizes.map(|size| device.create_buffer(&descriptor(size))).collect();
            pieces.iter().for_each(wgpu::Buffer::destroy);
        };
        self.0.faults.fits(&device, work).await
    }

    /// Takes the device for one that has only so many bytes for buffers; `None`: as many as it has.
    /// What is beyond is the error that such a device reports.
    pub fn limit_memory(&self, bytes: Option<u64>) {
        self.0.memory.capacity.set(bytes.unwrap_or(u64::MAX));
    }

    /// The bytes that buffers may take beside those that there are.
    pub(super) fn left(&self) -> u64 {
        let held = self.0.memory.pool.borrow().held();
        self.0.memory.capacity.get().saturating_sub(held.weights + held.activations)
    }
}
