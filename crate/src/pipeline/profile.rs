//! Profiles one evaluation of the opened model's UNet, dispatch by dispatch, and compares it with
//! the adapter's peaks.

use super::control::{Control, Progress};
use super::engine::{Conditioning, Engine, Kinds, LoadContext, OnGpu, Planned, Workload};
use super::model::{Machine, Pipeline};
use super::run::{Beginning, Extras, State, TextStates};
use crate::diffusion::noise::Rng;
use crate::diffusion::{EvaluationKind, Guidance, Sampler, SamplerOptions};
use crate::error::{Error, Result};
use crate::gpu::Timed;
use crate::measure::{Peaks, peaks};
use crate::request::Request;
use serde::Serialize;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use web_time::Instant;

/// The measured times of an evaluation.
#[derive(Debug, Clone, Serialize)]
pub struct Profile {
    /// Width and height of the picture, in pixels.
    pub size: [u32; 2],
    /// Seconds of an evaluation as in a run, without waits between its dispatches, the next one
    /// recorded while it computes; the median.
    pub seconds: f64,
    /// The fastest of them.
    pub fastest_seconds: f64,
    /// The sum of all kernels' seconds, without the time between them.
    pub kernels_seconds: f64,
    /// By kernel, the slowest first.
    pub kernels: Vec<KernelTime>,
    /// Whether dispatches were timed by the device's clock; otherwise each was submitted and waited
    /// for alone.
    pub by_device_clock: bool,
    /// The tuning that was used, as text.
    pub tuning: String,
    /// The adapter's peaks, measured in the same run.
    pub peaks: Peaks,
    /// Peak of graphics memory in bytes since the model was opened.
    pub bytes_peak: u64,
    /// All dispatches in their order.
    #[serde(skip)]
    pub dispatches: Vec<Timed>,
}

/// The dispatches of one kernel together.
#[derive(Debug, Clone, Default, Serialize)]
pub struct KernelTime {
    /// The kernel's file.
    pub kernel: &'static str,
    /// The number of its dispatches.
    pub dispatches: u64,
    /// The sum of the seconds of its dispatches.
    pub seconds: f64,
    /// 10⁹ floating-point operations of the op's definition.
    pub gflop: f64,
    /// 10⁶ bound bytes, each counted once.
    pub mb: f64,
    /// The share of the arithmetic peak, 0 to 1.
    pub of_peak: f64,
    /// The share of the memory peak, 0 to 1.
    pub of_copy: f64,
}

impl Pipeline {
    /// Times the UNet at a size with the prompts of guidance, and each dispatch `runs` times.
    /// Progress is reported in hundredths, as [`Progress::Step`].
    ///
    /// # Errors
    /// [`Error::Request`] on the CPU or for an invalid size; a size that does not fit; those of the
    /// device; a cancel, which is noticed between dispatches.
    pub async fn profile(&self, size: [u32; 2], runs: usize, control: &Control) -> Result<Profile> {
        let Machine::Gpu(engine) = &self.machine else {
            let reason = "must be webgpu to be measured".into();
            return Err(Error::Request { field: "device", reason });
        };
        let [width, height] = size.map(Some);
        Request { width, height, ..Request::default() }.validate(&self.description.allowed())?;
        let runs = runs.max(1);
        let gpu = &engine.gpu;
        let files = &*self.files();
        let call = LoadContext { files, control };
        let peaks = peaks(gpu, runs, &|| control.check()).await?;
        gpu.trim();
        let record = self.evaluation(engine, size, call).await?;
        record();
        // Each dispatch runs alone `runs` + 1 times, and all dispatches together as often.
        let all = (2 * runs + 2) as f64;
        let progress = Hundredths { control, last: Cell::new(usize::MAX) };
        let passes = |done: f64| progress.report(done / all);
        let dispatches = gpu.profile(runs, &passes).await?;
        passes((runs + 1) as f64)?;
        record();
        gpu.finish_in_parts(&|| control.check()).await?;
        // As in a run, an evaluation is recorded while the one before it computes: what is waited
        // for is the one before, and in the end the last.
        let mut seconds = Vec::with_capacity(runs);
        let mut start = Instant::now();
        let mut ended = || std::mem::replace(&mut start, Instant::now()).elapsed().as_secs_f64();
        for run in 0..runs {
            passes((runs + 2 + run) as f64)?;
            record();
            gpu.advance_in_parts(&|| control.check()).await?;
            if run > 0 {
                seconds.push(ended());
            }
        }
        gpu.finish_in_parts(&|| control.check()).await?;
        seconds.push(ended());
        passes(all)?;
        seconds.sort_by(f64::total_cmp);
        Ok(Profile {
            size,
            seconds: seconds[runs / 2],
            fastest_seconds: seconds[0],
            kernels_seconds: dispatches.iter().map(|timed| timed.seconds).sum(),
            kernels: by_kernel(&dispatches, peaks),
            by_device_clock: gpu.has_timestamps(),
            tuning: gpu.tuning().to_string(),
            peaks,
            bytes_peak: gpu.stats().bytes_peak,
            dispatches,
        })
    }

