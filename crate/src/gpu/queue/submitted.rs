//! Submits that the device may still run, and reads whose bytes have not arrived yet.

use crate::error::{Error, Result};
use futures_channel::oneshot;

/// A submit that may still run.
pub(in crate::gpu) struct Submitted {
    #[cfg(not(target_arch = "wasm32"))]
    index: wgpu::SubmissionIndex,
    #[cfg(target_arch = "wasm32")]
    done: oneshot::Receiver<()>,
}

#[cfg(not(target_arch = "wasm32"))]
impl Submitted {
    /// Of this submit.
    pub(crate) fn new(_: &wgpu::Queue, index: wgpu::SubmissionIndex) -> Submitted {
        Submitted { index }
    }

    /// Resolves when it has run.
    ///
    /// # Errors
    /// [`Error::Gpu`] natively, [`Error::DeviceLost`] in a browser: the device does not answer.
    pub(crate) async fn done(self, device: &wgpu::Device) -> Result<()> {
        let until = wgpu::PollType::Wait { submission_index: Some(self.index), timeout: None };
        device.poll(until).map(drop).map_err(|e| Error::Gpu { message: e.to_string() })
    }
}

#[cfg(target_arch = "wasm32")]
impl Submitted {
    /// Of what was submitted last.
    pub(crate) fn new(queue: &wgpu::Queue, _: wgpu::SubmissionIndex) -> Submitted {
        let (sender, done) = oneshot::channel();
        queue.on_submitted_work_done(move || {
            sender.send(()).ok();
        });
        Submitted { done }
    }

    /// Resolves when it has run.
    ///
    /// # Errors
    /// [`Error::Gpu`] natively, [`Error::DeviceLost`] in a browser: the device does not answer.
    pub(crate) async fn done(self, _: &wgpu::Device) -> Result<()> {
        self.done.await.map_err(|_| Error::DeviceLost { reason: "no answer".into() })
    }
}

/// Resolves when the host may read.
type Mapped = oneshot::Receiver<Result<(), wgpu::BufferAsyncError>>;

/// Asks for a buffer's bytes, when what was submitted has run.
fn map(buffer: &wgpu::Buffer) -> Mapped {
    let (sender, mapped) = oneshot::channel();
    buffer.slice(..).map_async(wgpu::MapMode::Read, move |result| drop(sender.send(result)));
    mapped
}

/// A read that was submitted.
pub(in crate::gpu) struct Readback {
    mapped: Mapped,
    submitted: Submitted,
}

impl Readback {
    /// Of a buffer that the submit writes.
    pub(crate) fn new(buffer: &wgpu::Buffer, submitted: Submitted) -> Readback {
        Readback { mapped: map(buffer), submitted }
    }

    /// Waits for the bytes and unmaps the buffer, which may then be used again.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] if mapping the buffer fails.
    pub(crate) async fn bytes(
        self,
        device: &wgpu::Device,
        buffer: &wgpu::Buffer,
    ) -> Result<Vec<u8>> {
        self.submitted.done(device).await?;
        let lost = |reason: String| Error::DeviceLost { reason };
        match self.mapped.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(lost(error.to_string())),
            Err(_) => return Err(lost("the readback was dropped".into())),
        }
        let view = buffer.slice(..).get_mapped_range().map_err(|e| lost(e.to_string()))?;
        let values = view.to_vec();
        drop(view);
        buffer.unmap();
        Ok(values)
    }
}

/// Resolves when all that was submitted has run.
///
/// # Errors
/// [`Error::Gpu`] natively, [`Error::DeviceLost`] in a browser: the device does not answer.
#[cfg(not(target_arch = "wasm32"))]
pub(in crate::gpu) async fn wait(device: &wgpu::Device, _: &wgpu::Queue) -> Result<()> {
    let done = device.poll(wgpu::PollType::wait_indefinitely());
    done.map(drop).map_err(|e| Error::Gpu { message: e.to_string() })
}

/// Resolves when all that was submitted has run.
///
/// # Errors
/// [`Error::Gpu`] natively, [`Error::DeviceLost`] in a browser: the device does not answer.
#[cfg(target_arch = "wasm32")]
pub(in crate::gpu) async fn wait(_: &wgpu::Device, queue: &wgpu::Queue) -> Result<()> {
    let (sender, receiver) = oneshot::channel();
    queue.on_submitted_work_done(move || {
        sender.send(()).ok();
    });
    receiver.await.map_err(|_| Error::DeviceLost { reason: "no answer".into() })
}
