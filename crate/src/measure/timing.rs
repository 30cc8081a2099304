//! Times recordings by the host's clock: so many in one submit that it can tell, because that of a
//! browser has milliseconds, and a graphics card is done with most ops in a tenth of one.

use crate::error::Result;
use crate::gpu::Gpu;
use web_time::Instant;

/// What is timed at once lasts about this long, in seconds.
const TIMED_SECONDS: f64 = 0.02;

/// The most runs that are timed at once after a single one was.
pub(super) const REPEATS_MAX: usize = 64;

/// The most where a first measurement was in several, so that nothing runs for long by mistake.
const BENCH_REPEATS_MAX: usize = 1024;

/// Rounds in which the number of runs may grow.
const WARM_UP_ROUNDS: usize = 3;

/// One timed run, or the mean of several that were timed at once.
pub(super) struct Run {
    pub seconds: f64,
    pub gflops: f64,
    pub gbps: f64,
}

/// How many runs of so many seconds are timed at once.
pub(super) fn repeats(seconds: f64) -> usize {
    ((TIMED_SECONDS / seconds.max(1e-6)).ceil() as usize).clamp(1, REPEATS_MAX)
}

/// How many runs of a recording are to be timed at once; before that it is compiled. Alone, a quick
/// op takes as long as a submit does, so the number grows in a few rounds.
///
/// # Errors
/// Those of the device.
pub(super) async fn warmed_up(gpu: &Gpu, record: &dyn Fn()) -> Result<usize> {
    timed(gpu, record, 1).await?;
    let mut count = repeats(timed(gpu, record, 1).await?.seconds);
    for _ in 0..WARM_UP_ROUNDS {
        let seconds = timed(gpu, record, count).await?.seconds;
        let wanted = (TIMED_SECONDS / seconds.max(1e-7)).ceil() as usize;
        if wanted <= count + count / 4 {
            break;
        }
        count = wanted.min(count * REPEATS_MAX).min(BENCH_REPEATS_MAX);
    }
    Ok(count)
}

/// Seconds of a run by the device's clock, the mean of so many in one submit; `None` where it has
/// no such clock. The time between two dispatches is not in it.
///
/// # Errors
/// Those of the device.
pub(super) async fn by_device_clock(
    gpu: &Gpu,
    record: &dyn Fn(),
    repeats: usize,
) -> Result<Option<f64>> {
    if !gpu.has_timestamps() {
        return Ok(None);
    }
    let repeats = repeats.min(REPEATS_MAX);
    (0..repeats).for_each(|_| record());
    let dispatches = gpu.profile(1, &|_| Ok(())).await?;
    let seconds: f64 = dispatches.iter().map(|timed| timed.seconds).sum();
    Ok(Some(seconds / repeats as f64))
}

/// Several timed runs, after some that compile and are not counted.
///
/// # Errors
/// Those of the device.
pub(super) async fn rates(gpu: &Gpu, runs: usize, record: &dyn Fn()) -> Result<Vec<Run>> {
    let repeats = warmed_up(gpu, record).await?;
    let mut all = Vec::new();
    for _ in 0..runs {
        all.push(timed(gpu, record, repeats).await?);
    }
    Ok(all)
}

/// The mean of some runs in one submit.
///
/// # Errors
/// Those of the device.
pub(super) async fn timed(gpu: &Gpu, record: &dyn Fn(), repeats: usize) -> Result<Run> {
    gpu.finish().await?;
    // The counters are not reset, because the caller reads the peak of memory from them.
    let before = gpu.stats();
    (0..repeats).for_each(|_| record());
    let start = Instant::now();
    gpu.finish().await?;
    let seconds = start.elapsed().as_secs_f64().max(1e-6);
    let stats = gpu.stats();
    let counted = [stats.flops - before.flops, stats.bytes_moved - before.bytes_moved];
    let [gflops, gbps] = counted.map(|n| n as f64 / seconds / 1e9);
    Ok(Run { seconds: seconds / repeats as f64, gflops, gbps })
}

/// The median.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
