//! The walk on the CPU, with the networks of [`crate::reference`].

use super::Request;
use super::engine::Engine;
use super::model::Files;
use crate::diffusion::Evaluation;
use crate::error::{Error, Result};
use crate::image::Rgba;
use crate::reference::Networks;
use candle_core::{Device, Tensor};

/// The scores of an attention are held whole; more bytes of them are refused.
const SCORES_BYTES_MAX: u128 = 4 << 30;

/// Latents are arrays of the right shape by construction, so candle has nothing to refuse.
const FITS: &str = "arrays of one shape";

/// The CPU.
pub(super) struct OnCpu(pub Networks);

impl Engine for OnCpu {
    /// As in diffusers: `[b, tokens, c]`, `[1, c, h, w]`.
    type Array = Tensor;
    type Context = Tensor;

    async fn check_fit(&self, files: &Files, size: [u32; 2], prompts: usize) -> Result<()> {
        let factor = files.vae.factor() as u64;
        let pixels = u64::from(size[0]) / factor * (u64::from(size[1]) / factor);
        let heads = files.unet.levels[0].heads;
        // The VAE's middle attends too, with one head, at the size of the latents.
        let needed = 4 * u128::from(pixels).pow(2) * (heads * prompts) as u128;
        if needed > SCORES_BYTES_MAX {
            let reason = format!(
                "is too large for the CPU: its attention would take {} GB",
                needed / 1_000_000_000
            );
            return Err(Error::Request { field: "size", reason });
        }
        Ok(())
    }

    fn encode(&self, ids: &[u32], prompts: usize) -> Tensor {
        self.0.encode(ids, prompts)
    }

    fn prepare(&self, text: &Tensor) -> Tensor {
        text.clone()
    }

    fn latents(&self, planes: &[f32], shape: [usize; 4]) -> Tensor {
        Tensor::from_slice(planes, &shape[..], &Device::Cpu).expect(FITS)
    }

    fn predict(
        &self,
        latents: &Tensor,
        context: &Tensor,
        evaluation: &Evaluation,
        request: &Request,
    ) -> Tensor {
        let Evaluation { input_scale, timestep, .. } = *evaluation;
        self.0.predict(latents, [input_scale, timestep, request.guidance_scale], context)
    }

    fn sum(&self, terms: &[(f64, &Tensor)]) -> Tensor {
        let scaled = terms.iter().map(|(factor, x)| (*x * *factor).expect(FITS));
        scaled.reduce(|sum, x| (sum + x).expect(FITS)).expect("a combination has terms")
    }

    async fn finish(&self) -> Result<()> {
        Ok(())
    }

    fn decode(&self, latents: &Tensor) -> Tensor {
        self.0.decode(latents)
    }

    async fn numbers(&self, text: &Tensor) -> Result<Vec<f32>> {
        Ok(text.flatten_all().and_then(|x| x.to_vec1()).expect(FITS))
    }

    async fn planes(&self, array: &Tensor, channels: usize) -> Result<Vec<f32>> {
        let planes = array.narrow(1, 0, channels).and_then(|x| x.flatten_all()).expect(FITS);
        Ok(planes.to_vec1().expect(FITS))
    }

    async fn rgba(&self, picture: &Tensor) -> Result<Vec<u8>> {
        let (_, _, h, w) = picture.dims4().expect(FITS);
        let planes = self.planes(picture, 3).await?;
        let unit = |i: usize| planes[i] * 0.5 + 0.5;
        let pixels = 0..h * w;
        let rgb: Vec<f32> = pixels.flat_map(|i| [0, 1, 2].map(|c| unit(c * h * w + i))).collect();
        let mut rgba = Rgba::from_rgb(w as u32, h as u32, &rgb).into_pixels();
        for (pixel, rgb) in rgba.as_chunks_mut::<4>().0.iter_mut().zip(rgb.as_chunks::<3>().0) {
            if !rgb.iter().all(|x| x.is_finite()) {
                pixel[3] = 0;
            }
        }
        Ok(rgba)
    }
}
