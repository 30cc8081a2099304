//! The same walk on a device that only adds up: whether a size fits, and what it costs.

use super::context::{Contexts, Text};
use super::control::Control;
use super::denoiser::Denoiser;
use super::engine::{Call, Engine};
use super::generate::Extras;
use super::gpu::OnGpu;
use super::model::Files;
use super::parts::sizes;
use super::residency::{Residency, Stage};
use super::state::State;
use super::{Options, Previews, Request};
use crate::diffusion::noise::Rng;
use crate::diffusion::{Deep, Kind, Plan, Sampler, Tuning};
use crate::dtype::Precision;
use crate::error::{Error, Result};
use crate::gpu::{Gpu, Held, KernelStats, Limits, Stats};
use crate::weights::{LocalFuture, Source};
use std::ops::Range;
use std::rc::Rc;

/// What a run of three steps or more is to hold at once; previews of latents come on top, with two
/// read-backs of them and what they are computed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Width and height in pixels.
    pub size: [u32; 2],
    /// Prompts of a picture: two with guidance.
    pub prompts: usize,
    /// Rows of the text encoder that a prompt takes: one, or more for a long prompt.
    pub chunks: usize,
    /// Pictures that the UNet works on together.
    pub pictures: usize,
    /// What the UNet's evaluations are.
    pub kinds: Kinds,
}

/// The kinds of a run's evaluations, in order; what has followed one another before is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kinds([Option<Kind>; KINDS_MAX]);

/// More turns than this no run takes: to a first evaluation; within each of three parts, unguided,
/// guided, unguided again, four between deep features made, kept and reused; and between parts.
const KINDS_MAX: usize = 15;

impl Kinds {
    /// All evaluations are exact. With the second on its way before the first is looked at, as much
    /// is held as in all others.
    pub const EXACT: Kinds = {
        let mut kinds = [None; KINDS_MAX];
        (kinds[0], kinds[1]) = (Some(Kind::EXACT), Some(Kind::EXACT));
        Kinds(kinds)
    };

    /// Those of a plan.
    pub fn of(plan: &Plan) -> Kinds {
        if plan.kinds() == [Kind::EXACT] {
            return Kinds::EXACT;
        }
        let (mut turns, mut before) = (Vec::new(), None);
        for evaluation in &plan.evaluations {
            let turn = (before.replace(evaluation.kind), evaluation.kind);
            if !turns.contains(&turn) {
                turns.push(turn);
            }
        }
        let mut kinds = [None; KINDS_MAX];
        for (place, (_, kind)) in kinds.iter_mut().zip(turns) {
            *place = Some(kind);
        }
        Kinds(kinds)
    }

    /// Of a thousand tokens, those merged.
    pub(super) fn merged(self) -> u32 {
        self.to_vec().first().map_or(0, |kind| kind.merged)
    }

    fn to_vec(self) -> Vec<Kind> {
        self.0.into_iter().flatten().collect()
    }
}

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
    pub fn evaluation(&self, kind: Kind) -> Option<&Phase> {
        self.phases.iter().find(|phase| phase.name == name(kind))
    }
}

/// A part of the walk.
#[derive(Debug, Clone)]
pub struct Phase {
    pub name: &'static str,
    /// The peak includes the weights that are there meanwhile.
    pub stats: Stats,
    /// By kernel, the costliest first.
    pub kernels: Vec<KernelStats>,
}

