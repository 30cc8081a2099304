//! The walk from a request to a picture, top to bottom.
//!
//! ```text
//! prompts → ids → context             2 × [77] → [2, 77, 768]      negative first
//! seed    → noise                     [1, h/8, w/8, 4]             × the first sigma
//! per evaluation:  scale and double → UNet → guidance → the sampler's sums
//! latents → picture                   [1, h, w, 3] → RGBA8
//! ```
//!
//! Each evaluation is waited for: there the run can be stopped, and there its latents are looked at,
//! so that no picture is made of what is no longer a number.

use super::control::{Control, Progress};
use super::state::State;
use super::{Picture, Pipeline, Request};
use crate::diffusion::noise::nhwc_to_nchw;
use crate::diffusion::{Evaluation, Sampler};
use crate::dtype::Precision;
use crate::error::{Error, Result};
use crate::models::unet::Context;
use crate::ops::Term;
use crate::tensor::Tensor;
use crate::weights::npy::Array;

/// What only comparisons with another program want.
#[derive(Default)]
pub struct Extras<'a> {
    /// N(0, 1) `[1, c, h, w]` to begin with, instead of the seed's.
    pub latents: Option<&'a Array>,
    /// Sees every stage.
    pub witness: Option<&'a dyn Witness>,
}

/// Sees the numbers of every stage, in the layout of diffusers (channels before rows and columns).
pub trait Witness {
    /// Token ids, the negative prompt's first.
    fn ids(&self, ids: &[u32], shape: [usize; 2]) -> Result<()>;
    /// `context`, `latents_000` (the noise, scaled), then for each step `eps_NNN` (guided) and
    /// `latents_NNN`, at last `image` in 0…1.
    fn numbers(&self, name: &str, shape: &[usize], values: &[f32]) -> Result<()>;
}

impl Pipeline {
    /// Makes a picture.
    ///
    /// # Errors
    /// [`Error::Request`] naming the field that does not fit, [`Error::GpuLimit`] for a size that
    /// does not, [`Error::Cancelled`], [`Error::NotFinite`], and the device's faults. The pipeline
    /// can be used again after each of them but the loss of the device.
    pub async fn generate(&self, request: &Request, control: &Control) -> Result<Picture> {
        self.generate_with(request, control, &Extras::default()).await
    }

    /// [`Pipeline::generate`] with latents from outside, or a witness of every stage.
    ///
    /// # Errors
    /// As there, and the witness's.
    pub async fn generate_with(
        &self,
        request: &Request,
        control: &Control,
        extras: &Extras<'_>,
    ) -> Result<Picture> {
        let allowed = self.description.allowed();
        request.validate(&allowed)?;
        let [width, height] = request.size(&allowed);
        let request = Request { width: Some(width), height: Some(height), ..request.clone() };
        let sampler: Sampler = request.sampler.parse()?;
        let plan = sampler.plan(&self.files.schedule, request.steps as usize)?;
        self.check_fit([width, height], request.prompts()).await?;

        let (context, notices) = self.context(&request, control, extras).await?;
        let mut state = State::begin(self, &request, plan.init_noise_sigma, extras)?;
        state.show("latents_000", &state.latents, extras).await?;

        let steps = plan.steps();
        control.tell(Progress::Step { step: 0, steps });
        let mut evaluations = plan.evaluations.iter().peekable();
        while let Some(evaluation) = evaluations.next() {
            control.check()?;
            let eps = self.predict(&state.latents, evaluation, &context, &request);
            state.update(evaluation, &eps);
            self.gpu.finish().await?;
            let step = evaluation.step;
            if evaluations.peek().is_some_and(|next| next.step == step) {
                continue;
            }
            state.check_finite(step).await?;
            state.show(&format!("eps_{step:03}"), &eps, extras).await?;
            state.show(&format!("latents_{step:03}"), &state.latents, extras).await?;
            control.tell(Progress::Step { step, steps });
        }

        control.check()?;
        control.tell(Progress::Decoding);
        drop(context);
        let rgba = self.decode(&state.latents, steps, extras).await?;
        Ok(Picture { width, height, rgba, request, notices })
    }

    /// The prompts as the UNet attends to them, and what was cut from them.
    async fn context(
        &self,
        request: &Request,
        control: &Control,
        extras: &Extras<'_>,
    ) -> Result<(Context, Vec<String>)> {
        let mut ids = Vec::new();
        let mut notices = Vec::new();
        let prompts = [("negative prompt", &request.negative_prompt), ("prompt", &request.prompt)];
        let batch = request.prompts();
        for (name, prompt) in prompts.into_iter().skip(2 - batch) {
            let tokens = self.tokenizer.encode(prompt)?;
            ids.extend(tokens.ids);
            if let Some(cut) = tokens.cut {
                let room = self.tokenizer.length() - 2;
                let text = format!(
                    "The {name} is longer than {room} tokens. The model does not see this end of \
                     it: “{}”",
                    cut.trim()
                );
                control.tell(Progress::Notice { text: text.clone() });
                notices.push(text);
            }
        }
        let context = self.model.text_encoder.forward(&ids, self.options.precision);
        if let Some(witness) = extras.witness {
            witness.ids(&ids, [batch, self.tokenizer.length()])?;
            let values = context.to_f32().await?;
            witness.numbers("context", context.shape().dims(), &values)?;
        }
        Ok((self.model.unet.prepare(&context), notices))
    }

    /// The guided prediction `[1, h, w, c]`: `uncond + guidance_scale · (cond − uncond)`.
    fn predict(
        &self,
        latents: &Tensor,
        evaluation: &Evaluation,
        context: &Context,
        request: &Request,
    ) -> Tensor {
        let (batch, guidance_scale) = (request.prompts(), request.guidance_scale);
        let scale = Term::new(evaluation.input_scale as f32, latents);
        let input = Tensor::combine(batch, self.options.precision, &[scale]);
        let eps = self.model.unet.forward(&input, evaluation.timestep, context);
        if batch == 1 {
            return eps.cast(Precision::F32);
        }
        let uncond = Term { x: &eps, first: 0, coefficient: (1.0 - guidance_scale) as f32 };
        let cond = Term { x: &eps, first: 1, coefficient: guidance_scale as f32 };
        Tensor::combine(1, Precision::F32, &[uncond, cond])
    }

    /// The latents as RGBA8: the run's one large readback.
    async fn decode(&self, latents: &Tensor, steps: usize, extras: &Extras<'_>) -> Result<Vec<u8>> {
        // The UNet's buffers fit nothing in the decoder, and the other way round.
        self.gpu.trim();
        let image = self.model.vae.decode(&latents.cast(self.options.precision));
        if let Some(witness) = extras.witness {
            let [_, h, w, c] = image.shape().image();
            let values = image.to_f32().await?;
            let mut planes = nhwc_to_nchw(&values, c, h, w);
            planes.truncate(3 * h * w);
            planes.iter_mut().for_each(|x| *x = (*x * 0.5 + 0.5).clamp(0.0, 1.0));
            witness.numbers("image", &[1, 3, h, w], &planes)?;
        }
        let rgba = image.to_rgba().await?;
        drop(image);
        self.gpu.trim();
        // A pixel that is no number is transparent.
        if rgba.as_chunks::<4>().0.iter().any(|pixel| pixel[3] != u8::MAX) {
            return Err(Error::NotFinite { step: steps });
        }
        Ok(rgba)
    }
}
