//! What a sampler carries from evaluation to evaluation: the latents, what it remembers of earlier
//! predictions, and the generator of its noise. See [`crate::diffusion::Plan`].

use super::generate::Extras;
use super::{Pipeline, Request};
use crate::diffusion::noise::{Torch, nchw_to_nhwc, nhwc_to_nchw};
use crate::diffusion::{Combination, Evaluation, Slot};
use crate::dtype::Precision;
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::ops::Term;
use crate::tensor::Tensor;

/// Remembered predictions that any sampler reaches back to: `Past(1)` to `Past(3)`.
const PAST_MAX: usize = 3;

/// The state of a run. All of it is f32, whatever the model runs in.
pub(super) struct State {
    gpu: Gpu,
    /// `[1, h, w, c]`, c padded to four.
    pub latents: Tensor,
    /// Channels that are not padding.
    channels: usize,
    /// The latest first.
    past: Vec<Tensor>,
    saved: Option<Tensor>,
    noise: Torch,
}

impl State {
    /// The first latents: noise of the seed, or from outside, times the first sigma.
    pub fn begin(
        pipeline: &Pipeline,
        request: &Request,
        init_noise_sigma: f64,
        extras: &Extras<'_>,
    ) -> Result<State> {
        let factor = pipeline.description.factor;
        let [w, h] =
            request.size(&pipeline.description.allowed()).map(|side| (side / factor) as usize);
        let channels = pipeline.files.vae.latent_channels;
        let mut noise = Torch::new(request.seed);
        let shape = [1, channels, h, w];
        let mut numbers = match extras.latents {
            None => noise.randn(channels * h * w),
            Some(array) if array.shape == shape => array.data.clone(),
            Some(array) => {
                let reason = format!("must have the shape {shape:?}, not {:?}", array.shape);
                return Err(Error::Request { field: "array of latents", reason });
            }
        };
        numbers.iter_mut().for_each(|x| *x *= init_noise_sigma as f32);
        let gpu = pipeline.gpu.clone();
        let latents = upload(&gpu, &numbers, shape);
        Ok(State { gpu, latents, channels, past: Vec::new(), saved: None, noise })
    }

    /// Does what an evaluation says with its guided prediction. All sums read the state before it.
    pub fn update(&mut self, evaluation: &Evaluation, eps: &Tensor) {
        let saved = evaluation.save.as_ref().map(|sum| self.sum(sum, eps));
        let remembered = evaluation.remember.as_ref().map(|sum| self.sum(sum, eps));
        self.latents = self.sum(&evaluation.update, eps);
        if let Some(remembered) = remembered {
            self.past.insert(0, remembered);
            self.past.truncate(PAST_MAX);
        }
        self.saved = saved.or(self.saved.take());
    }

    /// Σ cⱼ · slotⱼ
    fn sum(&mut self, combination: &Combination, eps: &Tensor) -> Tensor {
        let fresh = combination.terms().iter().any(|(slot, _)| *slot == Slot::Noise);
        let fresh = fresh.then(|| self.draw());
        let tensor = |slot: Slot| match slot {
            Slot::Latents => &self.latents,
            Slot::Eps => eps,
            Slot::Past(n) => &self.past[n - 1],
            Slot::Saved => self.saved.as_ref().expect("a plan saves before it reads"),
            Slot::Noise => fresh.as_ref().expect("drawn above"),
        };
        if let Some(slot) = combination.identity() {
            return tensor(slot).clone();
        }
        let terms: Vec<_> = combination
            .terms()
            .iter()
            .map(|(slot, factor)| Term::new(*factor as f32, tensor(*slot)))
            .collect();
        Tensor::combine(1, Precision::F32, &terms)
    }

    /// Noise in the latents' shape, from where the generator stands.
    fn draw(&mut self) -> Tensor {
        let [_, h, w, _] = self.latents.shape().image();
        let numbers = self.noise.randn(self.channels * h * w);
        upload(&self.gpu, &numbers, [1, self.channels, h, w])
    }

    /// An error when the latents hold what is not a number. They are few: 64 KB in v1.4.
    pub async fn check_finite(&self, step: usize) -> Result<()> {
        let finite = self.latents.to_f32().await?.iter().all(|x| x.is_finite());
        if finite { Ok(()) } else { Err(Error::NotFinite { step }) }
    }

    /// Shows a tensor of the latents' shape to the witness, if there is one.
    pub async fn show(&self, name: &str, tensor: &Tensor, extras: &Extras<'_>) -> Result<()> {
        let Some(witness) = extras.witness else { return Ok(()) };
        let [b, h, w, c] = tensor.shape().image();
        let mut numbers = nhwc_to_nchw(&tensor.to_f32().await?, c, h, w);
        numbers.truncate(b * self.channels * h * w);
        witness.numbers(name, &[b, self.channels, h, w], &numbers)
    }
}

/// Numbers `[1, c, h, w]` as a tensor `[1, h, w, c padded to four]`.
fn upload(gpu: &Gpu, numbers: &[f32], [_, c, h, w]: [usize; 4]) -> Tensor {
    let padded = c.next_multiple_of(4);
    let mut planes = numbers.to_vec();
    planes.resize(padded * h * w, 0.0);
    let values = nchw_to_nhwc(&planes, padded, h, w);
    Tensor::from_f32(gpu, &values, [1, h, w, padded], Precision::F32)
}
