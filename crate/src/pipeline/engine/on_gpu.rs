//! The engine on the graphics adapter. Only those networks are in its memory that the current stage
//! needs or that are kept between stages.

use super::controls::{ControlsOnGpu, ReadyControls};
use super::encoded::Encoded;
use super::options::Options;
use super::parts::Parts;
use super::pending_check::PendingCheck;
use super::planes::{channels_last, planes_of};
use super::plans::Plans;
use super::residency::{Residency, Stage};
use super::taesd::TaesdOnGpu;
use super::vae_encoder;
use super::{Conditioning, Engine, GpuContext, LoadContext, Moments};
use crate::diffusion::Evaluation;
use crate::dtype::Precision;
use crate::error::Result;
use crate::gpu::{Gpu, Held, MatrixUnits, Rehearsal};
use crate::ops::Term;
use crate::pipeline::checkpoint::{BesideVae, Files, FittedControl, PictureControl};
use crate::pipeline::control::Control;
use crate::tensor::Tensor;
use crate::weights::Source;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// The engine on the graphics adapter.
pub(in crate::pipeline) struct OnGpu {
    pub gpu: Gpu,
    pub options: Options,
    pub(in crate::pipeline) source: Rc<dyn Source>,
    pub(super) parts: Rc<Parts>,
    pub(super) taesd: Rc<TaesdOnGpu>,
    pub(in crate::pipeline) controls: Rc<ControlsOnGpu>,
    /// The number of the text encoder's positions.
    positions: usize,
    pub(in crate::pipeline) plans: Plans,
    pub(super) residency: Cell<Residency>,
    /// The current stage, shared with the engine of [`Engine::widened`], which shares the parts;
    /// and the peaks of the stages before it.
    pub(super) stage: Rc<Cell<Option<Stage>>>,
    pub(super) peaks: RefCell<Vec<(Stage, Held)>>,
    pub(super) encoded: Encoded,
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
            taesd: Rc::new(TaesdOnGpu::new(options.taesd.as_ref())),
            controls: Rc::default(),
            source,
            positions: files.text_encoder.max_position_embeddings,
            plans: Plans::new(options.device_memory.refused),
            residency: Cell::new(Residency::ALL),
            stage: Rc::default(),
            peaks: RefCell::default(),
            encoded: Encoded::default(),
        }
    }
}

impl Engine for OnGpu {
    /// `[b, tokens, c]`; latents and pictures `[pictures, h, w, c]`, c padded to four.
    type Array = Tensor;
    type Context = GpuContext;
    type Controls = ReadyControls;
    type PendingCheck = PendingCheck;
    const RUNS_AHEAD: bool = true;

    async fn encode(
        &self,
        ids: &[u32],
        _rows: usize,
        skipped: usize,
        call: LoadContext<'_>,
    ) -> Result<Tensor> {
        if let Some(states) = self.encoded.find(ids, skipped) {
            return Ok(states);
        }
        self.encoded.forget();
        self.enter(Stage::Text, call).await?;
        let encoder = self.parts.text_encoder();
        // Nothing notices numbers that outgrow f16 here, and it is a thousandth of the work.
        let kept = self.gpu.keep_range(true);
        let states = encoder.forward_without(ids, self.options.precision, skipped);
        self.gpu.keep_range(kept);
        // A cancel is checked for in the first step.
        self.gpu.finish_in_parts(&|| Ok(())).await?;
        self.encoded.remember(ids, skipped, &states);
        Ok(states)
    }

    fn upload_states(&self, values: &[f32], tokens: usize) -> Tensor {
        let positions = self.positions;
        let shape = [tokens / positions, positions, values.len() / tokens];
        Tensor::from_f32(&self.gpu, values, shape, self.options.precision)
    }

    fn last_prompts(&self, text: &Tensor, prompts: usize, last: usize) -> Tensor {
        let [rows, ..] = text.shape().tokens();
        let chunks = last * rows / prompts;
        let last = Term { x: text, first: rows - chunks, coefficient: 1.0 };
        Tensor::combine(chunks, text.precision(), &[last])
    }

    fn use_controls(&self, controls: Vec<FittedControl>) {
        self.choose_controls(controls);
    }

    async fn begin_controls(
        &self,
        controls: &[PictureControl],
        size: [u32; 2],
        call: LoadContext<'_>,
    ) -> Result<ReadyControls> {
        self.show_controls(controls, size, call).await
    }

