//! The engine on the graphics adapter. Of the three networks those are in its memory that are
//! needed now, or that are kept between the stages.

use super::loading::Place;
use super::options::Options;
use super::parts::Parts;
use super::residency::{Residency, Stage};
use super::vae_encoder;
use super::workload::{Fit, Load};
use super::{Call, Conditioning, Engine};
use crate::diffusion::noise::{nchw_to_nhwc, nhwc_to_nchw};
use crate::diffusion::{Deep, Evaluation};
use crate::dtype::Precision;
use crate::error::Result;
use crate::gpu::{Gpu, Held, Reading, Rehearsal};
use crate::models::unet::{Cache, Context, UnetInput};
use crate::ops::{Health, Term};
use crate::pipeline::checkpoint::{Files, PartSet};
use crate::pipeline::control::Control;
use crate::tensor::Tensor;
use crate::weights::Source;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// Latents that are looked at, and what is shown of them.
pub(in crate::pipeline) struct Watch {
    health: Health,
    shown: Option<(Tensor, Reading)>,
}

/// What the text encoder made of some ids, without so many of its last layers.
struct Encoded {
    ids: Vec<u32>,
    skipped: usize,
    states: Tensor,
}

/// The graphics adapter.
pub(in crate::pipeline) struct OnGpu {
    pub gpu: Gpu,
    pub options: Options,
    pub(in crate::pipeline) source: Rc<dyn Source>,
    parts: Rc<Parts>,
    /// Tokens that the text encoder has positions for.
    positions: usize,
    fitting: RefCell<Vec<Fit>>,
    residency: Cell<Residency>,
    /// What works now, also for the wider machine, which shares the parts; the stages before it,
    /// with the most that they held.
    stage: Rc<Cell<Option<Stage>>>,
    peaks: RefCell<Vec<(Stage, Held)>>,
    /// Of the latest prompts: other seeds do not need the text encoder again.
    encoded: RefCell<Option<Encoded>>,
}

impl OnGpu {
    /// With no network yet.
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
            fitting: RefCell::default(),
            residency: Cell::new(Residency::ALL),
            stage: Rc::default(),
            peaks: RefCell::default(),
            encoded: RefCell::default(),
        }
    }

    /// What was planned for a load, if it was.
    pub(crate) fn planned(&self, load: Load) -> Option<Fit> {
        self.fitting.borrow().iter().find(|known| known.load == load).copied()
    }

    /// Remembers what was planned for a load.
    pub(crate) fn remember(&self, fit: Fit) {
        self.fitting.borrow_mut().push(fit);
    }

    /// From now on these parts are kept, and pictures are decoded in this way.
    pub(crate) fn set_residency(&self, residency: Residency) {
        self.residency.set(residency);
    }

    /// What is kept, and how pictures are decoded.
    pub(crate) fn residency(&self) -> Residency {
        self.residency.get()
    }

    /// The most that was held in each stage of the latest run, and in loading.
    pub(crate) fn peaks(&self) -> Vec<(Stage, Held)> {
        let mut peaks = self.peaks.borrow().clone();
        if let Some(stage) = self.stage.get() {
            note(&mut peaks, stage, self.gpu.lap_peak());
        }
        peaks
    }

    /// Begins a stage: lets go what it does not need and is not kept, and brings what it needs.
    ///
    /// # Errors
    /// Those of the source and of the device; [`Error::Cancelled`](crate::Error::Cancelled).
    pub(crate) async fn enter(&self, stage: Stage, call: Call<'_>) -> Result<()> {
        if self.stage.get() == Some(stage) {
            return Ok(());
        }
        let Residency { kept, .. } = self.residency.get();
        self.gpu.finish().await?;
        if let Some(before) = self.stage.take() {
            note(&mut self.peaks.borrow_mut(), before, self.gpu.lap_peak());
        }
        let needed = stage.needs();
        self.parts.keep(self.residency.get().resident().or(needed));
        self.gpu.trim();
        self.gpu.lap();
        let wanted = if stage == Stage::Loading { kept } else { needed };
        self.bring(wanted, call).await?;
        self.stage.set(Some(stage));
        Ok(())
    }

    async fn bring(&self, wanted: PartSet, call: Call<'_>) -> Result<()> {
        let place = Place { gpu: &self.gpu, source: &*self.source, control: call.control };
        self.parts.bring(wanted, (call.files, self.options.weights), &place).await
    }
}

