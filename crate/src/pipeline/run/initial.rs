//! The start of a run that begins with a picture (img2img).
//!
//! ```text
//! picture                           → planes in −1…1     [3, h, w]
//! planes  → the VAE's encoder       → mean, logvar       [c, h/8, w/8] each
//! z       = mean + e^(logvar/2) · noise                  the first draw of the generator
//! latents = signal · scaling_factor · z + sigma · noise  the second draw; see `Plan`
//! ```
//!
//! diffusers: `StableDiffusionImg2ImgPipeline`. The encoder is loaded only when it is needed, and
//! stays loaded if the decoder does.

use super::tiles;
use super::windows::Tiling;
use crate::diffusion::noise::Generator;
use crate::error::{Error, Result};
use crate::image::{Mask, Rgba};
use crate::pipeline::checkpoint::Files;
use crate::pipeline::control::Control;
use crate::pipeline::engine::{Engine, Moments};

/// The range that logvar is clamped to, as in diffusers.
const LOGVAR: std::ops::RangeInclusive<f32> = -30.0..=20.0;

/// The distribution of a picture's latents, scaled to a standard deviation of about one.
pub(in crate::pipeline) struct Initial {
    /// `[c, h, w]`
    mean: Vec<f32>,
    /// Empty where the encoder gives latents without a variance.
    deviation: Vec<f32>,
    scaling_factor: f32,
    /// The VAE's; a TAESD's latents are scaled already, so that their own factor is 1.
    of_vae: f32,
    /// Whether a TAESD encoded the picture.
    pub by_taesd: bool,
}

impl Initial {
    /// Encodes a picture of the request's size, without what a mask marks, if there is one, and in
    /// tiles where it is cut; with the engine `wider`, if its values exceed the range of the first
    /// one.
    ///
    /// # Errors
    /// [`Error::GpuLimit`] for a size that does not fit, [`Error::NotFinite`], those of the source
    /// of the encoder's weights, and the device's.
    pub(crate) async fn encode<E: Engine>(
        engines: (&E, Option<&E>),
        files: &Files,
        (picture, mask, tiling): (&Rgba, Option<&Mask>, Option<&Tiling>),
        control: &Control,
    ) -> Result<Initial> {
        let planes = planes(picture, mask);
        let size = [picture.width(), picture.height()].map(|side| side as usize);
        let encode = async |engine: &E| match tiling {
            Some(tiling) => tiles::encode(engine, files, (&planes, size), tiling, control).await,
            None => engine.encode_picture(files, &planes, size, control).await,
        };
        let mut moments = encode(engines.0).await?;
        if let (false, Some(wider)) = (is_finite(&moments), engines.1) {
            wider.choose_kernels(true);
            moments = encode(wider).await?;
        }
        if !is_finite(&moments) {
            return Err(Error::NotFinite { step: 0 });
        }
        let Moments { mean, logvar, scaling_factor, by_taesd } = moments;
        let deviation = |x: f32| (0.5 * x.clamp(*LOGVAR.start(), *LOGVAR.end())).exp();
        let deviation = logvar.into_iter().map(deviation).collect();
        let scaling_factor = scaling_factor as f32;
        let of_vae = files.vae.scaling_factor as f32;
        Ok(Initial { mean, deviation, scaling_factor, of_vae, by_taesd })
    }

    /// These latents `[c, h, w]`, without a variance, scaled already. diffusers:
    /// `StableDiffusionImg2ImgPipeline` takes an image of four channels as latents.
    pub(crate) fn of_latents(mean: Vec<f32>) -> Initial {
        let deviation = Vec::new();
        Initial { mean, deviation, scaling_factor: 1.0, of_vae: 1.0, by_taesd: false }
    }

    /// The latents that are likeliest, not scaled by the VAE's `scaling_factor`, `[c, h, w]`.
    /// diffusers: `retrieve_latents(sample_mode="argmax")`. Those of a TAESD are scaled already.
    pub(super) fn mode(&self) -> Vec<f32> {
        let factor = self.scaling_factor / self.of_vae;
        self.mean.iter().map(|x| factor * x).collect()
    }

    /// Samples latents of the picture, `[pictures, c, h, w]`, each with its own generator.
    pub(crate) fn sample(&self, noise: &mut [Generator]) -> Vec<f32> {
        noise.iter_mut().flat_map(|generator| self.sample_one(generator)).collect()
    }

    /// Samples latents of the picture, `[c, h, w]`; without a variance nothing is drawn, as in
    /// diffusers.
    pub(super) fn sample_one(&self, generator: &mut Generator) -> Vec<f32> {
        if self.deviation.is_empty() {
            return self.mean.iter().map(|x| self.scaling_factor * x).collect();
        }
        let noise = generator.randn(self.mean.len());
        let z = self.mean.iter().zip(&self.deviation).zip(noise);
        z.map(|((mean, deviation), noise)| self.scaling_factor * (mean + deviation * noise))
            .collect()
    }
}

/// Converts a picture to `[3, h, w]` in −1…1; what a mask marks becomes 0, a middle grey. Opacity
/// is ignored, as in `Image.convert("RGB")`.
fn planes(picture: &Rgba, mask: Option<&Mask>) -> Vec<f32> {
    let pixels = picture.pixels().as_chunks::<4>().0;
    let plane =
        |c: usize| pixels.iter().map(move |pixel| 2.0 * (f32::from(pixel[c]) / 255.0) - 1.0);
    let mut planes: Vec<f32> = (0..3).flat_map(plane).collect();
    if let Some(mask) = mask {
        let marked: Vec<bool> = mask.binary().collect();
        let values = planes.iter_mut().zip(marked.iter().cycle());
        values.filter(|(_, marked)| **marked).for_each(|(value, _)| *value = 0.0);
    }
    planes
}

fn is_finite(moments: &Moments) -> bool {
    moments.mean.iter().chain(&moments.logvar).all(|x| x.is_finite())
}