    /// A closure that records an evaluation, with latents of noise.
    async fn evaluation<'a>(
        &self,
        engine: &'a OnGpu,
        size: [u32; 2],
        call: LoadContext<'_>,
    ) -> Result<impl Fn() + use<'a>> {
        let prompts = call.files.prompts(&Request::default());
        let load =
            Workload { size, prompts, chunks: 1, pictures: 1, kinds: Kinds::EXACT, begins: false };
        engine.plan(load, call).await?;
        let ids = vec![0; prompts * call.files.text_encoder.max_position_embeddings];
        let array = engine.encode(&ids, prompts, 0, call).await?;
        let text = TextStates::new(vec![array], [prompts, 1]);
        let controls = engine.begin_controls(&[], size, call).await?;
        let contexts = text.contexts(engine, &[EvaluationKind::EXACT], controls, call).await?;
        let contexts = RefCell::new(contexts);
        let [w, h] = size.map(|side| side as usize / call.files.vae.factor());
        let shape = [1, call.files.vae.latent_channels, h, w];
        let plan = Sampler::Ddim.plan_with(&call.files.schedule, 1, SamplerOptions::default())?;
        let beginning = Beginning::of_zeros(call.files, load);
        let noise = vec![Rng::Torch.seeded(0)?];
        let (beginning, extras) = ((&beginning, prompts), Extras::default());
        let state = State::begin(engine, shape, noise, &plan, beginning, &extras)?;
        let guidance = Guidance::of(Request::default().guidance_scale);
        Ok(move || {
            let evaluation = plan.evaluations.first().expect("a plan has evaluations");
            let mut contexts = contexts.borrow_mut();
            let inputs = contexts.of(evaluation, guidance);
            let conditioning = Conditioning { extra: state.extra(), ..inputs };
            drop(engine.predict(&state.latents, evaluation, conditioning));
        })
    }
}

/// Reports the progress of a measurement, each hundredth once.
struct Hundredths<'a> {
    control: &'a Control,
    last: Cell<usize>,
}

impl Hundredths<'_> {
    /// # Errors
    /// A cancel.
    fn report(&self, share: f64) -> Result<()> {
        let step = (100.0 * share) as usize;
        if self.last.replace(step) != step {
            self.control.report(Progress::Step { step, steps: 100 });
        }
        self.control.check()
    }
}

fn by_kernel(dispatches: &[Timed], peaks: Peaks) -> Vec<KernelTime> {
    let mut kernels = BTreeMap::<&'static str, KernelTime>::new();
    for timed in dispatches {
        let of_kernel = kernels.entry(timed.kernel).or_default();
        of_kernel.kernel = timed.kernel;
        of_kernel.dispatches += 1;
        of_kernel.seconds += timed.seconds;
        of_kernel.gflop += timed.flops as f64 / 1e9;
        of_kernel.mb += timed.bytes as f64 / 1e6;
    }
    let mut kernels: Vec<_> = kernels.into_values().collect();
    for kernel in &mut kernels {
        kernel.of_peak = kernel.gflop / kernel.seconds / peaks.gflops;
        kernel.of_copy = kernel.mb / 1e3 / kernel.seconds / peaks.gbps;
    }
    kernels.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    kernels
}
