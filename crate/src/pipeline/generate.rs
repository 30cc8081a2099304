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
//! What follows the tokens, and what is done where numbers outgrow f16, is in `run`.

use super::control::{Control, Progress};
use super::engine::Engine;
use super::run::{Job, Run};
use super::safety::FLAGGED;
use super::{Machine, Picture, Pipeline, Request, Safety};
use crate::diffusion::noise::Rng;
use crate::diffusion::{Sampler, Tuning};
use crate::error::Result;
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
    ///
    /// [`Error::Request`]: crate::Error::Request
    /// [`Error::GpuLimit`]: crate::Error::GpuLimit
    /// [`Error::Cancelled`]: crate::Error::Cancelled
    /// [`Error::NotFinite`]: crate::Error::NotFinite
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

        let (ids, mut notices) = self.tokens(&request, control)?;
        let (files, wider) = (&self.files, engine.widened());
        // Latents are nearly colours: nobody draws them while a verdict is awaited.
        let previews = self.checker.is_err();
        let size = [width, height];
        let job = Job { files, request: &request, size, ids, previews, control, extras };
        let mut run = Run::begin(job, engine, wider.as_ref()).await?;
        let latents = run.denoise(&plan, noise).await?;
        control.check()?;
        control.tell(Progress::Decoding);
        let (picture, rgba) = run.develop(&latents, plan.steps()).await?;
        let (rgba, safety) = self.checked(Rgba::new(width, height, rgba), extras).await?;
        notices.append(&mut run.notices);
        if safety == Safety::Flagged {
            control.tell(Progress::Notice { text: FLAGGED.into() });
            notices.push(FLAGGED.into());
        }
        run.show(&picture, if safety == Safety::Flagged { 0.0 } else { 1.0 }).await?;
        drop(run);
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

    /// The prompts' tokens, and what was cut from them.
    fn tokens(&self, request: &Request, control: &Control) -> Result<(Vec<u32>, Vec<String>)> {
        let (mut ids, mut notices) = (Vec::new(), Vec::new());
        let prompts = [("negative prompt", &request.negative_prompt), ("prompt", &request.prompt)];
        for (name, prompt) in prompts.into_iter().skip(2 - request.prompts()) {
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
        Ok((ids, notices))
    }
}
