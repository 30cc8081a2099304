//! The VAE's encoder on the GPU, for runs that begin with a picture. Its weights are brought when
//! they are first needed: most pictures are made without it.

use super::options::Options;
use crate::diffusion::noise::nchw_to_nhwc;
use crate::dtype::Precision;
use crate::error::Result;
use crate::gpu::{Gpu, Limits};
use crate::models::vae::Encoder;
use crate::nn::{Loader, Scope};
use crate::pipeline::checkpoint::{Files, weight_type};
use crate::pipeline::control::{Control, Progress};
use crate::tensor::Tensor;
use crate::weights::Source;
use std::cell::RefCell;
use std::rc::Rc;

/// The name of its weights among those that are loaded.
const PART: &str = "vae_encoder";

/// The encoder on the GPU.
pub(super) struct PictureEncoder {
    source: Rc<dyn Source>,
    loaded: RefCell<Option<Rc<Encoder>>>,
}

impl PictureEncoder {
    /// Will be read from the model's source when it is needed.
    pub fn new(source: Rc<dyn Source>) -> PictureEncoder {
        PictureEncoder { source, loaded: RefCell::default() }
    }

    /// `planes` `[3, h, w]` → mean and logvar `[1, h/8, w/8, c]`.
    pub async fn encode(
        &self,
        gpu: &Gpu,
        (files, options): (&Files, &Options),
        (planes, [width, height]): (&[f32], [usize; 2]),
        control: &Control,
    ) -> Result<[Tensor; 2]> {
        files.dry_encoder(options, gpu.limits(), [width, height]).await?;
        let encoder = self.loaded(gpu, files, options, control).await?;
        let padded = [planes, &vec![0.0; width * height]].concat();
        let values = nchw_to_nhwc(&padded, 4, height, width);
        let picture = Tensor::from_f32(gpu, &values, [1, height, width, 4], options.precision);
        let posterior = encoder.forward(&picture);
        Ok([posterior.mean, posterior.logvar])
    }

    /// Lets the encoder go until it is needed again.
    pub fn forget(&self) {
        self.loaded.take();
    }

    async fn loaded(
        &self,
        gpu: &Gpu,
        files: &Files,
        options: &Options,
        control: &Control,
    ) -> Result<Rc<Encoder>> {
        let loaded = self.loaded.borrow().clone();
        if let Some(encoder) = loaded {
            return Ok(encoder);
        }
        let scope = Scope::open(gpu, files.vae_weights().clone(), options.weights);
        let encoder = Rc::new(Encoder::new(&scope, &files.vae)?);
        let mut progress = |bytes_done, bytes_total| {
            control.tell(Progress::Loading { part: PART.into(), bytes_done, bytes_total });
            control.check()
        };
        Loader::new(&scope).run(&*self.source, &mut progress).await?;
        *self.loaded.borrow_mut() = Some(encoder.clone());
        Ok(encoder)
    }
}

impl Files {
    /// Runs the VAE's encoder once without a GPU, within the limits of an adapter.
    ///
    /// # Errors
    /// [`Error::GpuLimit`] for a size, in pixels, that does not fit, and weights that are not
    /// there.
    async fn dry_encoder(
        &self,
        options: &Options,
        limits: Limits,
        [width, height]: [usize; 2],
    ) -> Result<()> {
        let gpu = Gpu::dry_within(limits, options.precision == Precision::F16);
        let weights = options.weights.unwrap_or_else(|| weight_type(self.vae_weights()));
        let encoder = Encoder::new(&Scope::without_file(&gpu, weights), &self.vae)?;
        let picture = Tensor::empty(&gpu, [1, height, width, 4], options.precision);
        drop(encoder.forward(&picture));
        gpu.finish().await
    }
}