/// The first planes of each picture of an array, from its numbers.
fn planes_of(array: &Tensor, numbers: &[f32], channels: usize) -> Vec<f32> {
    let [_, h, w, c] = array.shape().image();
    let planes = nhwc_to_nchw(numbers, c, h, w);
    let pictures = planes.chunks_exact(c * h * w);
    pictures.flat_map(|planes| &planes[..channels * h * w]).copied().collect()
}

/// Puts a stage's peak in place of that of the same stage before.
fn note(peaks: &mut Vec<(Stage, Held)>, stage: Stage, peak: Held) {
    peaks.retain(|(other, _)| *other != stage);
    peaks.push((stage, peak));
}

impl Engine for OnGpu {
    /// `[b, tokens, c]`; latents and pictures `[pictures, h, w, c]`, c padded to four.
    type Array = Tensor;
    type Context = Context;
    type Watch = Watch;
    const RUNS_AHEAD: bool = true;

    async fn encode(
        &self,
        ids: &[u32],
        _rows: usize,
        skipped: usize,
        call: Call<'_>,
    ) -> Result<Tensor> {
        if let Some(known) = &*self.encoded.borrow()
            && (&known.ids[..], known.skipped) == (ids, skipped)
        {
            return Ok(known.states.clone());
        }
        self.encoded.take();
        self.enter(Stage::Text, call).await?;
        let encoder = self.parts.text_encoder();
        let states = encoder.forward_without(ids, self.options.precision, skipped);
        // A cancel is checked for in the first step.
        self.gpu.finish_in_parts(&|| Ok(())).await?;
        let known = Encoded { ids: ids.to_vec(), skipped, states: states.clone() };
        self.encoded.replace(Some(known));
        Ok(states)
    }

    fn text(&self, values: &[f32], tokens: usize) -> Tensor {
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

    async fn prepare(&self, text: &Tensor, prompts: usize, call: Call<'_>) -> Result<Context> {
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
        self.enter(Stage::Beginning, Call { files, control }).await?;
        let [mean, logvar] = {
            let encoder = self.parts.vae_encoder();
            vae_encoder::encode(&encoder, &self.gpu, self.options.precision, (planes, size))
        };
        let c = files.vae.latent_channels;
        let moments = [self.planes(&mean, c).await?, self.planes(&logvar, c).await?];
        drop((mean, logvar));
        // The encoder's buffers fit nothing in the UNet.
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
        let context = &context.merging(kind.merged);
        // Those that are not to be reused are let go before others are made.
        let deep_before = deep.take().filter(|_| kind.deep == Deep::Reused);
        let cache = Cache::of(kind.deep, deep_before.as_ref());
        let input = UnetInput { cache, ..UnetInput::new(&input, timestep, context) };
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

    fn watch(&self, latents: &Tensor, shown: Option<&Tensor>) -> Watch {
        let shown = shown.map(|shown| (shown.clone(), shown.start_read()));
        Watch { health: latents.start_health(), shown }
    }

    async fn seen(&self, watch: Watch, channels: usize) -> Result<Option<Vec<f32>>> {
        if !watch.health.is_finite().await? {
            return Ok(None);
        }
        let Some((shown, reading)) = watch.shown else { return Ok(Some(Vec::new())) };
        let numbers = shown.numbers(&reading.bytes().await?);
        Ok(Some(planes_of(&shown, &numbers, channels)))
    }

    fn rehearse(&self) -> Option<Rehearsal> {
        Some(self.gpu.rehearse())
    }

    fn buffers_made(&self) -> u64 {
        self.gpu.stats().made.buffers
    }

    fn widened(&self) -> Option<OnGpu> {
        (self.options.precision != Precision::F32).then(|| OnGpu {
            gpu: self.gpu.clone(),
            options: Options { precision: Precision::F32, ..self.options.clone() },
            source: self.source.clone(),
            parts: self.parts.clone(),
            positions: self.positions,
            fitting: RefCell::default(),
            residency: self.residency.clone(),
            stage: self.stage.clone(),
            peaks: RefCell::default(),
            encoded: RefCell::default(),
        })
    }

    async fn decode(&self, latents: &Tensor, index: usize, call: Call<'_>) -> Result<Tensor> {
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

    async fn resume(&self, call: Call<'_>) -> Result<()> {
        self.enter(Stage::Denoising, call).await
    }

    async fn numbers(&self, text: &Tensor) -> Result<Vec<f32>> {
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
