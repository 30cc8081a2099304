//! The same run on a device that only adds up: whether a size fits, and what it costs.

use crate::diffusion::noise::Rng;
use crate::diffusion::{Deep, EvaluationKind, Sampler, SamplerOptions};
use crate::dtype::Precision;
use crate::error::{Error, Result};
use crate::gpu::{Gpu, Held, KernelStats, Limits, Stats};
use crate::pipeline::checkpoint::Files;
use crate::pipeline::control::{Control, Previews};
use crate::pipeline::engine::Options;
use crate::pipeline::engine::{Call, Engine, Load, OnGpu, Residency, Stage, sizes};
use crate::pipeline::run::{Contexts, Denoiser, Extras, State, StepOptions, Text};
use crate::weights::{LocalFuture, Source};
use std::ops::Range;
use std::rc::Rc;

/// What a run costs.
#[derive(Debug, Clone)]
pub struct DryRun {
    /// Bytes of the weights of all parts.
    pub weight_bytes: u64,
    /// What is kept between the stages, and how the picture is decoded.
    pub residency: Residency,
    /// Loading what is kept; the text encoder; what the UNet prepares for the prompts; one
    /// evaluation of the UNet of each kind; the VAE's decoder.
    pub phases: Vec<Phase>,
    /// The most that is held in each stage.
    pub peaks: Vec<(Stage, Held)>,
}

impl DryRun {
    /// The most that is held at any moment.
    pub fn peak(&self) -> Held {
        let peaks = self.peaks.iter().map(|(_, peak)| *peak);
        peaks.fold(Held::default(), Held::or_larger)
    }

    /// An evaluation of a kind that the load has.
    pub fn evaluation(&self, kind: EvaluationKind) -> Option<&Phase> {
        self.phases.iter().find(|phase| phase.name == name(kind))
    }
}

/// A stage of a run.
#[derive(Debug, Clone)]
pub struct Phase {
    /// As [`DryRun`] lists them.
    pub name: &'static str,
    /// The peak includes the weights that are there meanwhile.
    pub stats: Stats,
    /// By kernel, the costliest first.
    pub kernels: Vec<KernelStats>,
}

/// A dry device reads nothing.
pub(super) struct Nowhere;

impl Source for Nowhere {
    fn size<'a>(&'a self, path: &'a str) -> LocalFuture<'a, u64> {
        Box::pin(async move { Err(nowhere(path)) })
    }

    fn read<'a>(&'a self, path: &'a str, _: Range<u64>) -> LocalFuture<'a, Vec<u8>> {
        Box::pin(async move { Err(nowhere(path)) })
    }
}

fn nowhere(path: &str) -> Error {
    Error::NotFound { path: path.into(), reason: "a dry run reads nothing".into() }
}

impl Files {
    /// Runs every network once without a GPU, with this residency, and adds up what it takes.
    ///
    /// # Errors
    /// As [`Files::dry_run`].
    pub async fn dry_run_with(
        &self,
        options: &Options,
        limits: Limits,
        load: Load,
        residency: Residency,
    ) -> Result<DryRun> {
        let gpu = Gpu::dry_within(limits, options.precision == Precision::F16);
        self.dry_run_on(&gpu, options, load, residency).await
    }

