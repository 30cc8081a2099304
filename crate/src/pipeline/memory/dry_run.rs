//! Dry runs: the same run on a device that only counts, to find whether a size fits and what it
//! costs.

use crate::diffusion::noise::Rng;
use crate::diffusion::{Deep, EvaluationKind, Guidance, Sampler, SamplerOptions};
use crate::dtype::Precision;
use crate::error::{Error, Result};
use crate::gpu::{Gpu, Held, KernelStats, Stats};
use crate::pipeline::checkpoint::{Files, FittedControl, PictureControl};
use crate::pipeline::control::{Control, Previews};
use crate::pipeline::engine::Options;
use crate::pipeline::engine::{Engine, LoadContext, OnGpu, Residency, Stage, Workload, sizes};
use crate::pipeline::run::{Beginning, Contexts, Denoiser, Extras, State, StepOptions, TextStates};
use crate::weights::{LocalFuture, Source};
use std::ops::Range;
use std::rc::Rc;

/// What a run costs.
#[derive(Debug, Clone)]
pub struct DryRun {
    /// Bytes of the weights of all parts.
    pub weight_bytes: u64,
    /// The residency of the run.
    pub residency: Residency,
    /// In order: loading the kept parts; the VAE's encoder, where a picture is encoded; the text
    /// encoder; the UNet's keys and values; one evaluation of the UNet of each kind; the VAE's
    /// decoder.
    pub costs: Vec<PartCost>,
    /// The peak of memory in each stage.
    pub peaks: Vec<(Stage, Held)>,
}

impl DryRun {
    /// The peak of memory of the whole run.
    pub fn peak(&self) -> Held {
        self.peak_where(|_| true)
    }

    /// The peak of all that follows the encoder of a start picture.
    pub(super) fn peak_after_beginning(&self) -> Held {
        self.peak_where(|stage| stage != Stage::Beginning)
    }

    fn peak_where(&self, counts: impl Fn(Stage) -> bool) -> Held {
        let peaks = self.peaks.iter().filter(|(stage, _)| counts(*stage)).map(|(_, peak)| *peak);
        peaks.fold(Held::default(), Held::or_larger)
    }

    /// The cost of an evaluation of this kind, if the workload has it.
    pub fn evaluation(&self, kind: EvaluationKind) -> Option<&PartCost> {
        self.costs.iter().find(|cost| cost.name == name(kind))
    }
}

/// The cost of one part of a run.
#[derive(Debug, Clone)]
pub struct PartCost {
    /// Its name; [`DryRun`] lists them.
    pub name: &'static str,
    /// The counts; the peak includes the weights that are loaded at the time.
    pub stats: Stats,
    /// The counts by kernel, the costliest first.
    pub kernels: Vec<KernelStats>,
}

