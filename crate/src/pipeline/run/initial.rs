//! The start of a run that begins with a picture (img2img).
//!
//! ```text
//! picture → resized, as Pillow does → planes in −1…1     [3, h, w]
//! planes  → the VAE's encoder       → mean, logvar       [c, h/8, w/8] each
//! z       = mean + e^(logvar/2) · noise                  the first draw of the generator
//! latents = signal · scaling_factor · z + sigma · noise  the second draw; see `Plan`
//! ```
//!
//! diffusers: `StableDiffusionImg2ImgPipeline`. The encoder is loaded only when it is needed, and
//! stays loaded if the decoder does.

use crate::diffusion::noise::Generator;
use crate::error::{Error, Result};
use crate::image::Rgba;
use crate::pipeline::checkpoint::Files;
use crate::pipeline::control::Control;
use crate::pipeline::engine::{Engine, Moments};
use crate::request::{Request, taken};

/// The default strength, as in diffusers.
pub(in crate::pipeline) const STRENGTH: f64 = 0.8;

/// The range that logvar is clamped to, as in diffusers.
const LOGVAR: std::ops::RangeInclusive<f32> = -30.0..=20.0;

/// The distribution of a picture's latents, scaled to a standard deviation of about one.
pub(in crate::pipeline) struct Initial {
    /// `[c, h, w]`
    mean: Vec<f32>,
    /// Empty where the encoder gives latents without a variance.
    deviation: Vec<f32>,
    scaling_factor: f32,
    /// Whether a TAESD encoded the picture.
    pub by_taesd: bool,
}

impl Initial {
    /// Encodes a picture at the request's size; with the engine `wider`, if its values exceed the
    /// range of the first one.
    ///
    /// # Errors
    /// [`Error::GpuLimit`] for a size that does not fit, [`Error::NotFinite`], those of the source
    /// of the encoder's weights, and the device's.
    pub(crate) async fn encode<E: Engine>(
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
            wider.choose_kernels(true);
            moments = wider.encode_picture(files, &planes, size, control).await?;
        }
        if !is_finite(&moments) {
            return Err(Error::NotFinite { step: 0 });
        }
        let Moments { mean, logvar, scaling_factor, by_taesd } = moments;
        let deviation = |x: f32| (0.5 * x.clamp(*LOGVAR.start(), *LOGVAR.end())).exp();
        let deviation = logvar.into_iter().map(deviation).collect();
        let scaling_factor = scaling_factor as f32;
        Ok(Initial { mean, deviation, scaling_factor, by_taesd })
    }

    /// Samples latents of the picture, `[pictures, c, h, w]`, each with its own generator; without
    /// a variance nothing is drawn, as in diffusers.
    pub(crate) fn sample(&self, noise: &mut [Generator]) -> Vec<f32> {
        let each = noise.iter_mut().flat_map(|generator| {
            if self.deviation.is_empty() {
                return self.mean.iter().map(|x| self.scaling_factor * x).collect();
            }
            let noise = generator.randn(self.mean.len());
            let z = self.mean.iter().zip(&self.deviation).zip(noise);
            z.map(|((mean, deviation), noise)| self.scaling_factor * (mean + deviation * noise))
                .collect::<Vec<_>>()
        });
        each.collect()
    }
}

/// The number of first steps that are left out, if the run begins with a picture; fills in the
/// default strength.
///
/// # Errors
/// [`Error::Request`] for a strength without a picture.
pub(in crate::pipeline) fn left_out(
    request: &mut Request,
    picture: Option<&Rgba>,
) -> Result<Option<usize>> {
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

/// Resizes a picture and converts it to `[3, h, w]` in −1…1. Opacity is ignored, as in
/// `Image.convert("RGB")`.
fn planes(picture: &Rgba, [width, height]: [u32; 2]) -> Vec<f32> {
    let resized = picture.resize_bicubic(width, height);
    let pixels = resized.pixels().as_chunks::<4>().0;
    let plane =
        |c: usize| pixels.iter().map(move |pixel| 2.0 * (f32::from(pixel[c]) / 255.0) - 1.0);
    (0..3).flat_map(plane).collect()
}

fn is_finite(moments: &Moments) -> bool {
    moments.mean.iter().chain(&moments.logvar).all(|x| x.is_finite())
}
