//! What a run begins with when it begins with a picture and not with noise alone.
//!
//! ```text
//! picture → resized, as Pillow does → planes in −1…1     [3, h, w]
//! planes  → the VAE's encoder       → mean, logvar       [c, h/8, w/8] each
//! z       = mean + e^(logvar/2) · noise                  the first draw of a picture's stream
//! latents = signal · scaling_factor · z + sigma · noise  the second; see `Plan`
//! ```
//!
//! diffusers: `StableDiffusionImg2ImgPipeline`. The encoder's weights are brought to the GPU when
//! they are first needed, and stay where the VAE does: most pictures are made without it.

use super::Options;
use super::control::{Control, Progress};
use super::engine::Engine;
use super::model::{Files, weight_type};
use crate::diffusion::noise::{Generator, nchw_to_nhwc};
use crate::dtype::Precision;
use crate::error::{Error, Result};
use crate::gpu::{Gpu, Limits};
use crate::image::Rgba;
use crate::models::vae::Encoder;
use crate::nn::{Loader, Scope};
use crate::request::{Request, taken};
use crate::tensor::Tensor;
use crate::weights::Source;
use std::cell::RefCell;
use std::rc::Rc;

/// diffusers' strength for a picture without one.
pub(super) const STRENGTH: f64 = 0.8;

/// Where diffusers keeps logvar.
const LOGVAR: std::ops::RangeInclusive<f32> = -30.0..=20.0;

/// The name of the encoder's weights among those that are loaded.
const PART: &str = "vae_encoder";

/// The distribution of a picture's latents, scaled to a standard deviation of about one.
pub(super) struct Initial {
    /// `[c, h, w]`
    mean: Vec<f32>,
    deviation: Vec<f32>,
    scaling_factor: f32,
}

impl Initial {
    /// Encodes a picture at the size of the order, with `wider` where its numbers outgrow the
    /// engine's range.
    ///
    /// # Errors
    /// [`Error::GpuLimit`] for a size that does not fit, [`Error::NotFinite`], those of the source
    /// of the encoder's weights, and the device's.
    pub async fn encode<E: Engine>(
        engines: (&E, Option<&E>),
        files: &Files,
        picture: &Rgba,
        size: [u32; 2],
        control: &Control,
    ) -> Result<Initial> {
        let planes = planes(picture, size);
        let size = size.map(|side| side as usize);
        let mut moments = engines.0.encode_picture(files, &planes, size, control).await?;
        if let (false, Some(wider)) = (is_finite(&moments), engines.1) {
            moments = wider.encode_picture(files, &planes, size, control).await?;
        }
        if !is_finite(&moments) {
            return Err(Error::NotFinite { step: 0 });
        }
        let [mean, logvar] = moments;
        let deviation = |x: f32| (0.5 * x.clamp(*LOGVAR.start(), *LOGVAR.end())).exp();
        let deviation = logvar.into_iter().map(deviation).collect();
        Ok(Initial { mean, deviation, scaling_factor: files.vae.scaling_factor as f32 })
    }

    /// Latents of the picture, `[pictures, c, h, w]`, each drawn from a stream of its own.
    pub fn sample(&self, noise: &mut [Generator]) -> Vec<f32> {
        let each = noise.iter_mut().flat_map(|generator| {
            let noise = generator.randn(self.mean.len());
            let z = self.mean.iter().zip(&self.deviation).zip(noise);
            z.map(|((mean, deviation), noise)| self.scaling_factor * (mean + deviation * noise))
                .collect::<Vec<_>>()
        });
        each.collect()
    }
}

/// The steps that a request leaves out, if it begins with a picture; its strength is filled in.
///
/// # Errors
/// [`Error::Request`] for a strength without a picture.
pub(super) fn left_out(request: &mut Request, picture: Option<&Rgba>) -> Result<Option<usize>> {
    if picture.is_some() {
        let strength = *request.strength.get_or_insert(STRENGTH);
        return Ok(Some(request.steps as usize - taken(request.steps, strength)));
    }
    if request.strength.is_some() {
        let reason = "is missing: a request with a strength begins with a picture. Give it that \
                      picture, or take the strength away";
        return Err(Error::Request { field: "initial picture", reason: reason.into() });
    }
    Ok(None)
}

/// A picture of any size at the size wanted: planes `[3, h, w]` in −1…1. Its opacity does not
/// count, as in `Image.convert("RGB")`.
fn planes(picture: &Rgba, [width, height]: [u32; 2]) -> Vec<f32> {
    let resized = picture.resize_bicubic(width, height);
    let pixels = resized.pixels().as_chunks::<4>().0;
    let plane =
        |c: usize| pixels.iter().map(move |pixel| 2.0 * (f32::from(pixel[c]) / 255.0) - 1.0);
    (0..3).flat_map(plane).collect()
}

fn is_finite(moments: &[Vec<f32>; 2]) -> bool {
    moments.iter().flatten().all(|x| x.is_finite())
}

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
