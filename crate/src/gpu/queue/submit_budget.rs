//! How much one submit may hold. A driver resets a device whose submit runs for seconds, the page
//! freezes while the graphics card is busy, and a run can be cancelled only between submits. So a
//! recording is cut where a submit would take longer than a tenth of a second. The adapter's speed
//! is guessed at first and then measured. A fast adapter runs a whole evaluation in one submit.

use crate::gpu::recording::Dispatch;
use std::ops::Range;

/// The longest that a submit should take.
const SECONDS: f64 = 0.1;

/// Work per second to begin with, of a software adapter and of a real one.
const GUESS: [f64; 2] = [2e9, 1e12];

/// The adapter's measured speed.
pub(crate) struct SubmitBudget {
    /// Work of one submit, where it is fixed.
    fixed: Option<u64>,
    work_per_second: f64,
}

impl SubmitBudget {
    /// Nothing is measured yet; with `fixed`, nothing will be.
    pub(crate) fn new(fixed: Option<u64>, software: bool) -> SubmitBudget {
        SubmitBudget { fixed, work_per_second: GUESS[usize::from(!software)] }
    }

    /// Cuts dispatches into runs, each of which is one submit; a dispatch is never cut.
    pub(crate) fn cut(&self, dispatches: &[Dispatch]) -> Vec<Range<usize>> {
        let budget = self.fixed.unwrap_or((self.work_per_second * SECONDS) as u64);
        let (mut parts, mut start, mut work) = (Vec::new(), 0, 0);
        for (i, dispatch) in dispatches.iter().enumerate() {
            if i > start && work + dispatch.work() > budget {
                parts.push(start..i);
                (start, work) = (i, 0);
            }
            work += dispatch.work();
        }
        // Without dispatches there may be copies.
        if start < dispatches.len() || parts.is_empty() {
            parts.push(start..dispatches.len());
        }
        parts
    }

    /// Notes that so much work took so long.
    pub(crate) fn note(&mut self, work: u64, seconds: f64) {
        // Shorter times are mostly the overhead of the submit itself.
        if seconds > 2e-3 {
            self.work_per_second = (self.work_per_second + work as f64 / seconds) / 2.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::kernel::{Kernel, WgslFile};
    use std::rc::Rc;

    fn dispatches(work: &[u64]) -> Vec<Dispatch> {
        let kernel = Rc::new(Kernel::new(WgslFile { name: "none", text: "" }, 0));
        let one = |&work| Dispatch {
            kernel: kernel.clone(),
            params: 0,
            bindings: vec![],
            groups: [1; 3],
            flops: work,
            bytes: 0,
        };
        work.iter().map(one).collect()
    }

    #[test]
    fn cuts_where_the_budget_ends() {
        let cut =
            |budget, work: &[u64]| SubmitBudget::new(Some(budget), false).cut(&dispatches(work));
        assert_eq!(cut(10, &[]), [0..0; 1]);
        assert_eq!(cut(10, &[4, 6, 1]), [0..2, 2..3]);
        assert_eq!(cut(10, &[40, 60, 1, 2]), [0..1, 1..2, 2..4], "a dispatch is never cut");
        assert_eq!(cut(u64::MAX, &[4, 6, 1]), [0..3; 1]);
    }

    #[test]
    fn learns_how_fast_the_adapter_is() {
        let submits = |pace: &SubmitBudget| pace.cut(&dispatches(&[1_000_000_000; 100])).len();
        let mut pace = SubmitBudget::new(None, true);
        let slow = submits(&pace);
        assert_eq!(slow, 100, "a guess of a tenth of two thousand million a submit");
        for _ in 0..20 {
            pace.note(1_050_000_000, 1e-2);
        }
        assert_eq!(submits(&pace), 10);
        pace.note(1, 1e-5);
        assert_eq!(submits(&pace), 10, "what is too short to measure changes nothing");
    }
}
