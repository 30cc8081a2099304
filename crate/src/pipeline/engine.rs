//! What carries out the walk's arithmetic: the graphics adapter, or the CPU. The walk itself is
//! written once, in `generate`.

use super::control::Control;
use super::dry::{DryRun, Load};
use super::initial::PictureEncoder;
use super::model::{Files, Model};
use super::{Options, Request};
use crate::diffusion::Evaluation;
use crate::diffusion::noise::{nchw_to_nhwc, nhwc_to_nchw};
use crate::dtype::Precision;
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::models::unet::Context;
use crate::ops::Term;
use crate::tensor::Tensor;
use std::cell::RefCell;
use std::rc::Rc;

/// Memory beside the weights that an adapter is expected to have.
const WORK_BYTES: u64 = 512 << 20;

/// More pictures at once keep no adapter busier.
const AT_ONCE_MAX: usize = 16;

/// A machine that holds the three networks.
pub(super) trait Engine: Sized {
    /// Numbers where the machine has them: a context, latents, a picture.
    type Array: Clone;
    /// A context that the UNet is ready to attend to.
    type Context;

    /// How many of the load's pictures it can work on at once, found before any work; an error
    /// when not even one.
    async fn pictures_at_once(&self, files: &Files, load: Load) -> Result<usize>;
    /// The text encoder without its last `skipped` layers: `rows` rows of `ids` → `[rows, 77, c]`.
    fn encode(&self, ids: &[u32], rows: usize, skipped: usize) -> Self::Array;
    /// States of so many tokens from their numbers, as [`Engine::encode`] gives them.
    fn text(&self, values: &[f32], tokens: usize) -> Self::Array;
    /// The UNet's view of them, as `prompts` prompts of equal length.
    fn prepare(&self, text: &Self::Array, prompts: usize) -> Self::Context;
    /// Latents from their numbers `[pictures, c, h, w]`.
    fn latents(&self, planes: &[f32], shape: [usize; 4]) -> Self::Array;
    /// The VAE's encoder: a picture's planes `[3, h, w]` in −1…1 → mean and logvar of its latents,
    /// `[c, h/8, w/8]` each, not scaled; `size` is width and height.
    async fn encode_picture(
        &self,
        files: &Files,
        planes: &[f32],
        size: [usize; 2],
        control: &Control,
    ) -> Result<[Vec<f32>; 2]>;
    /// The UNet's guided prediction for the latents: `uncond + guidance_scale·(cond − uncond)`. The
    /// context is of as many pictures.
    fn predict(
        &self,
        latents: &Self::Array,
        context: &Self::Context,
        evaluation: &Evaluation,
        request: &Request,
    ) -> Self::Array;
    /// Σ factor · latents
    fn sum(&self, terms: &[(f64, &Self::Array)]) -> Self::Array;
    /// Waits until all of it has run; a fault since the last wait is this call's error, and so is
    /// the caller's wish to stop where the work can be broken off.
    async fn finish(&self, control: &Control) -> Result<()>;
    /// Whether all latents are numbers, once all of it has run; as [`Engine::finish`].
    async fn is_finite(&self, latents: &Self::Array) -> Result<bool>;
    /// The same networks with activations of a wider range, if there is one: weights do not depend
    /// on it.
    fn widened(&self) -> Option<Self>;
    /// The VAE's decoder: picture `index` of the latents → a picture in about −1…1.
    fn decode(&self, latents: &Self::Array, index: usize) -> Self::Array;
    /// The numbers of a context, row-major.
    async fn numbers(&self, text: &Self::Array) -> Result<Vec<f32>>;
    /// The first `channels` planes of latents or of a picture, `[pictures, channels, h, w]`.
    async fn planes(&self, array: &Self::Array, channels: usize) -> Result<Vec<f32>>;
    /// A picture's bytes; a pixel that is no number is transparent.
    async fn rgba(&self, picture: &Self::Array) -> Result<Vec<u8>>;
}

/// The graphics adapter.
pub(super) struct OnGpu {
    pub gpu: Gpu,
    pub model: Rc<Model>,
    pub options: Options,
    pub encoder: Rc<PictureEncoder>,
    /// What dry runs have found out: of which load how many pictures fit at once.
    pub fitting: RefCell<Vec<(Load, usize)>>,
}

impl Engine for OnGpu {
    /// `[b, tokens, c]`; latents and pictures `[pictures, h, w, c]`, c padded to four.
    type Array = Tensor;
    type Context = Context;

