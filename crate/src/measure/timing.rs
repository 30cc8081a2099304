//! Times a recording, once or several times.

use crate::error::Result;
use crate::gpu::Gpu;
use web_time::Instant;

/// One timed run.
pub(super) struct Run {
    pub seconds: f64,
    pub gflops: f64,
    pub gbps: f64,
}

/// Several timed runs, after one that compiles and is not timed.
///
/// # Errors
/// Those of the device.
pub(super) async fn rates(gpu: &Gpu, runs: usize, record: &dyn Fn()) -> Result<Vec<Run>> {
    timed(gpu, record).await?;
    let mut all = Vec::new();
    for _ in 0..runs {
        all.push(timed(gpu, record).await?);
    }
    Ok(all)
}

/// # Errors
/// Those of the device.
pub(super) async fn timed(gpu: &Gpu, record: &dyn Fn()) -> Result<Run> {
    gpu.finish().await?;
    // The counters are not reset, because the caller reads the peak of memory from them.
    let before = gpu.stats();
    record();
    let start = Instant::now();
    gpu.finish().await?;
    let seconds = start.elapsed().as_secs_f64().max(1e-6);
    let stats = gpu.stats();
    let counted = [stats.flops - before.flops, stats.bytes_moved - before.bytes_moved];
    let [gflops, gbps] = counted.map(|n| n as f64 / seconds / 1e9);
    Ok(Run { seconds, gflops, gbps })
}

/// The median.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
