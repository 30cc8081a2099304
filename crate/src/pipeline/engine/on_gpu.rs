//! The engine on the graphics adapter. Only those networks are in its memory that the current stage
//! needs or that are kept between stages.

use super::loading::LoadTarget;
use super::options::Options;
use super::parts::Parts;
use super::plans::Plans;
use super::residency::{Residency, Stage};
use super::vae_encoder;
use super::workload::PlannedWorkload;
use super::{Conditioning, Engine, LoadContext};
use crate::diffusion::noise::{nchw_to_nhwc, nhwc_to_nchw};
use crate::diffusion::{Deep, Evaluation};
use crate::dtype::Precision;
use crate::error::{Error, Result};
use crate::gpu::{Gpu, Held, MatrixUnits, Reading, Rehearsal};
use crate::models::unet::{Cache, Context, UnetInput};
use crate::ops::{FiniteCheck, Term};
use crate::pipeline::checkpoint::{Files, PartSet};
use crate::pipeline::control::{Control, Progress};
use crate::tensor::Tensor;
use crate::weights::Source;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// A recorded check of latents, and the read of what is shown of them.
pub(in crate::pipeline) struct PendingCheck {
    finite: FiniteCheck,
    shown: Option<(Tensor, Reading)>,
}

/// A cached result of the text encoder: its ids, the number of skipped layers, and the states.
struct Encoded {
    ids: Vec<u32>,
    skipped: usize,
    states: Tensor,
}

/// The engine on the graphics adapter.
pub(in crate::pipeline) struct OnGpu {
    pub gpu: Gpu,
    pub options: Options,
    pub(in crate::pipeline) source: Rc<dyn Source>,
    parts: Rc<Parts>,
    /// The number of the text encoder's positions.
    positions: usize,
    pub(in crate::pipeline) plans: Plans,
    residency: Cell<Residency>,
    /// The current stage, shared with the engine of [`Engine::widened`], which shares the parts;
    /// and the peaks of the stages before it.
    stage: Rc<Cell<Option<Stage>>>,
    peaks: RefCell<Vec<(Stage, Held)>>,
    /// The states of the latest prompts, so that another seed does not run the text encoder again.
    encoded: RefCell<Option<Encoded>>,
}

impl OnGpu {
    /// Without any network loaded.
    pub(crate) fn new(
        gpu: &Gpu,
        source: Rc<dyn Source>,
        options: &Options,
        files: &Files,
    ) -> OnGpu {
        OnGpu {
            gpu: gpu.clone(),
            options: options.clone(),
            parts: Rc::default(),
            source,
            positions: files.text_encoder.max_position_embeddings,
            plans: Plans::new(options.device_memory.refused),
            residency: Cell::new(Residency::ALL),
            stage: Rc::default(),
            peaks: RefCell::default(),
            encoded: RefCell::default(),
        }
    }

    /// Sets the residency of all later stages.
    pub(crate) fn set_residency(&self, residency: Residency) {
        self.residency.set(residency);
    }

    /// Follows a plan in all later stages.
    pub(crate) fn follow(&self, plan: PlannedWorkload) {
        self.set_residency(plan.residency);
        self.plans.follow(plan);
    }

    /// Notes that the adapter could not hold a peak of so many bytes. Returns whether the next plan
    /// takes less: not where the user has set the budget or the residency, and not twice for one
    /// peak.
    pub(crate) fn refuse(&self, peak: u64) -> bool {
        let is_fixed = self.options.memory.is_some() || self.options.residency.is_some();
        !is_fixed && self.plans.refuse(peak)
    }

