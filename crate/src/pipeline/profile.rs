//! One evaluation of the open model's UNet, dispatch by dispatch, beside the adapter's peaks.

use super::control::{Control, Progress};
use super::engine::{Call, Engine, Kinds, Load, OnGpu, Planned};
use super::model::{Machine, Pipeline};
use super::run::Text;
use crate::diffusion::{EvaluationKind, Sampler, SamplerOptions};
use crate::error::{Error, Result};
use crate::gpu::Timed;
use crate::measure::{Peaks, peaks};
use crate::request::Request;
use serde::Serialize;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use web_time::Instant;

/// What an evaluation takes.
#[derive(Debug, Clone, Serialize)]
pub struct Profile {
    /// Width and height of the picture, in pixels.
    pub size: [u32; 2],
    /// Seconds of an evaluation as a picture has it: nothing between the dispatches is waited for.
    pub seconds: f64,
    /// By kernel, the slowest first.
    pub kernels: Vec<KernelTime>,
    /// Whether dispatches are timed by the device's own clock; else each is waited for.
    pub by_device_clock: bool,
    /// The kernels' choice that ran.
    pub tuning: String,
    /// Of the adapter, measured in the same run.
    pub peaks: Peaks,
    /// Every dispatch in its order.
    #[serde(skip)]
    pub dispatches: Vec<Timed>,
}

/// The dispatches of one kernel together.
#[derive(Debug, Clone, Default, Serialize)]
pub struct KernelTime {
    /// The kernel's file.
    pub kernel: &'static str,
    /// How many there are.
    pub dispatches: u64,
    /// Seconds, each dispatch alone.
    pub seconds: f64,
    /// 10⁹ floating-point operations of the definition.
    pub gflop: f64,
    /// 10⁶ bytes that are bound, each once.
    pub mb: f64,
    /// Of the peak of arithmetic, 0 to 1.
    pub of_peak: f64,
    /// Of the peak of memory, 0 to 1.
    pub of_copy: f64,
}

impl Pipeline {
    /// Times the UNet at a size, two prompts as with guidance; each dispatch so many times. How far
    /// it is, in hundredths, is told as [`Progress::Step`].
    ///
    /// # Errors
    /// On the CPU or for a size that no request may have, [`Error::Request`]; a size that does not
    /// fit; the device's faults; a cancel, which is heard between dispatches.
    pub async fn profile(&self, size: [u32; 2], runs: usize, control: &Control) -> Result<Profile> {
        let Machine::Gpu(engine) = &self.machine else {
            let reason = "must be webgpu to be measured".into();
            return Err(Error::Request { field: "device", reason });
        };
        let [width, height] = size.map(Some);
        Request { width, height, ..Request::default() }.validate(&self.description.allowed())?;
        let runs = runs.max(1);
        let gpu = &engine.gpu;
        let call = Call { files: &self.files, control };
        let peaks = peaks(gpu, runs, &|| control.check()).await?;
        gpu.trim();
        let record = self.evaluation(engine, size, call).await?;
        record();
        // Every dispatch alone, once more than they are counted, and then all together.
        let all = (2 * runs + 1) as f64;
        let told = Hundredths { control, last: Cell::new(usize::MAX) };
        let passes = |done: f64| told.tell(done / all);
        let dispatches = gpu.profile(runs, &passes).await?;
        let mut seconds = f64::INFINITY;
        for run in 0..runs {
            passes((runs + 1 + run) as f64)?;
            record();
            let start = Instant::now();
            gpu.finish_in_parts(&|| control.check()).await?;
            seconds = seconds.min(start.elapsed().as_secs_f64());
        }
        passes(all)?;
        Ok(Profile {
            size,
            seconds,
            kernels: by_kernel(&dispatches, peaks),
            by_device_clock: gpu.has_timestamps(),
            tuning: gpu.tuning().to_string(),
            peaks,
            dispatches,
        })
    }

    /// What records an evaluation, of latents and a context of zeros.
    async fn evaluation<'a>(
        &self,
        engine: &'a OnGpu,
        size: [u32; 2],
        call: Call<'_>,
    ) -> Result<impl Fn() + use<'a>> {
        let prompts = 2;
        let load = Load { size, prompts, chunks: 1, pictures: 1, kinds: Kinds::EXACT };
        engine.plan(load, call).await?;
        let ids = vec![0; prompts * call.files.text_encoder.max_position_embeddings];
        let array = engine.encode(&ids, prompts, 0, call).await?;
        let text = Text::new(array, prompts);
        let contexts = text.contexts(engine, &[EvaluationKind::EXACT], call).await?;
        let contexts = RefCell::new(contexts);
        let [w, h] = size.map(|side| side as usize / call.files.vae.factor());
        let shape = [1, call.files.vae.latent_channels, h, w];
        let latents = engine.latents(&vec![0.0; shape.iter().product()], shape);
        let plan = Sampler::Ddim.plan_with(&call.files.schedule, 1, SamplerOptions::default())?;
        let scale = Request::default().guidance_scale;
        Ok(move || {
            let evaluation = plan.evaluations.first().expect("a plan has evaluations");
            drop(engine.predict(
                &latents,
                evaluation,
                contexts.borrow_mut().of(EvaluationKind::EXACT, scale),
            ));
        })
    }
}

/// How far a measurement is; each hundredth is told once.
struct Hundredths<'a> {
    control: &'a Control,
    last: Cell<usize>,
}

impl Hundredths<'_> {
    /// # Errors
    /// A cancel.
    fn tell(&self, share: f64) -> Result<()> {
        let step = (100.0 * share) as usize;
        if self.last.replace(step) != step {
            self.control.tell(Progress::Step { step, steps: 100 });
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
