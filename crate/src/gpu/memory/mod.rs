//! Memory on the device: the pool of buffers, a buffer as ops hold it, and the readback buffers.

pub(super) mod buffer;
pub(super) mod pool;
pub(super) mod readbacks;
