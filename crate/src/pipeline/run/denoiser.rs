//! Takes the steps of a plan, each submitted without waiting for it, and rehearses them.
//!
//! A rehearsal is a warm-up: the same work is recorded and not run. Afterwards every buffer, bind
//! group and pipeline is there that the steps will ask for, because the pool answers the same
//! questions in the same order with the same buffers. New buffers of one pass change which buffers
//! the next pass takes, so passes are repeated until one makes no buffer.

use super::contexts::Contexts;
use super::preview::denoised;
use super::state::State;
use crate::diffusion::{Evaluation, NoiseLevel, Prediction};
use crate::error::Result;
use crate::pipeline::control::{Control, Previews};
use crate::pipeline::engine::Engine;

/// Steps after which a sampler remembers all that it ever will: enough to find the buffers.
const SHORT_REHEARSAL: usize = 6;

/// Steps that are rehearsed at the most. Longer plans repeat what was in these.
const LONG_REHEARSAL: usize = 64;

/// Passes over some steps at the most.
const PASSES_MAX: usize = 8;

/// What takes steps.
pub(in crate::pipeline) struct Denoiser<'a, 'r, E: Engine> {
    pub engine: &'a E,
    pub contexts: &'r mut Contexts<E>,
    pub guidance_scale: f64,
    pub control: &'r Control,
    /// What of the steps is to be shown.
    pub previews: Previews,
    pub prediction: Prediction,
    /// Of the whole plan.
    pub steps: usize,
}

/// What the UNet, guided, made of latents.
struct Answer<E: Engine> {
    level: NoiseLevel,
    latents: E::Array,
    eps: E::Array,
}

/// A step that is submitted and not yet checked.
pub(in crate::pipeline) struct Taken<'a, E: Engine> {
    /// From 1.
    pub step: usize,
    /// The state before it.
    pub good: State<'a, E>,
    /// Its last guided prediction.
    pub eps: E::Array,
    /// What is to be shown of it, if anything.
    pub shown: Option<E::Array>,
    pub watch: E::Watch,
}

impl<'a, E: Engine> Denoiser<'a, '_, E> {
    /// Takes a step of the sampler, and a look at what comes of it.
    ///
    /// # Errors
    /// Those of the engine; [`Error::Cancelled`](crate::Error::Cancelled).
    pub(crate) async fn take(
        &mut self,
        state: &mut State<'a, E>,
        evaluations: &[Evaluation],
    ) -> Result<Taken<'a, E>> {
        let good = state.on(self.engine);
        let (last, before) = evaluations.split_last().expect("a step has evaluations");
        for evaluation in before {
            self.evaluate(state, evaluation)?;
            self.engine.advance(self.control).await?;
        }
        let answer = self.evaluate(state, last)?;
        let shown = self.shown(state, &answer, last.step);
        let latents = shown.as_ref().filter(|_| self.previews.latents);
        let watch = self.engine.watch(&state.latents, latents);
        self.engine.advance(self.control).await?;
        Ok(Taken { step: last.step, good, eps: answer.eps, shown, watch })
    }

    fn evaluate(&mut self, state: &mut State<'a, E>, evaluation: &Evaluation) -> Result<Answer<E>> {
        self.control.check()?;
        let latents = state.latents.clone();
        let conditioning = self.contexts.of(evaluation.kind, self.guidance_scale);
        let eps = self.engine.predict(&latents, evaluation, conditioning);
        state.update(evaluation, &eps);
        Ok(Answer { level: evaluation.level, latents, eps })
    }

    /// What is to be shown of a step: x₀, or after the last one the latents themselves.
    fn shown(&self, state: &State<'a, E>, answer: &Answer<E>, step: usize) -> Option<E::Array> {
        let pair = [&answer.latents, &answer.eps];
        let x0 = || match step == self.steps {
            true => state.latents.clone(),
            false => denoised(self.engine, self.prediction, answer.level, pair),
        };
        self.previews.after(step).then(x0)
    }

    /// Rehearses steps that are to be taken from this state. The caller keeps the state alive:
    /// otherwise its buffers would go back to the pool during the rehearsal.
    ///
    /// # Errors
    /// [`Error::Cancelled`](crate::Error::Cancelled).
    pub(crate) async fn rehearse(
        &mut self,
        state: &State<'a, E>,
        steps: &[&[Evaluation]],
    ) -> Result<()> {
        let Some(_rehearsal) = self.engine.rehearse() else { return Ok(()) };
        let few = &steps[..steps.len().min(SHORT_REHEARSAL)];
        let many = &steps[..steps.len().min(LONG_REHEARSAL)];
        self.rehearse_until_steady(state, few).await?;
        if many.len() > few.len() {
            self.rehearse_until_steady(state, many).await?;
        }
        Ok(())
    }

    async fn rehearse_until_steady(
        &mut self,
        state: &State<'a, E>,
        steps: &[&[Evaluation]],
    ) -> Result<()> {
        for _ in 0..PASSES_MAX {
            let made = self.engine.buffers_made();
            let (mut state, mut waiting) = (state.rehearsed(), None);
            for evaluations in steps {
                // As in a run: a step is let go when the next was taken.
                let taken = self.take(&mut state, evaluations).await?;
                waiting.replace(taken);
            }
            drop((state, waiting));
            self.contexts.deep = None;
            if self.engine.buffers_made() == made {
                break;
            }
        }
        Ok(())
    }
}
