//! What is held on the device: the pool of buffers, a buffer as ops hold it, and the buffers that
//! bytes come back through.

pub(super) mod buffer;
pub(super) mod pool;
pub(super) mod readbacks;
