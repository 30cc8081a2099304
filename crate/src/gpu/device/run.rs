//! How what has been recorded runs: submitted at once or in parts, waited for or not.

use super::Gpu;
use crate::error::Result;
use crate::gpu::kernel::Kernel;
use crate::gpu::queue::submitted::{self, Submitted};
use crate::gpu::recording::{Dispatch, Recording};
use std::ops::Range;
use std::rc::Rc;
use web_time::Instant;

impl Gpu {
    /// Takes what has been recorded and not submitted, to inspect it instead of running it.
    pub fn take_recording(&self) -> Recording {
        std::mem::take(&mut *self.0.recording.borrow_mut())
    }

    /// Submits what has been recorded, without waiting; in a rehearsal, makes what it needs.
    pub fn submit(&self) {
        let Some(recording) = self.next_recording() else { return };
        self.0.counter.borrow_mut().submit();
        self.submit_part(&recording, 0..recording.dispatches.len());
    }

    /// Takes what has been recorded, if it is to run.
    fn next_recording(&self) -> Option<Recording> {
        let recording = self.take_recording();
        if recording.is_empty() {
            return None;
        }
        self.0.queue.epoch.set(self.0.queue.epoch.get() + 1);
        if self.0.is_rehearsing.get() {
            self.fit_params(&recording);
            if let Some(executor) = &self.0.executor {
                executor.borrow_mut().rehearse(&recording, &self.0.memory.pool.borrow());
            }
            return None;
        }
        self.count_params(&recording);
        Some(recording)
    }

    /// Submits a part of a recording; nothing of it on a dry device.
    pub(super) fn submit_part(
        &self,
        recording: &Recording,
        part: Range<usize>,
    ) -> Option<Submitted> {
        let executor = self.0.executor.as_ref()?;
        self.0.queue.unflushed_bytes.set(0);
        let (pool, readbacks) =
            (self.0.memory.pool.borrow(), &mut self.0.memory.readbacks.borrow_mut());
        Some(executor.borrow_mut().submit(recording, part, &pool, readbacks))
    }

