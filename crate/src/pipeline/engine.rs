//! What carries out the walk's arithmetic: the graphics adapter, or the CPU. The walk itself is
//! written once, in `generate`.

use super::model::{Files, Model};
use super::{Options, Request};
use crate::diffusion::Evaluation;
use crate::diffusion::noise::{nchw_to_nhwc, nhwc_to_nchw};
use crate::dtype::Precision;
use crate::error::Result;
use crate::gpu::Gpu;
use crate::models::unet::Context;
use crate::ops::Term;
use crate::tensor::Tensor;
use std::cell::RefCell;
use std::rc::Rc;

/// A machine that holds the three networks.
pub(super) trait Engine: Sized {
    /// Numbers where the machine has them: a context, latents, a picture.
    type Array: Clone;
    /// A context that the UNet is ready to attend to.
    type Context;

    /// Whether a picture of this size can be made from so many prompts, before any work.
    async fn check_fit(&self, files: &Files, size: [u32; 2], prompts: usize) -> Result<()>;
    /// The text encoder: `ids` of `prompts` prompts → `[prompts, tokens, c]`.
    fn encode(&self, ids: &[u32], prompts: usize) -> Self::Array;
    /// The UNet's view of it.
    fn prepare(&self, text: &Self::Array) -> Self::Context;
    /// Latents from their numbers `[1, c, h, w]`.
    fn latents(&self, planes: &[f32], shape: [usize; 4]) -> Self::Array;
    /// The UNet's guided prediction for the latents: `uncond + guidance_scale·(cond − uncond)`.
    fn predict(
        &self,
        latents: &Self::Array,
        context: &Self::Context,
        evaluation: &Evaluation,
        request: &Request,
    ) -> Self::Array;
    /// Σ factor · latents
    fn sum(&self, terms: &[(f64, &Self::Array)]) -> Self::Array;
    /// Waits until all of it has run; a fault since the last wait is this call's error.
    async fn finish(&self) -> Result<()>;
    /// Whether all latents are numbers, once all of it has run; as [`Engine::finish`].
    async fn is_finite(&self, latents: &Self::Array) -> Result<bool>;
    /// The same networks with activations of a wider range, if there is one: weights do not depend
    /// on it.
    fn widened(&self) -> Option<Self>;
    /// The VAE's decoder: latents → a picture in about −1…1.
    fn decode(&self, latents: &Self::Array) -> Self::Array;
    /// The numbers of a context, row-major.
    async fn numbers(&self, text: &Self::Array) -> Result<Vec<f32>>;
    /// The first `channels` planes of latents or of a picture, `[channels, h, w]`.
    async fn planes(&self, array: &Self::Array, channels: usize) -> Result<Vec<f32>>;
    /// A picture's bytes; a pixel that is no number is transparent.
    async fn rgba(&self, picture: &Self::Array) -> Result<Vec<u8>>;
}

/// The graphics adapter.
pub(super) struct OnGpu {
    pub gpu: Gpu,
    pub model: Rc<Model>,
    pub options: Options,
    /// Sizes and numbers of prompts that a dry run has found to fit.
    pub fitting: RefCell<Vec<([u32; 2], usize)>>,
}

impl Engine for OnGpu {
    /// `[b, tokens, c]`; latents and pictures `[1, h, w, c]`, c padded to four.
    type Array = Tensor;
    type Context = Context;

    async fn check_fit(&self, files: &Files, size: [u32; 2], prompts: usize) -> Result<()> {
        let known = self.fitting.borrow().contains(&(size, prompts));
        if !known {
            files.dry_run(&self.options, self.gpu.limits(), size, prompts).await?;
            self.fitting.borrow_mut().push((size, prompts));
        }
        Ok(())
    }

    fn encode(&self, ids: &[u32], _prompts: usize) -> Tensor {
        self.model.text_encoder.forward(ids, self.options.precision)
    }

    fn prepare(&self, text: &Tensor) -> Context {
        self.model.unet.prepare(text)
    }

    fn latents(&self, planes: &[f32], [_, c, h, w]: [usize; 4]) -> Tensor {
        let padded = c.next_multiple_of(4);
        let mut planes = planes.to_vec();
        planes.resize(padded * h * w, 0.0);
        let values = nchw_to_nhwc(&planes, padded, h, w);
        Tensor::from_f32(&self.gpu, &values, [1, h, w, padded], Precision::F32)
    }

    fn predict(
        &self,
        latents: &Tensor,
        context: &Context,
        evaluation: &Evaluation,
        request: &Request,
    ) -> Tensor {
        let (prompts, guidance) = (request.prompts(), request.guidance_scale);
        let scaled = Term::new(evaluation.input_scale as f32, latents);
        let input = Tensor::combine(prompts, self.options.precision, &[scaled]);
        let eps = self.model.unet.forward(&input, evaluation.timestep, context);
        if prompts == 1 {
            return eps.cast(Precision::F32);
        }
        let uncond = Term { x: &eps, first: 0, coefficient: (1.0 - guidance) as f32 };
        let cond = Term { x: &eps, first: 1, coefficient: guidance as f32 };
        Tensor::combine(1, Precision::F32, &[uncond, cond])
    }

    fn sum(&self, terms: &[(f64, &Tensor)]) -> Tensor {
        let terms: Vec<_> = terms.iter().map(|(factor, x)| Term::new(*factor as f32, x)).collect();
        Tensor::combine(1, Precision::F32, &terms)
    }

    async fn finish(&self) -> Result<()> {
        self.gpu.finish().await
    }

    async fn is_finite(&self, latents: &Tensor) -> Result<bool> {
        latents.is_finite().await
    }

    fn widened(&self) -> Option<OnGpu> {
        let (gpu, model, fitting) = (self.gpu.clone(), self.model.clone(), RefCell::default());
        let options = Options { precision: Precision::F32, ..self.options };
        (self.options != options).then_some(OnGpu { gpu, model, options, fitting })
    }

    fn decode(&self, latents: &Tensor) -> Tensor {
        // The UNet's buffers fit nothing in the decoder, and the other way round.
        self.gpu.trim();
        self.model.vae.decode(&latents.cast(self.options.precision))
    }

    async fn numbers(&self, text: &Tensor) -> Result<Vec<f32>> {
        text.to_f32().await
    }

    async fn planes(&self, array: &Tensor, channels: usize) -> Result<Vec<f32>> {
        let [_, h, w, c] = array.shape().image();
        let mut planes = nhwc_to_nchw(&array.to_f32().await?, c, h, w);
        planes.truncate(channels * h * w);
        Ok(planes)
    }

    async fn rgba(&self, picture: &Tensor) -> Result<Vec<u8>> {
        let rgba = picture.to_rgba().await?;
        self.gpu.trim();
        Ok(rgba)
    }
}
