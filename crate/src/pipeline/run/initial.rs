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

use crate::diffusion::noise::Generator;
use crate::error::{Error, Result};
use crate::image::Rgba;
use crate::pipeline::checkpoint::Files;
use crate::pipeline::control::Control;
use crate::pipeline::engine::Engine;
use crate::request::{Request, taken};

/// diffusers' strength for a picture without one.
pub(in crate::pipeline) const STRENGTH: f64 = 0.8;

/// Where diffusers keeps logvar.
const LOGVAR: std::ops::RangeInclusive<f32> = -30.0..=20.0;

/// The distribution of a picture's latents, scaled to a standard deviation of about one.
pub(in crate::pipeline) struct Initial {
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
    pub(crate) fn sample(&self, noise: &mut [Generator]) -> Vec<f32> {
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