    /// Submits what has been recorded and waits until it has run; an error of the device since the
    /// last call (validation, memory, loss, a limit) is this call's error.
    ///
    /// # Errors
    /// What the device has reported since the last call: [`Error::Gpu`](crate::Error::Gpu),
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory),
    /// [`Error::GpuLimit`](crate::Error::GpuLimit), or
    /// [`Error::DeviceLost`](crate::Error::DeviceLost).
    pub async fn finish(&self) -> Result<()> {
        self.submit();
        let mut waited = Ok(());
        if let Some((device, queue)) = self.handles() {
            waited = submitted::wait(&device, &queue).await;
        }
        self.after_wait();
        self.take_error().await.and(waited)
    }

    /// The first error that the device has reported, if any; the next call reports later ones.
    async fn take_error(&self) -> Result<()> {
        #[cfg(target_arch = "wasm32")]
        if let Some((device, _)) = self.handles() {
            self.0.faults.collect(&device).await;
        }
        self.0.faults.take().map_or(Ok(()), Err)
    }

    /// Called when the device has run all that was submitted: the uploads are done, and the
    /// unpooled buffers that were given back are destroyed.
    fn after_wait(&self) {
        self.0.queue.running.take();
        let arrived = self.0.memory.uploads.replace(0) + self.0.memory.uploads_before.replace(0);
        self.0.memory.pool.borrow_mut().unstage(arrived);
        let destroyed = self.0.memory.pool.borrow_mut().destroy_released();
        if let Some(executor) = self.0.executor.as_ref().filter(|_| destroyed) {
            executor.borrow_mut().forget_bind_groups();
        }
    }

    /// [`Gpu::finish`] in as many submits as keep each short, as [`Gpu::advance_in_parts`].
    ///
    /// # Errors
    /// As [`Gpu::advance_in_parts`].
    pub async fn finish_in_parts(&self, between: &dyn Fn() -> Result<()>) -> Result<()> {
        self.advance_in_parts(between).await?;
        let last = self.0.queue.running.take();
        if let Some(last) = last {
            self.measure(last).await?;
        }
        self.finish().await
    }

    /// Submits what has been recorded in as many submits as keep each short. At most two of them
    /// run at a time. The last one is not waited for, so that the device works while the next
    /// recording is made. `between` is called before each submit but the first; its error drops
    /// those not yet submitted.
    ///
    /// # Errors
    /// Those of `between`, and errors that the device has reported so far; those of this recording
    /// may come from the next call.
    pub async fn advance_in_parts(&self, between: &dyn Fn() -> Result<()>) -> Result<()> {
        let Some(recording) = self.next_recording() else { return Ok(()) };
        if self.0.queue.running.borrow().is_none() {
            self.0.queue.busy_since.set(Instant::now());
        }
        let dispatches = &recording.dispatches;
        let next = |from: usize| {
            from..from + self.0.queue.submit_budget.borrow().next(&dispatches[from..])
        };
        // Without dispatches there may be copies.
        let mut part = next(0);
        loop {
            self.0.counter.borrow_mut().submit();
            let work = dispatches[part.clone()].iter().map(Dispatch::work).sum();
            let running = self.submit_part(&recording, part.clone());
            let before = self.0.queue.running.replace(running.map(|submitted| (submitted, work)));
            if let Some(before) = before {
                self.measure(before).await?;
            }
            if part.start == 0 {
                self.rotate_uploads();
            }
            if part.end == dispatches.len() {
                break;
            }
            between()?;
            part = next(part.end);
        }
        self.take_error().await
    }

    /// The uploads for the recording before this one are done. The account keeps the most that any
    /// recording has uploaded, so that the peak does not depend on timing.
    fn rotate_uploads(&self) {
        let (before, now) = (self.0.memory.uploads_before.get(), self.0.memory.uploads.replace(0));
        self.0.memory.uploads_before.set(before.max(now));
        self.0.memory.pool.borrow_mut().unstage(before.min(now));
    }

    /// Waits for a submit and notes how long the device took for its work.
    async fn measure(&self, (submitted, work): (Submitted, u64)) -> Result<()> {
        if let Some((device, _)) = self.handles() {
            let done = submitted.done(&device).await;
            done.map_err(|error| self.0.faults.take().unwrap_or(error))?;
        }
        let now = Instant::now();
        let since = self.0.queue.busy_since.replace(now);
        self.0.queue.submit_budget.borrow_mut().note(work, (now - since).as_secs_f64());
        Ok(())
    }

    /// From here until the guard is dropped, what is recorded does not run and counts for nothing:
    /// submitting it makes the buffers, bind groups and pipelines that it needs, and the host
    /// writes and reads nothing.
    pub fn rehearse(&self) -> Rehearsal {
        self.0.is_rehearsing.set(true);
        Rehearsal { gpu: self.clone() }
    }

    /// Makes the pipelines of kernels before they are needed; false if all of them existed.
    pub fn compile(&self, kernels: &[Rc<Kernel>]) -> bool {
        self.0.executor.as_ref().is_some_and(|executor| executor.borrow_mut().compile(kernels))
    }

    /// Destroys the buffers that nothing uses, so that the system gets their memory back.
    pub fn trim(&self) {
        self.submit();
        if let Some(executor) = &self.0.executor {
            executor.borrow_mut().forget_bind_groups();
        }
        self.0.memory.pool.borrow_mut().trim();
        self.trim_readbacks();
    }
}

/// See [`Gpu::rehearse`].
pub struct Rehearsal {
    gpu: Gpu,
}

impl Drop for Rehearsal {
    fn drop(&mut self) {
        self.gpu.take_recording();
        self.gpu.0.is_rehearsing.set(false);
    }
}
