//! The walk on the CPU, with the networks of [`crate::reference`].

use super::Request;
use super::context::Contexts;
use super::control::Control;
use super::dry::Load;
use super::engine::{Call, Engine};
use super::model::Files;
use crate::diffusion::{Deep, Evaluation};
use crate::error::{Error, Result};
use crate::gpu::Rehearsal;
use crate::image::Rgba;
use crate::models::unet::Level;
use crate::reference::Networks;
use candle_core::{Device, Tensor};
use std::pin::Pin;

/// Pointers of 32 bits, as in a page.
const SMALL: bool = cfg!(target_pointer_width = "32");

/// Bytes that weights and work may take. A page's memory ends at 4 GiB, of which its allocator
/// cannot use all; natively nobody tells, and a request beyond this is a mistake.
pub(super) const MEMORY_MAX: u64 = if SMALL { 3 << 30 } else { 64 << 30 };

/// No array may be larger: half of what a pointer of 32 bits reaches.
const ARRAY_MAX: u64 = if SMALL { (1 << 31) - 1 } else { 4 << 30 };

/// Arrays of the decoder's last level that live at once: a convolution's input, its copy in
/// another order, its output, the group norm's two, and the resnet's skip.
const DECODER_ARRAYS: u64 = 6;

/// Latents are arrays of the right shape by construction, so candle has nothing to refuse.
const FITS: &str = "arrays of one shape";

/// Lets the host do what waits.
pub type Turn = Box<dyn Fn() -> Pin<Box<dyn Future<Output = ()>>>>;

/// The CPU.
pub(super) struct OnCpu {
    pub networks: Networks,
    /// Taken after each evaluation, which nothing else can interrupt.
    pub turn: Option<Turn>,
}

/// Bytes of the largest attention's scores, which are held whole: `[prompts · heads, n, n]`. The
/// VAE's middle attends too, with one head, at the size of the latents.
fn score_bytes(files: &Files, [width, height]: [u32; 2], prompts: usize) -> u64 {
    let factor = files.vae.factor() as u32;
    let pixels = u64::from(width / factor) * u64::from(height / factor);
    let of_level = |(i, level): (usize, &Level)| {
        let is_last = i + 1 == files.unet.levels.len();
        let attends = level.down_attention || level.up_attention || is_last;
        let n = pixels >> (2 * i);
        if attends { (prompts * level.heads) as u64 * n.saturating_mul(n) } else { 0 }
    };
    let unet = files.unet.levels.iter().enumerate().map(of_level).max().unwrap_or(0);
    unet.max(pixels.saturating_mul(pixels)).saturating_mul(4)
}

/// The same of the largest attention to the prompts, which may be long.
fn context_score_bytes(files: &Files, load: Load) -> u64 {
    let Load { size, prompts, chunks, .. } = load;
    let [w, h] = size.map(|side| u64::from(side) / files.vae.factor() as u64);
    let tokens = (chunks * files.text_encoder.max_position_embeddings) as u64;
    let heads = files.unet.levels.iter().map(|level| level.heads).max().unwrap_or(1);
    (w * h).saturating_mul(tokens).saturating_mul(4 * (heads * prompts) as u64)
}

/// Bytes of memory beside the weights, estimated from what is largest: an attention's scores
/// before and after the softmax, or the last level of the decoder.
pub(super) fn work_bytes(files: &Files, size: [u32; 2], prompts: usize) -> u64 {
    let widest = files.vae.block_out_channels.iter().take(2).max().copied().unwrap_or(0) as u64;
    let decoder = 4 * u64::from(size[0]) * u64::from(size[1]) * widest * DECODER_ARRAYS;
    score_bytes(files, size, prompts).saturating_mul(2).max(decoder)
}

impl Engine for OnCpu {
    /// As in diffusers: `[b, tokens, c]`, `[1, c, h, w]`.
    type Array = Tensor;
    type Context = Tensor;
    type Watch = (Tensor, Option<Tensor>);
    /// It computes at once.
    const RUNS_AHEAD: bool = false;

