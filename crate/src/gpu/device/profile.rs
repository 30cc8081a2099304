//! How long each dispatch of a recording takes: by the device's own clock where it has one
//! (`timestamp-query`), else by the host's, each dispatch submitted and waited for alone.

use super::Gpu;
use crate::error::Result;
use crate::gpu::executor::Executor;
use crate::gpu::recording::{Dispatch, Recording};
use web_time::Instant;

/// One dispatch and what it took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timed {
    /// The kernel's file.
    pub kernel: &'static str,
    /// Workgroups along x, y and z.
    pub groups: [u32; 3],
    /// Seconds; of several runs the fastest.
    pub seconds: f64,
    /// Floating-point operations of the op's definition.
    pub flops: u64,
    /// Bytes of its bindings, each counted once.
    pub bytes: u64,
}

/// Called with the number of runs that are done, which may be a fraction; its error ends the
/// profile.
type OnProgress<'a> = &'a dyn Fn(f64) -> Result<()>;

impl Gpu {
    /// Whether dispatches are timed by the device's own clock.
    pub fn has_timestamps(&self) -> bool {
        self.0.executor.as_ref().is_some_and(|executor| executor.borrow().has_timestamps())
    }

    /// Runs what has been recorded `runs` times and times each dispatch; empty on a dry device. The
    /// recording must give the same result when it is run again: no op reads what it wrote before.
    /// Before each wait, `on_progress` is called with the number of runs that are done. There is
    /// one run more than `runs`: the first one makes the pipelines. An error of `on_progress` ends
    /// the profile.
    ///
    /// # Errors
    /// As [`Gpu::finish`], and those of `on_progress`.
    pub async fn profile(&self, runs: usize, on_progress: OnProgress<'_>) -> Result<Vec<Timed>> {
        let recording = self.take_recording();
        let Some(executor) = &self.0.executor else { return Ok(Vec::new()) };
        self.0.queue.epoch.set(self.0.queue.epoch.get() + 1);
        self.count_params(&recording);
        let mut timed: Vec<Timed> = recording.dispatches.iter().map(Timed::never).collect();
        for run in 0..=runs {
            on_progress(run as f64)?;
            let within = |share: f64| on_progress(run as f64 + share);
            let seconds = match self.has_timestamps() {
                true => self.by_timestamps(executor, &recording).await?,
                false => self.by_host_clock(&recording, &within).await?,
            };
            for (timed, seconds) in timed.iter_mut().zip(seconds).filter(|_| run > 0) {
                timed.seconds = timed.seconds.min(seconds);
            }
        }
        self.finish().await?;
        Ok(timed)
    }

    async fn by_timestamps(
        &self,
        executor: &std::cell::RefCell<Executor>,
        recording: &Recording,
    ) -> Result<Vec<f64>> {
        let (readback, stamps) =
            executor.borrow_mut().submit_timed(recording, &self.0.memory.pool.borrow());
        let period = f64::from(executor.borrow().queue().get_timestamp_period()) * 1e-9;
        self.finish().await?;
        let Some((device, _)) = self.handles() else { return Ok(Vec::new()) };
        let bytes = readback.bytes(&device, &stamps).await?;
        stamps.destroy();
        let ticks: Vec<u64> = bytemuck::pod_collect_to_vec(&bytes);
        let pairs = ticks.as_chunks::<2>().0.iter();
        Ok(pairs.map(|[from, to]| to.saturating_sub(*from) as f64 * period).collect())
    }

    async fn by_host_clock(
        &self,
        recording: &Recording,
        on_progress: OnProgress<'_>,
    ) -> Result<Vec<f64>> {
        let all = recording.dispatches.len();
        let mut seconds = Vec::with_capacity(all);
        for i in 0..all {
            on_progress(i as f64 / all as f64)?;
            let start = Instant::now();
            let submitted = self.submit_part(recording, i..i + 1);
            if let Some(((device, _), submitted)) = self.handles().zip(submitted) {
                submitted.done(&device).await?;
            }
            seconds.push(start.elapsed().as_secs_f64());
        }
        Ok(seconds)
    }
}

impl Timed {
    fn never(dispatch: &Dispatch) -> Timed {
        Timed {
            kernel: dispatch.kernel.name(),
            groups: dispatch.groups,
            seconds: f64::INFINITY,
            flops: dispatch.flops,
            bytes: dispatch.bytes,
        }
    }
}
