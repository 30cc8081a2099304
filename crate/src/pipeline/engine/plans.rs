//! The plans of an engine on the adapter: those of earlier workloads, the one that is followed, and
//! what the adapter could not hold.

use super::workload::{PlannedWorkload, Workload};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// See the file.
pub(in crate::pipeline) struct Plans {
    known: RefCell<Vec<PlannedWorkload>>,
    /// The plan that is followed, and the lowest peak (bytes) that the adapter could not hold:
    /// shared with the engine of [`Engine::widened`](super::Engine::widened), which goes on with
    /// the same run.
    current: Rc<Cell<Option<PlannedWorkload>>>,
    refused: Rc<Cell<Option<u64>>>,
}

impl Plans {
    /// None yet; `refused` from earlier runs.
    pub(super) fn new(refused: Option<u64>) -> Plans {
        let refused = Rc::new(Cell::new(refused));
        Plans { known: RefCell::default(), current: Rc::default(), refused }
    }

    /// Those of the engine that goes on with the same run in f32.
    pub(super) fn widened(&self) -> Plans {
        let (current, refused) = (self.current.clone(), self.refused.clone());
        Plans { known: RefCell::default(), current, refused }
    }

    /// The plan of this workload, if there is one.
    pub(in crate::pipeline) fn of(&self, load: Workload) -> Option<PlannedWorkload> {
        self.known.borrow().iter().find(|known| known.load == load).copied()
    }

    /// Stores the plan of a workload.
    pub(in crate::pipeline) fn remember(&self, plan: PlannedWorkload) {
        self.known.borrow_mut().push(plan);
    }

    /// Forgets all plans, but not what the adapter could not hold.
    pub(super) fn forget(&self) {
        self.known.take();
    }

    /// Notes which plan is followed.
    pub(super) fn follow(&self, plan: PlannedWorkload) {
        self.current.set(Some(plan));
    }

    /// The plan that is followed.
    pub(super) fn current(&self) -> Option<PlannedWorkload> {
        self.current.get()
    }

    /// The plan that was followed; none is from now on.
    pub(super) fn end(&self) -> Option<PlannedWorkload> {
        self.current.take()
    }

    /// The lowest peak that the adapter could not hold.
    pub(in crate::pipeline) fn refused(&self) -> Option<u64> {
        self.refused.get()
    }

    /// Notes that the adapter could not hold a peak of so many bytes, and forgets all plans.
    /// Returns whether that is lower than what was refused before.
    pub(super) fn refuse(&self, peak: u64) -> bool {
        if self.refused.get().is_some_and(|refused| refused <= peak) {
            return false;
        }
        self.refused.set(Some(peak));
        self.known.take();
        true
    }
}