    /// One: the cores are busy with it.
    async fn pictures_at_once(&self, load: Load, call: Call<'_>) -> Result<usize> {
        let files = call.files;
        let Load { size, prompts, kinds, .. } = load;
        if kinds.merged() > 0 {
            let reason = "must be 0 on the CPU, which merges no tokens".into();
            return Err(Error::Request { field: "token merging ratio", reason });
        }
        let context = context_score_bytes(files, load);
        let scores = score_bytes(files, size, prompts).max(context);
        let work = work_bytes(files, size, prompts).max(context.saturating_mul(2));
        let needed = files.bytes_on_cpu().saturating_add(work);
        if scores > ARRAY_MAX || needed > MEMORY_MAX {
            let reason = format!(
                "is too large for the CPU: it would take {:.1} GB of memory",
                needed as f64 / 1e9
            );
            return Err(Error::Request { field: "size", reason });
        }
        Ok(1)
    }

    async fn encode(
        &self,
        ids: &[u32],
        rows: usize,
        skipped: usize,
        _: Call<'_>,
    ) -> Result<Tensor> {
        Ok(self.networks.encode(ids, rows, skipped))
    }

    fn text(&self, values: &[f32], tokens: usize) -> Tensor {
        let shape = [1, tokens, values.len() / tokens];
        Tensor::from_slice(values, &shape[..], &Device::Cpu).expect(FITS)
    }

    async fn prepare(&self, text: &Tensor, prompts: usize, _: Call<'_>) -> Result<Tensor> {
        let channels = text.dims()[2];
        Ok(text.reshape((prompts, (), channels)).expect(FITS))
    }

    fn latents(&self, planes: &[f32], shape: [usize; 4]) -> Tensor {
        Tensor::from_slice(planes, &shape[..], &Device::Cpu).expect(FITS)
    }

    async fn encode_picture(
        &self,
        _: &Files,
        planes: &[f32],
        [width, height]: [usize; 2],
        _: &Control,
    ) -> Result<[Vec<f32>; 2]> {
        let picture = self.latents(planes, [1, 3, height, width]);
        let [mean, logvar] = self.networks.encode_picture(&picture);
        Ok([self.numbers(&mean).await?, self.numbers(&logvar).await?])
    }

    fn predict(
        &self,
        latents: &Tensor,
        contexts: &mut Contexts<OnCpu>,
        evaluation: &Evaluation,
        request: &Request,
    ) -> Tensor {
        let Evaluation { input_scale, timestep, kind, .. } = *evaluation;
        let kept = contexts.deep.take().filter(|_| kind.deep == Deep::Reused);
        let numbers = [input_scale, timestep, request.guidance_scale];
        let (eps, deep) = self.networks.predict(latents, numbers, contexts.of(kind), kept.as_ref());
        contexts.deep = (kind.deep != Deep::Made).then_some(deep);
        eps
    }

    fn sum(&self, terms: &[(f64, &Tensor)]) -> Tensor {
        let scaled = terms.iter().map(|(factor, x)| (*x * *factor).expect(FITS));
        scaled.reduce(|sum, x| (sum + x).expect(FITS)).expect("a combination has terms")
    }

    async fn finish(&self, _: &Control) -> Result<()> {
        Ok(())
    }

    async fn advance(&self, _: &Control) -> Result<()> {
        if let Some(turn) = &self.turn {
            turn().await;
        }
        Ok(())
    }

    fn watch(&self, latents: &Tensor, shown: Option<&Tensor>) -> (Tensor, Option<Tensor>) {
        (latents.clone(), shown.cloned())
    }

    async fn seen(
        &self,
        (latents, shown): (Tensor, Option<Tensor>),
        channels: usize,
    ) -> Result<Option<Vec<f32>>> {
        if !self.numbers(&latents).await?.iter().all(|x| x.is_finite()) {
            return Ok(None);
        }
        match shown {
            Some(shown) => self.planes(&shown, channels).await.map(Some),
            None => Ok(Some(Vec::new())),
        }
    }

    fn rehearse(&self) -> Option<Rehearsal> {
        None
    }

    fn buffers_made(&self) -> u64 {
        0
    }

    /// It is f32 already.
    fn widened(&self) -> Option<OnCpu> {
        None
    }

    async fn decode(&self, latents: &Tensor, index: usize, _: Call<'_>) -> Result<Tensor> {
        Ok(self.networks.decode(&latents.narrow(0, index, 1).expect(FITS)))
    }

    async fn resume(&self, _: Call<'_>) -> Result<()> {
        Ok(())
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