/// A dry device reads nothing.
struct Nowhere;

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
    /// Runs each network once without a GPU, within the limits of an adapter, in the way that would
    /// be chosen for a model whose files are near.
    ///
    /// # Errors
    /// [`GpuLimit`](crate::Error::GpuLimit) when the size does not fit, and a config's faults.
    pub async fn dry_run(&self, options: &Options, limits: Limits, load: Load) -> Result<DryRun> {
        let gpu = Gpu::dry_within(limits, options.precision == Precision::F16);
        let engine = OnGpu::new(&gpu, Rc::new(Nowhere), options, self);
        let call = Call { files: self, control: &Control::default() };
        engine.pictures_at_once(Load { pictures: 1, ..load }, call).await?;
        self.rehearse(options, limits, load, engine.residency()).await
    }

    /// The same in this way.
    ///
    /// # Errors
    /// As there.
    pub async fn rehearse(
        &self,
        options: &Options,
        limits: Limits,
        load: Load,
        residency: Residency,
    ) -> Result<DryRun> {
        let gpu = Gpu::dry_within(limits, options.precision == Precision::F16);
        self.rehearse_on(&gpu, options, load, residency).await
    }

    /// The same on a dry device.
    pub(super) async fn rehearse_on(
        &self,
        gpu: &Gpu,
        options: &Options,
        load: Load,
        residency: Residency,
    ) -> Result<DryRun> {
        let engine = OnGpu::new(gpu, Rc::new(Nowhere), options, self).with_residency(residency);
        let control = &Control::default();
        let call = Call { files: self, control };
        engine.enter(Stage::Loading, call).await?;
        let mut phases = vec![phase("loading", gpu).await?];
        let context = {
            let rows = load.prompts * load.chunks;
            let ids = vec![0; rows * self.text_encoder.max_position_embeddings];
            let array = engine.encode(&ids, rows, 0, call).await?;
            phases.push(phase("text encoder", gpu).await?);
            let text = Text::new(array, load.prompts, ids.len());
            text.contexts(&engine, load.pictures, &load.kinds.to_vec(), call).await?
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
        let weight_bytes = sizes(self, options.weights)?.into_iter().sum();
        Ok(DryRun { weight_bytes, residency, phases, peaks: engine.peaks() })
    }

    /// Some steps, of whose first evaluation of each kind the costs are counted, and the latents.
    async fn denoise(
        &self,
        engine: &OnGpu,
        load: Load,
        mut contexts: Contexts<OnGpu>,
        control: &Control,
    ) -> Result<(Vec<Phase>, <OnGpu as Engine>::Array)> {
        let guidance_scale = if load.prompts == 1 { 1.0 } else { 7.5 };
        let request = Request { guidance_scale, ..Request::default() };
        let mut kinds = load.kinds.to_vec();
        // Only the third step holds on to the latents before it, those of the second before them,
        // and where the run began.
        kinds.extend(kinds.last().copied());
        let mut plan = Sampler::Ddim.plan_with(&self.schedule, kinds.len(), Tuning::default())?;
        for (evaluation, kind) in plan.evaluations.iter_mut().zip(&kinds) {
            evaluation.kind = *kind;
        }
        let noise = (0..load.pictures).map(|_| Rng::Torch.seeded(0)).collect::<Result<_>>()?;
        let [w, h] = load.size.map(|side| side as usize / self.vae.factor());
        let shape = [load.pictures, self.vae.latent_channels, h, w];
        let origin = State::begin(engine, shape, noise, &plan, None, &Extras::default())?;
        let mut denoiser = Denoiser {
            engine,
            contexts: &mut contexts,
            request: &request,
            control,
            previews: Previews::default(),
            prediction: self.schedule.prediction(),
            steps: kinds.len(),
        };
        let steps: Vec<_> = plan.by_step().collect();
        denoiser.rehearse(&origin, &steps).await?;
        let mut state = origin.on(engine);
        let (mut phases, mut waiting) = (Vec::<Phase>::new(), None);
        for (evaluations, kind) in steps.into_iter().zip(kinds) {
            let taken = denoiser.take(&mut state, evaluations).await?;
            let phase = counted(name(kind), &engine.gpu);
            if phases.iter().all(|other| other.name != phase.name) {
                phases.push(phase);
            }
            waiting.replace(taken);
        }
        drop(waiting);
        engine.finish(control).await?;
        Ok((phases, state.latents))
    }
}

/// An evaluation, as a phase.
fn name(kind: Kind) -> &'static str {
    match (kind.guided, kind.deep) {
        (true, Deep::Made | Deep::Kept) => "UNet, one evaluation",
        (true, Deep::Reused) => "UNet, cached",
        (false, Deep::Made | Deep::Kept) => "UNet, unguided",
        (false, Deep::Reused) => "UNet, unguided, cached",
    }
}

/// What has been counted since the last phase.
pub(super) async fn phase(name: &'static str, gpu: &Gpu) -> Result<Phase> {
    gpu.finish().await?;
    Ok(counted(name, gpu))
}

/// The same without waiting.
fn counted(name: &'static str, gpu: &Gpu) -> Phase {
    let phase = Phase { name, stats: gpu.stats(), kernels: gpu.kernel_stats() };
    gpu.reset_stats();
    phase
}
