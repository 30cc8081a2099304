//! The walk from a request to a picture, top to bottom.
//!
//! ```text
//! prompts → ids → context             2 × [77] → [2, 77, 768]      negative first
//! seed    → noise                     [1, h/8, w/8, 4]             × the first sigma
//! per evaluation:  scale and double → UNet → guidance → the sampler's sums
//! latents → picture                   [1, h, w, 3] → RGBA8
//! the safety checker's verdict        a flagged picture is black
//! ```
//!
//! Each evaluation is waited for: there the run can be stopped, and there its latents are looked
//! at, so that no picture is made of what is no longer a number.

use super::control::{Control, Progress};
use super::engine::Engine;
use super::safety::FLAGGED;
use super::state::State;
use super::{Machine, Picture, Pipeline, Request, Safety};
use crate::diffusion::noise::Rng;
use crate::diffusion::{Sampler, Tuning};
use crate::error::{Error, Result};
use crate::image::Rgba;
use crate::weights::npy::Array;

/// What only comparisons with another program want.
#[derive(Default)]
pub struct Extras<'a> {
    /// N(0, 1) `[1, c, h, w]` to begin with, instead of the seed's.
    pub latents: Option<&'a Array>,
    /// Sees every stage.
    pub witness: Option<&'a dyn Witness>,
    /// See [`Tuning::ends_at_sigma_min`].
    pub ends_at_sigma_min: bool,
    /// Leave the safety checker out: numbers are compared, and the picture is not shown.
    pub unchecked: bool,
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
        match &self.machine {
            Machine::Gpu(engine) => self.walk(&**engine, request, control, extras).await,
            Machine::Cpu(engine) => self.walk(&**engine, request, control, extras).await,
        }
    }

    async fn walk<E: Engine>(
        &self,
        engine: &E,
        request: &Request,
        control: &Control,
        extras: &Extras<'_>,
    ) -> Result<Picture> {
        let allowed = self.description.allowed();
        request.validate(&allowed)?;
        let [width, height] = request.size(&allowed);
        let request = Request { width: Some(width), height: Some(height), ..request.clone() };
        let sampler: Sampler = request.sampler.parse()?;
        let Extras { ends_at_sigma_min, .. } = *extras;
        let tuning = Tuning { eta: request.eta, karras: request.karras, ends_at_sigma_min };
        let plan = sampler.plan_with(&self.files.schedule, request.steps as usize, tuning)?;
        let noise = request.rng.parse::<Rng>()?.seeded(request.seed)?;
        engine.check_fit(&self.files, [width, height], request.prompts()).await?;

        let (context, mut notices) = self.context(engine, &request, control, extras).await?;
        let [w, h] = [width, height].map(|side| (side / self.description.factor) as usize);
        let shape = [1, self.files.vae.latent_channels, h, w];
        let mut state = State::begin(engine, shape, noise, plan.init_noise_sigma, extras)?;
        state.show("latents_000", &state.latents, extras).await?;

        let steps = plan.steps();
        control.tell(Progress::Step { step: 0, steps });
        let mut evaluations = plan.evaluations.iter().peekable();
        while let Some(evaluation) = evaluations.next() {
            control.check()?;
            let eps = engine.predict(&state.latents, &context, evaluation, &request);
            state.update(evaluation, &eps);
            engine.finish().await?;
            let step = evaluation.step;
            if evaluations.peek().is_some_and(|next| next.step == step) {
                continue;
            }
            let values = state.finite(step).await?;
            state.show(&format!("eps_{step:03}"), &eps, extras).await?;
            state.show(&format!("latents_{step:03}"), &state.latents, extras).await?;
            let [_, c, h, w] = shape;
            // Latents are nearly colours: nobody draws them while a verdict is awaited.
            if self.checker.is_err() {
                control.tell(Progress::Latents { shape: [c, h, w], values });
            }
            control.tell(Progress::Step { step, steps });
        }

        control.check()?;
        control.tell(Progress::Decoding);
        drop(context);
        let picture = engine.decode(&state.latents);
        let rgba = engine.rgba(&picture).await?;
        if rgba.as_chunks::<4>().0.iter().any(|pixel| pixel[3] != u8::MAX) {
            return Err(Error::NotFinite { step: steps });
        }
        let (rgba, safety) = self.checked(Rgba::new(width, height, rgba), extras).await?;
        if safety == Safety::Flagged {
            control.tell(Progress::Notice { text: FLAGGED.into() });
            notices.push(FLAGGED.into());
        }
        if let Some(witness) = extras.witness {
            let shown = if safety == Safety::Flagged { 0.0 } else { 1.0 };
            let mut planes = engine.planes(&picture, 3).await?;
            planes.iter_mut().for_each(|x| *x = shown * (*x * 0.5 + 0.5).clamp(0.0, 1.0));
            witness.numbers("image", &[1, 3, height as usize, width as usize], &planes)?;
        }
        Ok(Picture { width, height, rgba, request, notices, safety })
    }

    /// The picture's bytes as they may be shown, opaque black in place of a flagged one, and what
    /// the safety checker said.
    async fn checked(&self, picture: Rgba, extras: &Extras<'_>) -> Result<(Vec<u8>, Safety)> {
        let safety = match &self.checker {
            _ if extras.unchecked => Safety::Off,
            Ok(checker) => checker.look_at(&picture).await?,
            Err(reason) => *reason,
        };
        let mut rgba = picture.into_pixels();
        if safety == Safety::Flagged {
            rgba.as_chunks_mut().0.fill([0, 0, 0, u8::MAX]);
        }
        Ok((rgba, safety))
    }

    /// The prompts as the UNet attends to them, and what was cut from them.
    async fn context<E: Engine>(
        &self,
        engine: &E,
        request: &Request,
        control: &Control,
        extras: &Extras<'_>,
    ) -> Result<(E::Context, Vec<String>)> {
        let (mut ids, mut notices) = (Vec::new(), Vec::new());
        let prompts = [("negative prompt", &request.negative_prompt), ("prompt", &request.prompt)];
        let count = request.prompts();
        for (name, prompt) in prompts.into_iter().skip(2 - count) {
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
        let text = engine.encode(&ids, count);
        if let Some(witness) = extras.witness {
            let tokens = self.tokenizer.length();
            witness.ids(&ids, [count, tokens])?;
            let values = engine.numbers(&text).await?;
            witness.numbers(
                "context",
                &[count, tokens, self.files.text_encoder.encoder.hidden_size],
                &values,
            )?;
        }
        Ok((engine.prepare(&text), notices))
    }
}