/// A source without files: a dry device reads nothing.
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
    /// Runs every network once without a GPU, with this residency, and counts its cost on a device:
    /// within its limits and with its kernels.
    ///
    /// # Errors
    /// As [`Files::dry_run`].
    pub async fn dry_run_with(
        &self,
        options: &Options,
        device: &Gpu,
        load: Workload,
        residency: Residency,
    ) -> Result<DryRun> {
        let gpu = device.dry_twin(device.limits(), options.precision == Precision::F16);
        self.dry_run_on(&gpu, options, load, residency).await
    }

    /// The same on the given dry device.
    ///
    /// # Errors
    /// [`Error::GpuLimit`] for what the limits do not allow.
    pub(in crate::pipeline) async fn dry_run_on(
        &self,
        gpu: &Gpu,
        options: &Options,
        load: Workload,
        residency: Residency,
    ) -> Result<DryRun> {
        self.dry_run_controlled(gpu, options, (load, Vec::new()), residency).await
    }

    /// The same with ControlNets and T2I-Adapters.
    ///
    /// # Errors
    /// [`Error::GpuLimit`] for what the limits do not allow.
    pub(in crate::pipeline) async fn dry_run_controlled(
        &self,
        gpu: &Gpu,
        options: &Options,
        (load, controls): (Workload, Vec<FittedControl>),
        residency: Residency,
    ) -> Result<DryRun> {
        let engine = OnGpu::new(gpu, Rc::new(Nowhere), options, self);
        engine.set_residency(residency);
        let control = &Control::default();
        let call = LoadContext { files: self, control };
        engine.enter(Stage::Loading, call).await?;
        // As in a run: a model is opened without them.
        let pictures: Vec<PictureControl> = controls.iter().map(FittedControl::unseen).collect();
        engine.use_controls(controls);
        let mut costs = vec![count_part("loading", gpu).await?];
        let sides = load.size.map(|side| side as usize);
        if load.begins {
            engine.encode_picture(self, &[], sides, control).await?;
            costs.push(count_part("VAE encoder", gpu).await?);
        }
        let context = {
            let (texts, positions) = (load.kinds.texts, self.text_encoder.max_position_embeddings);
            let changing = texts.contexts > 1;
            let rows = load.chunks * if changing { texts.encoded } else { load.prompts };
            let rows = rows + texts.beside;
            let ids = vec![0; rows * positions];
            let array = engine.encode(&ids, rows, 0, call).await?;
            costs.push(count_part("text encoder", gpu).await?);
            let arrays = if changing || texts.beside > 0 {
                // As in a run, they are put together on the host.
                engine.read_states(&array).await?;
                let tokens = load.prompts * load.chunks * positions;
                let zeros = vec![0.0; tokens * self.text_encoder.encoder.hidden_size];
                (0..texts.contexts).map(|_| engine.upload_states(&zeros, tokens)).collect()
            } else {
                vec![array]
            };
            let text = TextStates::new(arrays, [load.prompts, texts.parts]);
            let controls = engine.begin_controls(&pictures, load.size, call).await?;
            text.contexts(&engine, &load.kinds.to_vec(), controls, call).await?
        };
        costs.push(count_part("keys and values", gpu).await?);
        let latents = {
            let denoised = self.denoise(&engine, load, context, control).await?;
            costs.extend(denoised.0);
            denoised.1
        };
        let picture = engine.decode(&latents, 0, call).await?;
        engine.rgba(&picture).await?;
        costs.push(count_part("VAE decoder", gpu).await?);
        if load.begins && !pictures.is_empty() {
            // The next request's, beside the ControlNets that this one has loaded.
            drop((picture, latents));
            engine.encode_picture(self, &[], sides, control).await?;
        }
        let weight_bytes = sizes(self, options.weights)?.values().sum();
        Ok(DryRun { weight_bytes, residency, costs, peaks: engine.peaks() })
    }

    /// Takes some steps. Returns the cost of the first evaluation of each kind, and the latents.
    async fn denoise(
        &self,
        engine: &OnGpu,
        load: Workload,
        contexts: Contexts<OnGpu>,
        control: &Control,
    ) -> Result<(Vec<PartCost>, <OnGpu as Engine>::Array)> {
        let parts = load.kinds.texts.parts;
        let parts = if parts > 1 { vec![1.0; parts] } else { Vec::new() };
        let scale = if load.prompts == 1 { 1.0 } else { 7.5 };
        let guidance = Guidance { parts: &parts, ..Guidance::of(scale) };
        let mut kinds = load.kinds.to_vec();
        // Memory has its full size only in the third step, which keeps the latents before it, those
        // before the second step, and those at the start of the run.
        kinds.extend(kinds.last().copied());
        if load.kinds.are_masked() {
            // The last step puts back what has no noise, which takes less.
            kinds.extend(kinds.last().copied());
        }
        let mut plan =
            Sampler::Ddim.plan_with(&self.schedule, kinds.len(), SamplerOptions::default())?;
        if load.kinds.are_masked() {
            plan = plan.with_mask(false);
        }
        for (evaluation, kind) in plan.evaluations.iter_mut().zip(&kinds) {
            evaluation.kind = *kind;
        }
        let noise = (0..load.pictures).map(|_| Rng::Torch.seeded(0)).collect::<Result<_>>()?;
        let [w, h] = load.size.map(|side| side as usize / self.vae.factor());
        let shape = [load.pictures, self.vae.latent_channels, h, w];
        let beginning = Beginning::of_zeros(self, load);
        let beginning = (&beginning, load.prompts);
        let origin = State::begin(engine, shape, noise, &plan, beginning, &Extras::default())?;
        let options = StepOptions {
            guidance,
            control,
            previews: Previews::default(),
            prediction: self.schedule.prediction(),
            steps: kinds.len(),
        };
        let steps: Vec<_> = plan.by_step().collect();
        let mut denoiser = Denoiser::start(engine, options, contexts, origin, &steps).await?;
        let (mut costs, mut waiting) = (Vec::<PartCost>::new(), None);
        for (evaluations, kind) in steps.into_iter().zip(kinds) {
            let taken = denoiser.take(engine, evaluations, false).await?;
            let cost = counted(name(kind), &engine.gpu);
            if costs.iter().all(|other| other.name != cost.name) {
                costs.push(cost);
            }
            waiting.replace(taken);
        }
        drop(waiting);
        engine.finish(control).await?;
        Ok((costs, denoiser.state.latents))
    }
}

/// The name of an evaluation of this kind.
fn name(kind: EvaluationKind) -> &'static str {
    match (kind.guided, kind.deep) {
        (true, Deep::Made | Deep::Kept) => "UNet, one evaluation",
        (true, Deep::Reused) => "UNet, cached",
        (false, Deep::Made | Deep::Kept) => "UNet, unguided",
        (false, Deep::Reused) => "UNet, unguided, cached",
    }
}

/// Ends a part of the run: waits, and returns the counts since the last call.
///
/// # Errors
/// [`Error::GpuLimit`] for what the limits do not allow.
pub(in crate::pipeline) async fn count_part(name: &'static str, gpu: &Gpu) -> Result<PartCost> {
    gpu.finish().await?;
    Ok(counted(name, gpu))
}

/// The same without waiting.
fn counted(name: &'static str, gpu: &Gpu) -> PartCost {
    let cost = PartCost { name, stats: gpu.stats(), kernels: gpu.kernel_stats() };
    gpu.reset_stats();
    cost
}