    async fn prepare(
        &self,
        text: &Tensor,
        [prompts, positive]: [usize; 2],
        controls: &ReadyControls,
        call: LoadContext<'_>,
    ) -> Result<GpuContext> {
        self.enter(Stage::Denoising, call).await?;
        let [rows, tokens, c] = text.shape().tokens();
        let text = text.reshape([prompts, rows * tokens / prompts, c]);
        let context = self.contexts(&text, positive, controls);
        // A cancel is checked for in the first step.
        self.gpu.finish_in_parts(&|| Ok(())).await?;
        Ok(context)
    }

    fn latents(&self, planes: &[f32], [pictures, c, h, w]: [usize; 4]) -> Tensor {
        let padded = c.next_multiple_of(4);
        if planes.is_empty() {
            return Tensor::for_host(&self.gpu, [pictures, h, w, padded], Precision::F32);
        }
        let values = channels_last(planes, [pictures, c, h, w]);
        Tensor::from_f32(&self.gpu, &values, [pictures, h, w, padded], Precision::F32)
    }

    async fn encode_picture(
        &self,
        files: &Files,
        planes: &[f32],
        size: [usize; 2],
        control: &Control,
    ) -> Result<Moments> {
        if let Some(beside) = self.taesd().filter(|_| self.taesd.encodes()) {
            self.enter(Stage::Beginning, LoadContext { files, control }).await?;
            let precision = self.options.precision;
            let latents = self.taesd.encode(&self.gpu, precision, (planes, size)).await?;
            let mean = self.planes(&latents, files.vae.latent_channels).await?;
            return Moments::of_taesd(mean, beside);
        }
        self.check_encoder(files, size).await?;
        self.enter(Stage::Beginning, LoadContext { files, control }).await?;
        let [mean, logvar] = {
            let encoder = self.parts.vae_encoder();
            vae_encoder::encode(&encoder, &self.gpu, self.options.precision, (planes, size))
        };
        let c = files.vae.latent_channels;
        let moments = Moments {
            mean: self.planes(&mean, c).await?,
            logvar: self.planes(&logvar, c).await?,
            scaling_factor: files.vae.scaling_factor,
            by_taesd: false,
        };
        drop((mean, logvar));
        // The encoder's buffers have sizes that the UNet cannot reuse.
        self.gpu.trim();
        Ok(moments)
    }

    async fn check_encoder(&self, files: &Files, size: [usize; 2]) -> Result<()> {
        match self.taesd.encodes() {
            true => self.taesd.check_encoder(self.gpu.limits(), self.options.precision, size).await,
            false => files.dry_encoder(&self.options, self.gpu.limits(), size).await,
        }
    }

    fn predict(
        &self,
        latents: &Tensor,
        evaluation: &Evaluation,
        conditioning: Conditioning<'_, OnGpu>,
    ) -> Tensor {
        self.guided(latents, evaluation, conditioning)
    }

    fn blend(&self, mask: &Tensor, a: &Tensor, b: &Tensor) -> Tensor {
        mask.blend_kept(a, b)
    }

    fn window(&self, latents: &Tensor, at: [usize; 2], size: [usize; 2]) -> Tensor {
        latents.window_kept(at, size)
    }

    fn add_at(&self, latents: &Tensor, part: &Tensor, at: [usize; 2]) -> Tensor {
        latents.add_at_kept(part, at)
    }

    fn trim(&self) {
        self.gpu.trim();
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
        PendingCheck::start(latents, shown)
    }

    async fn finish_check(&self, check: PendingCheck, channels: usize) -> Result<Option<Vec<f32>>> {
        check.finish(channels).await
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
            taesd: self.taesd.clone(),
            controls: self.controls.clone(),
            positions: self.positions,
            plans: self.plans.widened(),
            residency: self.residency.clone(),
            stage: self.stage.clone(),
            peaks: RefCell::default(),
            encoded: Encoded::default(),
        })
    }

    fn taesd(&self) -> Option<&BesideVae> {
        self.taesd.beside.as_ref()
    }

    fn decodes_by_taesd(&self) -> bool {
        self.residency.get().taesd && self.taesd.beside.is_some()
    }

    async fn preview(&self, latents: &Tensor, call: LoadContext<'_>) -> Result<Tensor> {
        if self.taesd.beside.is_none() {
            return self.decode(latents, 0, call).await;
        }
        self.enter(Stage::Previewing, call).await?;
        let first = Tensor::combine(1, self.options.precision, &[Term::new(1.0, latents)]);
        self.taesd.decode(&first, call.control).await
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
        if self.decodes_by_taesd() {
            return self.taesd.decode(&latents, call.control).await;
        }
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

    async fn make_room(&self, bytes: u64) -> Result<()> {
        self.let_go_for(bytes).await
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
