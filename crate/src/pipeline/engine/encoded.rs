//! The latest result of the text encoder, so that another seed does not run it again.

use crate::tensor::Tensor;
use std::cell::RefCell;

/// A result of the text encoder, or none.
#[derive(Default)]
pub(super) struct Encoded(RefCell<Option<Known>>);

/// Its ids, the number of skipped layers, and the states.
struct Known {
    ids: Vec<u32>,
    skipped: usize,
    states: Tensor,
}

impl Encoded {
    /// The states of these ids, if they are the latest.
    pub(super) fn find(&self, ids: &[u32], skipped: usize) -> Option<Tensor> {
        let known = self.0.borrow();
        let known = known.as_ref().filter(|known| (&*known.ids, known.skipped) == (ids, skipped));
        known.map(|known| known.states.clone())
    }

    /// Keeps the states of these ids.
    pub(super) fn remember(&self, ids: &[u32], skipped: usize, states: &Tensor) {
        self.0.replace(Some(Known { ids: ids.to_vec(), skipped, states: states.clone() }));
    }

    /// Drops what is kept.
    pub(super) fn forget(&self) {
        self.0.take();
    }
}