    /// As many as need no more memory together than one of them needs at its worst, which is in the
    /// VAE's decoder, or than is to be had anyway.
    async fn pictures_at_once(&self, files: &Files, load: Load) -> Result<usize> {
        let known = self.fitting.borrow().iter().find(|(known, _)| *known == load).copied();
        if let Some((_, pictures)) = known {
            return Ok(pictures);
        }
        let peak = |dry: &DryRun| dry.phases.iter().map(|phase| phase.stats.bytes_peak).max();
        let dry_run = async |pictures| {
            let load = Load { pictures, ..load };
            files.dry_run(&self.options, self.gpu.limits(), load).await
        };
        let one = dry_run(1).await?;
        let most = peak(&one).max(Some(one.weight_bytes + WORK_BYTES));
        let mut pictures = load.pictures.min(AT_ONCE_MAX);
        while pictures > 1 {
            match dry_run(pictures).await {
                Ok(dry) if peak(&dry) <= most => break,
                Ok(_) | Err(Error::GpuLimit { .. }) => pictures = pictures.div_ceil(2),
                Err(error) => return Err(error),
            }
        }
        self.fitting.borrow_mut().push((load, pictures));
        Ok(pictures)
    }

    fn encode(&self, ids: &[u32], _rows: usize, skipped: usize) -> Tensor {
        self.model.text_encoder.forward_without(ids, self.options.precision, skipped)
    }

    fn text(&self, values: &[f32], tokens: usize) -> Tensor {
        let positions = self.model.text_encoder.positions();
        let shape = [tokens / positions, positions, values.len() / tokens];
        Tensor::from_f32(&self.gpu, values, shape, self.options.precision)
    }

    fn prepare(&self, text: &Tensor, prompts: usize) -> Context {
        let [rows, tokens, c] = text.shape().tokens();
        self.model.unet.prepare(&text.reshape([prompts, rows * tokens / prompts, c]))
    }

    fn latents(&self, planes: &[f32], [pictures, c, h, w]: [usize; 4]) -> Tensor {
        let padded = c.next_multiple_of(4);
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
        let (model, picture) = ((files, &self.options), (planes, size));
        let [mean, logvar] = self.encoder.encode(&self.gpu, model, picture, control).await?;
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
        context: &Context,
        evaluation: &Evaluation,
        request: &Request,
    ) -> Tensor {
        let (prompts, guidance) = (request.prompts(), request.guidance_scale);
        let [pictures, ..] = latents.shape().image();
        let scaled = Term::new(evaluation.input_scale as f32, latents);
        let input = Tensor::combine(prompts * pictures, self.options.precision, &[scaled]);
        let eps = self.model.unet.forward(&input, evaluation.timestep, context);
        if prompts == 1 {
            return eps.cast(Precision::F32);
        }
        let uncond = Term { x: &eps, first: 0, coefficient: (1.0 - guidance) as f32 };
        let cond = Term { x: &eps, first: pictures, coefficient: guidance as f32 };
        Tensor::combine(pictures, Precision::F32, &[uncond, cond])
    }

    fn sum(&self, terms: &[(f64, &Tensor)]) -> Tensor {
        let [pictures, ..] = terms[0].1.shape().image();
        let terms: Vec<_> = terms.iter().map(|(factor, x)| Term::new(*factor as f32, x)).collect();
        Tensor::combine(pictures, Precision::F32, &terms)
    }

    async fn finish(&self, control: &Control) -> Result<()> {
        self.gpu.finish_in_parts(&|| control.check()).await
    }

    async fn is_finite(&self, latents: &Tensor) -> Result<bool> {
        latents.is_finite().await
    }

    fn widened(&self) -> Option<OnGpu> {
        let (gpu, model, fitting) = (self.gpu.clone(), self.model.clone(), RefCell::default());
        let encoder = self.encoder.clone();
        let options = Options { precision: Precision::F32, ..self.options };
        (self.options != options).then_some(OnGpu { gpu, model, options, encoder, fitting })
    }

    fn decode(&self, latents: &Tensor, index: usize) -> Tensor {
        // The UNet's buffers fit nothing in the decoder, and the other way round.
        self.gpu.trim();
        let latents = Term { x: latents, first: index, coefficient: 1.0 };
        self.model.vae.decode(&Tensor::combine(1, self.options.precision, &[latents]))
    }

    async fn numbers(&self, text: &Tensor) -> Result<Vec<f32>> {
        text.to_f32().await
    }

    async fn planes(&self, array: &Tensor, channels: usize) -> Result<Vec<f32>> {
        let [_, h, w, c] = array.shape().image();
        let planes = nhwc_to_nchw(&array.to_f32().await?, c, h, w);
        let pictures = planes.chunks_exact(c * h * w);
        Ok(pictures.flat_map(|planes| &planes[..channels * h * w]).copied().collect())
    }

    async fn rgba(&self, picture: &Tensor) -> Result<Vec<u8>> {
        let rgba = picture.to_rgba().await?;
        self.gpu.trim();
        Ok(rgba)
    }
}