    /// What follows from a result: true where memory was short and the next plan takes less, so
    /// that the same is to be tried again. What the failed run has left is let go.
    pub(crate) async fn takes_less_after<T>(&self, ended: &Result<T>, control: &Control) -> bool {
        let Err(Error::OutOfMemory { .. }) = ended else { return false };
        // Buffers that there was no memory for must not be used again, and the next run begins
        // every stage anew.
        self.encoded.take();
        self.stage.take();
        self.gpu.trim();
        // The errors that follow from the same shortage.
        let _ = self.gpu.finish().await;
        let Some(plan) = self.plans.end() else { return false };
        // Steps were taken for nothing. That is not repeated for one plan after the other: the next
        // one is the smallest that is used without being asked for.
        let refused = plan.peak.min(plan.least + 1);
        let takes_less = self.refuse(refused);
        if takes_less {
            control.report(Progress::MemoryRefused { bytes: refused });
        }
        takes_less
    }

    /// The current residency.
    pub(crate) fn residency(&self) -> Residency {
        self.residency.get()
    }

    /// The peak of memory in each stage of the latest run, and in loading.
    pub(crate) fn peaks(&self) -> Vec<(Stage, Held)> {
        let mut peaks = self.peaks.borrow().clone();
        if let Some(stage) = self.stage.get() {
            note(&mut peaks, stage, self.gpu.stage_peak());
        }
        peaks
    }

    /// Begins a stage: drops the parts that it does not need and that are not kept, and loads those
    /// that it needs.
    ///
    /// # Errors
    /// Those of the source and of the device; [`Error::Cancelled`](crate::Error::Cancelled).
    pub(crate) async fn enter(&self, stage: Stage, call: LoadContext<'_>) -> Result<()> {
        if self.stage.get() == Some(stage) {
            return Ok(());
        }
        let Residency { kept, .. } = self.residency.get();
        self.gpu.finish().await?;
        if let Some(before) = self.stage.take() {
            note(&mut self.peaks.borrow_mut(), before, self.gpu.stage_peak());
        }
        let needed = stage.needs();
        self.parts.keep(self.residency.get().resident().or(needed));
        self.gpu.trim();
        self.gpu.begin_stage_peak();
        let wanted = if stage == Stage::Loading { kept } else { needed };
        self.bring(wanted, call).await?;
        self.stage.set(Some(stage));
        Ok(())
    }

    async fn bring(&self, wanted: PartSet, call: LoadContext<'_>) -> Result<()> {
        let target = LoadTarget { gpu: &self.gpu, source: &*self.source, control: call.control };
        self.parts.bring(wanted, (call.files, self.options.weights), &target).await
    }
}

/// The first `channels` planes of each picture of an array, from its values.
fn planes_of(array: &Tensor, numbers: &[f32], channels: usize) -> Vec<f32> {
    let [_, h, w, c] = array.shape().image();
    let planes = nhwc_to_nchw(numbers, c, h, w);
    let pictures = planes.chunks_exact(c * h * w);
    pictures.flat_map(|planes| &planes[..channels * h * w]).copied().collect()
}

/// Records a stage's peak, in place of its earlier one.
fn note(peaks: &mut Vec<(Stage, Held)>, stage: Stage, peak: Held) {
    peaks.retain(|(other, _)| *other != stage);
    peaks.push((stage, peak));
}

impl Engine for OnGpu {
    /// `[b, tokens, c]`; latents and pictures `[pictures, h, w, c]`, c padded to four.
    type Array = Tensor;
    type Context = Context;
    type PendingCheck = PendingCheck;
    const RUNS_AHEAD: bool = true;

    async fn encode(
        &self,
        ids: &[u32],
        _rows: usize,
        skipped: usize,
        call: LoadContext<'_>,
    ) -> Result<Tensor> {
        if let Some(known) = &*self.encoded.borrow()
            && (&known.ids[..], known.skipped) == (ids, skipped)
        {
            return Ok(known.states.clone());
        }
        self.encoded.take();
        self.enter(Stage::Text, call).await?;
        let encoder = self.parts.text_encoder();
        // Nothing notices numbers that outgrow f16 here, and it is a thousandth of the work.
        let kept = self.gpu.keep_range(true);
        let states = encoder.forward_without(ids, self.options.precision, skipped);
        self.gpu.keep_range(kept);
        // A cancel is checked for in the first step.
        self.gpu.finish_in_parts(&|| Ok(())).await?;
        let known = Encoded { ids: ids.to_vec(), skipped, states: states.clone() };
        self.encoded.replace(Some(known));
        Ok(states)
    }

