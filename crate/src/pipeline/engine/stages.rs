//! The stages of a run on the adapter: with each, the parts that it does not need are let go and
//! those that it needs are loaded, as the plan says that is followed.

use super::loading::LoadTarget;
use super::on_gpu::OnGpu;
use super::residency::{Residency, Stage};
use super::workload::PlannedWorkload;
use super::{Engine as _, LoadContext};
use crate::error::Result;
use crate::gpu::Held;
use crate::pipeline::checkpoint::{Part, PartSet};

impl OnGpu {
    /// Sets the residency of all later stages.
    pub(crate) fn set_residency(&self, residency: Residency) {
        self.residency.set(residency);
    }

    /// Follows a plan in all later stages. Where another size was worked on, its buffers and what
    /// only that plan keeps are let go with the next stage, whichever that is.
    pub(crate) fn follow(&self, plan: PlannedWorkload) {
        if self.plans.current().is_some_and(|before| before.load.size != plan.load.size)
            && let Some(stage) = self.stage.take()
        {
            note(&mut self.peaks.borrow_mut(), stage, self.gpu.stage_peak());
        }
        self.set_residency(plan.residency);
        self.plans.follow(plan);
    }

    /// The current residency.
    pub(crate) fn residency(&self) -> Residency {
        self.residency.get()
    }

    /// The peak of memory in each stage of the latest run, and in loading.
    pub(crate) fn peaks(&self) -> Vec<(Stage, Held)> {
        let mut peaks = self.peaks.borrow().clone();
        if let Some(stage) = self.stage.get() {
            note(&mut peaks, stage, self.gpu.stage_peak());
        }
        peaks
    }

    /// Begins a stage: drops the parts that it does not need and that are not kept, and loads those
    /// that it needs.
    ///
    /// # Errors
    /// Those of the source and of the device; [`Error::Cancelled`](crate::Error::Cancelled).
    pub(crate) async fn enter(&self, stage: Stage, call: LoadContext<'_>) -> Result<()> {
        if self.stage.get() == Some(stage) && !self.controls.are_new() {
            return Ok(());
        }
        let Residency { kept, .. } = self.residency.get();
        self.gpu.finish().await?;
        if let Some(before) = self.stage.take() {
            note(&mut self.peaks.borrow_mut(), before, self.gpu.stage_peak());
        }
        let needed = stage.needs(self.decodes_by_taesd(), self.taesd.encodes());
        let left = self.residency.get().resident().or(needed);
        self.parts.keep(left);
        if !left.has(Part::Unet) {
            self.controls.let_go();
        }
        self.gpu.trim();
        self.gpu.begin_stage_peak();
        let wanted = if stage == Stage::Loading { kept } else { needed };
        self.bring(wanted, call).await?;
        self.stage.set(Some(stage));
        Ok(())
    }

    /// Lets go what a failed run has left: every stage begins anew.
    pub(super) fn forget(&self) {
        self.encoded.forget();
        self.stage.take();
        self.gpu.trim();
    }

    /// Lets all parts go where so many more bytes go beyond the user's budget, or the device does
    /// not have them.
    ///
    /// # Errors
    /// Those of the device.
    pub(super) async fn let_go_for(&self, bytes: u64) -> Result<()> {
        self.gpu.finish().await?;
        self.gpu.trim();
        let held = self.gpu.stats().bytes_alive;
        let is_within = self.options.memory.is_none_or(|budget| held + bytes <= budget);
        if is_within && self.gpu.can_hold(bytes).await {
            return Ok(());
        }
        if let Some(before) = self.stage.take() {
            note(&mut self.peaks.borrow_mut(), before, self.gpu.stage_peak());
        }
        self.parts.keep(PartSet::EMPTY);
        self.controls.let_go();
        self.gpu.trim();
        Ok(())
    }

    async fn bring(&self, wanted: PartSet, call: LoadContext<'_>) -> Result<()> {
        self.taesd.bring(&self.gpu, call.control).await?;
        if wanted.has(Part::Unet) {
            self.controls.bring(&self.gpu, self.options.weights, call.control).await?;
        }
        let target = LoadTarget { gpu: &self.gpu, source: &*self.source, control: call.control };
        self.parts.bring(wanted, (call.files, self.options.weights), &target).await
    }
}

/// Records a stage's peak, in place of its earlier one.
fn note(peaks: &mut Vec<(Stage, Held)>, stage: Stage, peak: Held) {
    peaks.retain(|(other, _)| *other != stage);
    peaks.push((stage, peak));
}
