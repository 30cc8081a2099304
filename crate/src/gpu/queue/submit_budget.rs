//! How much one submit, and one dispatch of it, may hold. A driver resets a device whose submit
//! runs for seconds, the page freezes while the graphics card is busy, and a run can be cancelled
//! only between submits. So a recording is cut where a submit would take longer than a tenth of a
//! second, and ops are cut where a dispatch would take longer than a quarter. The adapter's speed
//! is guessed at first, with care, and then measured: the first submits of a graphics card are
//! small, and grow with what is known of it. A fast adapter runs a whole evaluation in one submit.

use crate::gpu::recording::Dispatch;

/// The longest that a submit should take.
const SECONDS: f64 = 0.1;

/// Work per second to begin with, of a software adapter and of a graphics card: the slowest ones
/// that are still in use.
const GUESS: [f64; 2] = [2e9, 1e11];

/// A submit that is over sooner than this cannot be told from the time that a submit itself takes.
const SECONDS_MIN: f64 = 2e-3;

/// What one submit may change the estimate to, as a multiple of it.
const GROWTH_MAX: f64 = 2.0;

/// What a dispatch should take at the most: an eighth of the time after which Windows resets a
/// graphics card.
const DISPATCH_SECONDS: f64 = 0.25;

/// Floating-point operations of a dispatch of a graphics card, at the most and at the least: more
/// would save nothing, fewer would leave a card idle.
const DISPATCH_FLOPS: [f64; 2] = [25e9, 1e9];

/// The adapter's measured speed.
pub(crate) struct SubmitBudget {
    /// Work of one submit, where it is fixed.
    fixed: Option<u64>,
    /// Floating-point operations of one dispatch, where they are fixed.
    fixed_dispatch: Option<u64>,
    /// [`Dispatch::work`] per second: floating-point operations, and ten for each byte moved.
    work_per_second: f64,
}

impl SubmitBudget {
    /// Nothing is measured yet. With `fixed`, the size of submits does not depend on the speed.
    pub(crate) fn new(fixed: Option<u64>, software: bool) -> SubmitBudget {
        // A driver does not reset the CPU.
        let fixed_dispatch = software.then_some(u64::MAX);
        SubmitBudget { fixed, fixed_dispatch, work_per_second: GUESS[usize::from(!software)] }
    }

    /// The same with so many floating-point operations of a dispatch, where they are given.
    pub(crate) fn with_dispatch(self, fixed: Option<u64>) -> SubmitBudget {
        SubmitBudget { fixed_dispatch: fixed.or(self.fixed_dispatch), ..self }
    }

    /// Floating-point operations of one dispatch at the most, as far as the adapter is known. The
    /// speed is in [`Dispatch::work`], which also counts bytes; here all of it is taken as
    /// operations.
    pub(crate) fn dispatch_max(&self) -> u64 {
        let [most, least] = DISPATCH_FLOPS;
        let measured = (self.work_per_second * DISPATCH_SECONDS).clamp(least, most) as u64;
        self.fixed_dispatch.unwrap_or(measured)
    }

    /// How many of some dispatches the next submit takes: at least one, if there is one.
    pub(crate) fn next(&self, dispatches: &[Dispatch]) -> usize {
        let budget = self.fixed.unwrap_or((self.work_per_second * SECONDS) as u64);
        let mut work = 0u64;
        let fits = |dispatch: &&Dispatch| {
            work = work.saturating_add(dispatch.work());
            work <= budget
        };
        dispatches.iter().take_while(fits).count().max(1).min(dispatches.len())
    }