    fn upload_states(&self, values: &[f32], tokens: usize) -> Tensor {
        let positions = self.positions;
        let shape = [tokens / positions, positions, values.len() / tokens];
        Tensor::from_f32(&self.gpu, values, shape, self.options.precision)
    }

    fn last_prompt(&self, text: &Tensor, prompts: usize) -> Tensor {
        let [rows, ..] = text.shape().tokens();
        let chunks = rows / prompts;
        let last = Term { x: text, first: rows - chunks, coefficient: 1.0 };
        Tensor::combine(chunks, text.precision(), &[last])
    }

    async fn prepare(
        &self,
        text: &Tensor,
        prompts: usize,
        call: LoadContext<'_>,
    ) -> Result<Context> {
        self.enter(Stage::Denoising, call).await?;
        let [rows, tokens, c] = text.shape().tokens();
        let text = text.reshape([prompts, rows * tokens / prompts, c]);
        let context = self.parts.unet().prepare(&text);
        // A cancel is checked for in the first step.
        self.gpu.finish_in_parts(&|| Ok(())).await?;
        Ok(context)
    }

    fn latents(&self, planes: &[f32], [pictures, c, h, w]: [usize; 4]) -> Tensor {
        let padded = c.next_multiple_of(4);
        if planes.is_empty() {
            return Tensor::for_host(&self.gpu, [pictures, h, w, padded], Precision::F32);
        }
        let zeros = vec![0.0; (padded - c) * h * w];
        let of_picture = planes.chunks_exact(c * h * w);
        let planes: Vec<f32> = of_picture.flat_map(|planes| [planes, &zeros].concat()).collect();
        let values = nchw_to_nhwc(&planes, padded, h, w);
        Tensor::from_f32(&self.gpu, &values, [pictures, h, w, padded], Precision::F32)
    }

    async fn encode_picture(
        &self,
        files: &Files,
        planes: &[f32],
        size: [usize; 2],
        control: &Control,
    ) -> Result<[Vec<f32>; 2]> {
        files.dry_encoder(&self.options, self.gpu.limits(), size).await?;
        self.enter(Stage::Beginning, LoadContext { files, control }).await?;
        let [mean, logvar] = {
            let encoder = self.parts.vae_encoder();
            vae_encoder::encode(&encoder, &self.gpu, self.options.precision, (planes, size))
        };
        let c = files.vae.latent_channels;
        let moments = [self.planes(&mean, c).await?, self.planes(&logvar, c).await?];
        drop((mean, logvar));
        // The encoder's buffers have sizes that the UNet cannot reuse.
        self.gpu.trim();
        Ok(moments)
    }

    fn predict(
        &self,
        latents: &Tensor,
        evaluation: &Evaluation,
        conditioning: Conditioning<'_, OnGpu>,
    ) -> Tensor {
        let Conditioning { context, prompts, guidance_scale, deep } = conditioning;
        let Evaluation { timestep, kind, .. } = *evaluation;
        let [pictures, ..] = latents.shape().image();
        let scaled = Term::new(evaluation.input_scale as f32, latents);
        let input = Tensor::combine(prompts * pictures, self.options.precision, &[scaled]);
        let context = &context.merging(kind.merged_per_mille);
        // Deep features that are not reused are dropped before new ones are computed.
        let deep_before = deep.take().filter(|_| kind.deep == Deep::Reused);
        let cache = Cache::of(kind.deep, deep_before.as_ref());
        let plain = UnetInput::new(&input, timestep, context);
        let input = UnetInput { cache, guidance_scale: Some(guidance_scale), ..plain };
        let output = self.parts.unet().forward(&input);
        *deep = output.deep;
        let eps = output.sample;
        if prompts == 1 {
            return Tensor::combine_kept(pictures, &[Term::new(1.0, &eps)]);
        }
        let uncond = Term { x: &eps, first: 0, coefficient: (1.0 - guidance_scale) as f32 };
        let cond = Term { x: &eps, first: pictures, coefficient: guidance_scale as f32 };
        Tensor::combine_kept(pictures, &[uncond, cond])
    }

