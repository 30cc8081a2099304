//! The walk from tokens to a picture's bytes, and what happens when numbers outgrow f16.
//!
//! Each evaluation is waited for: there the run can be stopped. After each step the machine looks
//! at the latents, so that no picture is made of what is no longer a number. With f16 activations
//! that may be for want of range alone (f16 ends at 65504), and then the step is taken again from
//! the state before it, with f32 activations on the same weights, and so are those that follow.

use super::context::Contexts;
use super::control::{Control, Progress};
use super::engine::{Call, Engine};
use super::generate::{Extras, Order};
use super::initial::Initial;
use super::model::Files;
use super::preview::Previews;
use super::state::State;
use crate::diffusion::noise::Rng;
use crate::diffusion::{Evaluation, Level};
use crate::error::{Error, Result};
use std::ops::Range;

/// What is to be done.
pub(super) struct Job<'a> {
    pub files: &'a Files,
    pub order: &'a Order,
    /// The pictures that go together, by their indices.
    pub part: Range<u32>,
    /// What they begin with, if that is a picture.
    pub initial: Option<&'a Initial>,
    /// What may be told on the way.
    pub previews: Previews,
    pub control: &'a Control,
    pub extras: &'a Extras<'a>,
}

impl Job<'_> {
    pub fn call(&self) -> Call<'_> {
        Call { files: self.files, control: self.control }
    }
}

/// What the UNet, guided, made of latents.
pub(super) struct Answer<E: Engine> {
    pub level: Level,
    pub latents: E::Array,
    pub eps: E::Array,
}

/// A run, and the machine that carries it out.
pub(super) struct Run<'a, E: Engine> {
    pub job: Job<'a>,
    pub(super) engine: &'a E,
    /// Takes over where numbers outgrow the range of the first.
    wider: Option<&'a E>,
    /// Until the last step was taken.
    context: Option<Contexts<E>>,
    /// What the user should know of it.
    pub notices: Vec<String>,
}

impl<'a, E: Engine> Run<'a, E> {
    /// Encodes the prompts.
    pub async fn begin(job: Job<'a>, engine: &'a E, wider: Option<&'a E>) -> Result<Run<'a, E>> {
        let context = Some(encode(engine, &job).await?);
        Ok(Run { job, engine, wider, context, notices: Vec::new() })
    }

    /// The plan's evaluations, from noise to final latents.
    pub async fn denoise(&mut self) -> Result<E::Array> {
        let Job { files, order, initial, control, extras, .. } = self.job;
        let plan = &order.plan;
        let part = self.job.part.clone();
        let seeded = |index| {
            let request = order.request.picture(index);
            request.rng.parse::<Rng>()?.seeded(request.seed)
        };
        let noise = part.clone().map(seeded).collect::<Result<Vec<_>>>()?;
        let [w, h] = order.size.map(|side| side as usize / files.vae.factor());
        let shape = [noise.len(), files.vae.latent_channels, h, w];
        let mut state = State::begin(self.engine, shape, noise, plan, initial, extras)?;
        state.show("latents_000", &state.latents, extras).await?;

        // Steps are counted over all parts.
        let parts = [part.start, order.request.count].map(|n| n.div_ceil(order.at_once) as usize);
        let [before, steps] = parts.map(|parts| parts * plan.steps());
        control.tell(Progress::Step { step: before, steps });
        for evaluations in plan.evaluations.chunk_by(|a, b| a.step == b.step) {
            let step = evaluations[0].step;
            control.rest().await?;
            let good = state.on(self.engine);
            let mut answer = self.step(&mut state, evaluations).await?;
            if !self.engine.is_finite(&state.latents).await? {
                self.widen(step).await?;
                self.context = Some(encode(self.engine, &self.job).await?);
                state = good.on(self.engine);
                answer = self.step(&mut state, evaluations).await?;
                if !self.engine.is_finite(&state.latents).await? {
                    return Err(Error::NotFinite { step });
                }
            }
            state.show(&format!("eps_{step:03}"), &answer.eps, extras).await?;
            state.show(&format!("latents_{step:03}"), &state.latents, extras).await?;
            self.preview(&state, &answer, step).await?;
            control.tell(Progress::Step { step: before + step, steps });
        }
        self.context = None;
        Ok(state.latents)
    }

    /// One step of the sampler; returns its last guided prediction.
    async fn step(
        &mut self,
        state: &mut State<'a, E>,
        evaluations: &[Evaluation],
    ) -> Result<Answer<E>> {
        let mut last = None;
        for evaluation in evaluations {
            self.job.control.check()?;
            let latents = state.latents.clone();
            let request = &self.job.order.request;
            let context = self.context.as_mut().expect("there until the last step");
            let eps = self.engine.predict(&latents, context, evaluation, request);
            state.update(evaluation, &eps);
            self.engine.finish(self.job.control).await?;
            last = Some(Answer { level: evaluation.level, latents, eps });
        }
        Ok(last.expect("a step has evaluations"))
    }

    /// Picture `index` of the final latents in about −1…1 and as RGBA bytes.
    pub async fn develop(
        &mut self,
        latents: &E::Array,
        index: usize,
    ) -> Result<(E::Array, Vec<u8>)> {
        loop {
            let picture = self.engine.decode(latents, index, self.job.call()).await?;
            let rgba = self.engine.rgba(&picture).await?;
            if is_opaque(&rgba) {
                return Ok((picture, rgba));
            }
            self.widen(self.job.order.plan.steps()).await?;
        }
    }

    /// Shows the picture in 0…1, times `shown`, to the witness, if there is one.
    pub async fn show(&self, picture: &E::Array, shown: f32) -> Result<()> {
        let Some(witness) = self.job.extras.witness else { return Ok(()) };
        let [width, height] = self.job.order.size.map(|side| side as usize);
        let mut planes = self.engine.planes(picture, 3).await?;
        planes.iter_mut().for_each(|x| *x = shown * (*x * 0.5 + 0.5).clamp(0.0, 1.0));
        witness.numbers("image", &[1, 3, height, width], &planes)
    }

    /// Goes on with the wider machine, if there is one and the picture fits it, and says so.
    async fn widen(&mut self, step: usize) -> Result<()> {
        let wider = self.wider.take().ok_or(Error::NotFinite { step })?;
        let Job { files, order, control, .. } = self.job;
        wider.pictures_at_once(files, order.load(self.job.part.len())).await?;
        self.engine = wider;
        let text = format!(
            "Numbers outgrew f16 at step {step}. The picture was finished in f32, which takes \
             longer and is as right."
        );
        control.tell(Progress::Notice { text: text.clone() });
        self.notices.push(text);
        Ok(())
    }
}

/// The prompts as the UNet attends to them.
async fn encode<E: Engine>(engine: &E, job: &Job<'_>) -> Result<Contexts<E>> {
    let Job { order, extras, .. } = job;
    let text = order.prompts.encode(engine, &order.request, extras, job.call()).await?;
    text.contexts(engine, job.part.len(), &order.plan.kinds(), job.call()).await
}

/// A pixel that is no number is transparent.
pub(super) fn is_opaque(rgba: &[u8]) -> bool {
    rgba.as_chunks::<4>().0.iter().all(|pixel| pixel[3] == u8::MAX)
}