    /// Notes that so much work took so long.
    pub(crate) fn note(&mut self, work: u64, seconds: f64) {
        let speed = work as f64 / seconds.max(SECONDS_MIN);
        let speed = match seconds > SECONDS_MIN {
            true => (self.work_per_second + speed) / 2.0,
            // At least as fast as that.
            false => self.work_per_second.max(speed),
        };
        // Two submits are on their way at a time. Where the host learns late that the first is
        // done, the second looks far too quick.
        self.work_per_second = speed.min(GROWTH_MAX * self.work_per_second);
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

    /// The sizes of the submits of a recording.
    fn cut(budget: &SubmitBudget, dispatches: &[Dispatch]) -> Vec<usize> {
        let (mut sizes, mut rest) = (Vec::new(), dispatches);
        while !rest.is_empty() {
            sizes.push(budget.next(rest));
            rest = &rest[budget.next(rest)..];
        }
        sizes
    }

    #[test]
    fn cuts_where_the_budget_ends() {
        let cut =
            |budget, work: &[u64]| cut(&SubmitBudget::new(Some(budget), false), &dispatches(work));
        assert_eq!(cut(10, &[4, 6, 1]), [2, 1]);
        assert_eq!(cut(10, &[40, 60, 1, 2]), [1, 1, 2], "a dispatch is never cut");
        assert_eq!(cut(u64::MAX, &[4, 6, 1]), [3]);
        assert_eq!(SubmitBudget::new(Some(10), false).next(&[]), 0);
    }

    #[test]
    fn learns_how_fast_the_adapter_is() {
        let submits = |budget: &SubmitBudget| cut(budget, &dispatches(&[1_000_000_000; 100])).len();
        let mut budget = SubmitBudget::new(None, true);
        let slow = submits(&budget);
        assert_eq!(slow, 100, "a guess of a tenth of two thousand million a submit");
        for _ in 0..20 {
            budget.note(1_050_000_000, 1e-2);
        }
        assert_eq!(submits(&budget), 10);
        budget.note(1, 1e-5);
        assert_eq!(submits(&budget), 10, "what is too short to measure makes nothing slower");
    }

    /// A card of 20 TFLOP/s is known within some submits; none before is long on a slow card.
    #[test]
    fn the_first_submits_are_small_and_grow() {
        let mut budget = SubmitBudget::new(None, false);
        let all = dispatches(&[5_000_000_000; 1000]);
        let sizes: Vec<usize> = (0..9)
            .map(|_| {
                let size = budget.next(&all);
                let work = size as u64 * 5_000_000_000;
                budget.note(work, work as f64 / 20e12);
                size
            })
            .collect();
        assert_eq!(sizes[0], 2, "a tenth of a second at the guessed speed");
        assert!(sizes.windows(2).all(|pair| pair[1] <= 2 * pair[0]), "{sizes:?}");
        assert!(sizes[8] > 200, "{sizes:?}");
    }

    /// On a card of 0.1 TFLOP/s the host learned of a submit when the next one was done as well.
    #[test]
    fn a_submit_that_was_noticed_late_makes_the_next_one_little_longer() {
        let mut budget = SubmitBudget::new(None, false);
        budget.note(10_000_000_000, 1e-6);
        let all = dispatches(&[1_000_000_000; 1000]);
        assert_eq!(budget.next(&all), 20, "0.2 s on that card");
        budget.note(20_000_000_000, 0.2);
        budget.note(15_000_000_000, 0.15);
        assert!(budget.next(&all) <= 13);
    }

    #[test]
    fn a_dispatch_is_shorter_on_a_slow_card() {
        let mut budget = SubmitBudget::new(None, false);
        assert_eq!(budget.dispatch_max(), 25_000_000_000);
        budget.note(1_000_000_000_000, 0.1);
        assert_eq!(budget.dispatch_max(), 25_000_000_000, "more would save nothing");
        for _ in 0..20 {
            budget.note(10_000_000_000, 1.0);
        }
        assert!((2.4e9..2.6e9).contains(&(budget.dispatch_max() as f64)));
        for _ in 0..20 {
            budget.note(1_000_000, 1.0);
        }
        assert_eq!(budget.dispatch_max(), 1_000_000_000, "nor fewer than keep it busy");
        assert_eq!(SubmitBudget::new(None, true).dispatch_max(), u64::MAX);
        assert_eq!(SubmitBudget::new(None, true).with_dispatch(Some(7)).dispatch_max(), 7);
    }
}
