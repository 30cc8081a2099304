//! What follows where an adapter could not hold a run: a plan that takes less, if there is one.

use super::on_gpu::OnGpu;
use crate::error::{Error, Result};
use crate::pipeline::control::{Control, Progress};

impl OnGpu {
    /// Notes that the adapter could not hold a peak of so many bytes. Returns whether the next plan
    /// takes less: not where the user has set the budget or the residency, and not twice for one
    /// peak.
    pub(crate) fn refuse(&self, peak: u64) -> bool {
        let is_fixed = self.options.memory.is_some() || self.options.residency.is_some();
        !is_fixed && self.plans.refuse(peak)
    }

    /// What follows from a result: true where memory was short and the next plan takes less, so
    /// that the same is to be tried again. What the failed run has left is let go.
    pub(crate) async fn takes_less_after<T>(&self, ended: &Result<T>, control: &Control) -> bool {
        let Err(Error::OutOfMemory { .. }) = ended else { return false };
        // Buffers that there was no memory for must not be used again, and the next run begins
        // every stage anew.
        self.forget();
        // The errors that follow from the same shortage.
        let _ = self.gpu.finish().await;
        let Some(plan) = self.plans.end() else { return false };
        // Steps were taken for nothing. That is not repeated for one plan after the other: the next
        // one is the smallest that is used without being asked for.
        let refused = plan.peak.min(plan.least + 1);
        let takes_less = self.refuse(refused);
        if takes_less {
            control.report(Progress::MemoryRefused { bytes: refused });
        }
        takes_less
    }
}
