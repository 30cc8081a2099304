//! How what has been recorded runs: submitted at once or in parts, waited for or not.

use super::engine::{self, Submitted};
use super::recording::{Dispatch, Recording};
use super::{Buffer, Gpu, pace};
use crate::error::Result;

impl Gpu {
    /// Takes what has been recorded and not submitted: to look at it instead of running it.
    pub fn take_recording(&self) -> Recording {
        std::mem::take(&mut *self.0.recording.borrow_mut())
    }

    /// Submits what has been recorded, without waiting.
    pub fn submit(&self) {
        let recording = self.take_recording();
        if recording.dispatches.is_empty() {
            return;
        }
        self.0.epoch.set(self.0.epoch.get() + 1);
        self.count_params(&recording);
        self.0.counter.borrow_mut().submit();
        if let Some(engine) = &self.0.engine {
            engine.borrow_mut().submit(
                &recording,
                0..recording.dispatches.len(),
                &self.0.pool.borrow(),
            );
            self.0.upload_bytes.set(0);
        }
    }

    /// Submits what has been recorded and waits until it has run; a fault of the device since the
    /// last call (validation, memory, loss, a limit) is this call's error.
    pub async fn finish(&self) -> Result<()> {
        self.submit();
        if let Some((device, queue)) = self.handles() {
            let waited = engine::wait(&device, &queue).await;
            self.settle();
            #[cfg(target_arch = "wasm32")]
            self.0.faults.collect(&device).await;
            return self.0.faults.take().map_or(waited, Err);
        }
        self.settle();
        self.0.faults.take().map_or(Ok(()), Err)
    }

    /// The device has run all: uploads have arrived, and the buffers apart that were given back can
    /// go.
    fn settle(&self) {
        self.0.pool.borrow_mut().unstage(self.0.uploads.replace(0));
        let buried = self.0.pool.borrow_mut().bury();
        if let Some(engine) = self.0.engine.as_ref().filter(|_| buried) {
            engine.borrow_mut().forget_bind_groups();
        }
    }

    /// [`Gpu::finish`] in as many submits as keep each short, two of them on their way at a time;
    /// `between` is asked before each but the first, and its error drops those not yet submitted.
    ///
    /// # Errors
    /// As [`Gpu::finish`], and those of `between`.
    pub async fn finish_in_parts(&self, between: &dyn Fn() -> Result<()>) -> Result<()> {
        let Some(engine) = &self.0.engine else { return self.finish().await };
        let recording = self.take_recording();
        let parts = self.0.pace.borrow().cut(&recording.dispatches);
        let (mut running, mut idle_since) = (None, pace::now());
        for (number, part) in parts.into_iter().enumerate() {
            if number > 0 {
                between()?;
            } else {
                self.0.epoch.set(self.0.epoch.get() + 1);
                self.count_params(&recording);
            }
            self.0.counter.borrow_mut().submit();
            let work = recording.dispatches[part.clone()].iter().map(Dispatch::work).sum();
            let submitted = engine.borrow_mut().submit(&recording, part, &self.0.pool.borrow());
            self.0.upload_bytes.set(0);
            if let Some((before, work)) = running.replace((submitted, work)) {
                idle_since = self.measure(before, work, idle_since).await?;
            }
        }
        if let Some((last, work)) = running {
            self.measure(last, work, idle_since).await?;
        }
        self.finish().await
    }

    /// Waits for a submit and notes how long it took since the device was free; returns when it
    /// was done.
    async fn measure(&self, submitted: Submitted, work: u64, since: f64) -> Result<f64> {
        if let Some((device, _)) = self.handles() {
            submitted.done(&device).await?;
        }
        let now = pace::now();
        self.0.pace.borrow_mut().note(work, now - since);
        Ok(now)
    }

    /// Submits, waits, and reads the first `bytes` of a buffer; zeros on a dry device.
    ///
    /// # Errors
    /// As [`Gpu::finish`].
    pub async fn read(&self, buffer: &Buffer, bytes: u64) -> Result<Vec<u8>> {
        self.submit();
        let _staged = self.stage(bytes.next_multiple_of(4));
        let readback = match &self.0.engine {
            None => return self.finish().await.map(|()| vec![0; bytes as usize]),
            Some(engine) => engine.borrow().read(&self.0.pool.borrow(), buffer.id, bytes),
        };
        self.finish().await?;
        readback.bytes().await
    }

    /// Gives back to the system the buffers that nothing holds.
    pub fn trim(&self) {
        self.submit();
        if let Some(engine) = &self.0.engine {
            engine.borrow_mut().forget_bind_groups();
        }
        self.0.pool.borrow_mut().trim();
    }
}