    /// The same on a dry device.
    ///
    /// # Errors
    /// [`Error::GpuLimit`] for what the limits do not allow.
    pub(in crate::pipeline) async fn dry_run_on(
        &self,
        gpu: &Gpu,
        options: &Options,
        load: Load,
        residency: Residency,
    ) -> Result<DryRun> {
        let engine = OnGpu::new(gpu, Rc::new(Nowhere), options, self);
        engine.set_residency(residency);
        let control = &Control::default();
        let call = Call { files: self, control };
        engine.enter(Stage::Loading, call).await?;
        let mut phases = vec![phase("loading", gpu).await?];
        let context = {
            let rows = load.prompts * load.chunks;
            let ids = vec![0; rows * self.text_encoder.max_position_embeddings];
            let array = engine.encode(&ids, rows, 0, call).await?;
            phases.push(phase("text encoder", gpu).await?);
            let text = Text::new(array, load.prompts);
            text.contexts(&engine, &load.kinds.to_vec(), call).await?
        };
        phases.push(phase("keys and values", gpu).await?);
        let latents = {
            let denoised = self.denoise(&engine, load, context, control).await?;
            phases.extend(denoised.0);
            denoised.1
        };
        let picture = engine.decode(&latents, 0, call).await?;
        engine.rgba(&picture).await?;
        phases.push(phase("VAE decoder", gpu).await?);
        let weight_bytes = sizes(self, options.weights)?.values().sum();
        Ok(DryRun { weight_bytes, residency, phases, peaks: engine.peaks() })
    }

    /// Some steps, of whose first evaluation of each kind the costs are counted, and the latents.
    async fn denoise(
        &self,
        engine: &OnGpu,
        load: Load,
        contexts: Contexts<OnGpu>,
        control: &Control,
    ) -> Result<(Vec<Phase>, <OnGpu as Engine>::Array)> {
        let guidance_scale = if load.prompts == 1 { 1.0 } else { 7.5 };
        let mut kinds = load.kinds.to_vec();
        // Only the third step holds on to the latents before it, those of the second before them,
        // and where the run began.
        kinds.extend(kinds.last().copied());
        let mut plan =
            Sampler::Ddim.plan_with(&self.schedule, kinds.len(), SamplerOptions::default())?;
        for (evaluation, kind) in plan.evaluations.iter_mut().zip(&kinds) {
            evaluation.kind = *kind;
        }
        let noise = (0..load.pictures).map(|_| Rng::Torch.seeded(0)).collect::<Result<_>>()?;
        let [w, h] = load.size.map(|side| side as usize / self.vae.factor());
        let shape = [load.pictures, self.vae.latent_channels, h, w];
        let origin = State::begin(engine, shape, noise, &plan, None, &Extras::default())?;
        let options = StepOptions {
            guidance_scale,
            control,
            previews: Previews::default(),
            prediction: self.schedule.prediction(),
            steps: kinds.len(),
        };
        let steps: Vec<_> = plan.by_step().collect();
        let mut denoiser = Denoiser::start(engine, options, contexts, origin, &steps).await?;
        let (mut phases, mut waiting) = (Vec::<Phase>::new(), None);
        for (evaluations, kind) in steps.into_iter().zip(kinds) {
            let taken = denoiser.take(engine, evaluations).await?;
            let phase = counted(name(kind), &engine.gpu);
            if phases.iter().all(|other| other.name != phase.name) {
                phases.push(phase);
            }
            waiting.replace(taken);
        }
        drop(waiting);
        engine.finish(control).await?;
        Ok((phases, denoiser.state.latents))
    }
}

/// An evaluation, as a phase.
fn name(kind: EvaluationKind) -> &'static str {
    match (kind.guided, kind.deep) {
        (true, Deep::Made | Deep::Kept) => "UNet, one evaluation",
        (true, Deep::Reused) => "UNet, cached",
        (false, Deep::Made | Deep::Kept) => "UNet, unguided",
        (false, Deep::Reused) => "UNet, unguided, cached",
    }
}

/// What has been counted since the last phase.
///
/// # Errors
/// [`Error::GpuLimit`] for what the limits do not allow.
pub(in crate::pipeline) async fn phase(name: &'static str, gpu: &Gpu) -> Result<Phase> {
    gpu.finish().await?;
    Ok(counted(name, gpu))
}

/// The same without waiting.
fn counted(name: &'static str, gpu: &Gpu) -> Phase {
    let phase = Phase { name, stats: gpu.stats(), kernels: gpu.kernel_stats() };
    gpu.reset_stats();
    phase
}