    fn sum(&self, terms: &[(f64, &Tensor)]) -> Tensor {
        let [pictures, ..] = terms[0].1.shape().image();
        let terms: Vec<_> = terms.iter().map(|(factor, x)| Term::new(*factor as f32, x)).collect();
        Tensor::combine_kept(pictures, &terms)
    }

    async fn finish(&self, control: &Control) -> Result<()> {
        self.gpu.finish_in_parts(&|| control.check()).await
    }

    async fn advance(&self, control: &Control) -> Result<()> {
        self.gpu.advance_in_parts(&|| control.check()).await
    }

    fn start_check(&self, latents: &Tensor, shown: Option<&Tensor>) -> PendingCheck {
        let shown = shown.map(|shown| (shown.clone(), shown.start_read()));
        PendingCheck { finite: latents.start_finite_check(), shown }
    }

    async fn finish_check(&self, check: PendingCheck, channels: usize) -> Result<Option<Vec<f32>>> {
        if !check.finite.is_finite().await? {
            return Ok(None);
        }
        let Some((shown, reading)) = check.shown else { return Ok(Some(Vec::new())) };
        let numbers = shown.numbers(&reading.bytes().await?);
        Ok(Some(planes_of(&shown, &numbers, channels)))
    }

    fn rehearse(&self) -> Option<Rehearsal> {
        Some(self.gpu.rehearse())
    }

    fn buffers_made(&self) -> u64 {
        self.gpu.stats().made.buffers
    }

    /// Matrix units multiply f16: they are left aside where numbers outgrow it.
    fn choose_kernels(&self, wide: bool) {
        self.gpu.keep_range(wide);
    }

    fn narrowest(&self) -> &'static str {
        if self.options.precision == Precision::F16 { "f16" } else { "the matrix units' f16" }
    }

    fn widened(&self) -> Option<OnGpu> {
        let narrow = self.options.precision != Precision::F32
            || self.gpu.matrix_units() != MatrixUnits::Unused;
        narrow.then(|| OnGpu {
            gpu: self.gpu.clone(),
            options: Options { precision: Precision::F32, ..self.options.clone() },
            source: self.source.clone(),
            parts: self.parts.clone(),
            positions: self.positions,
            plans: self.plans.widened(),
            residency: self.residency.clone(),
            stage: self.stage.clone(),
            peaks: RefCell::default(),
            encoded: RefCell::default(),
        })
    }

    async fn decode(
        &self,
        latents: &Tensor,
        index: usize,
        call: LoadContext<'_>,
    ) -> Result<Tensor> {
        self.enter(Stage::Decoding, call).await?;
        let latents = Term { x: latents, first: index, coefficient: 1.0 };
        let latents = Tensor::combine(1, self.options.precision, &[latents]);
        let vae = self.parts.vae();
        let check = || call.control.check();
        match self.residency.get().bands {
            Some(rows) => vae.decode_in_bands(&latents, rows, &check).await,
            None => {
                let picture = vae.decode(&latents);
                self.gpu.finish_in_parts(&check).await?;
                Ok(picture)
            }
        }
    }

    async fn reload_unet(&self, call: LoadContext<'_>) -> Result<()> {
        self.enter(Stage::Denoising, call).await
    }

    async fn read_states(&self, text: &Tensor) -> Result<Vec<f32>> {
        text.to_f32().await
    }

    async fn planes(&self, array: &Tensor, channels: usize) -> Result<Vec<f32>> {
        Ok(planes_of(array, &array.to_f32().await?, channels))
    }

    async fn rgba(&self, picture: &Tensor) -> Result<Vec<u8>> {
        let rgba = picture.to_rgba().await?;
        self.gpu.trim();
        Ok(rgba)
    }
}
