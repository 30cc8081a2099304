//! A buffer as ops hold it.

use super::pool::Pool;
use crate::gpu::recording::{Binding, BufferId};
use std::cell::RefCell;
use std::rc::Rc;

/// A buffer of the pool; dropping it gives it back.
pub struct Buffer {
    pub(in crate::gpu) pool: Rc<RefCell<Pool>>,
    pub(in crate::gpu) id: BufferId,
    pub(in crate::gpu) bytes: u64,
}

impl Buffer {
    /// Bytes that were asked for.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// All of it, as a kernel's binding.
    pub fn whole(&self) -> Binding {
        Binding { buffer: self.id, offset: 0, size: self.bytes.next_multiple_of(4) }
    }

    /// A range of it, as a kernel's binding; `offset` is a multiple of 256.
    pub fn range(&self, offset: u64, size: u64) -> Binding {
        assert!(offset + size <= self.bytes, "a binding ends after its buffer");
        Binding { buffer: self.id, offset, size }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.pool.borrow_mut().give(self.id);
    }
}
