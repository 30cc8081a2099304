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

/// What all steps of a run have in common.
#[derive(Clone, Copy)]
pub(in crate::pipeline) struct StepOptions<'r> {
    pub guidance_scale: f64,
    pub control: &'r Control,
    /// What of the steps is to be shown.
    pub previews: Previews,
    pub prediction: Prediction,
    /// Of the whole plan.
    pub steps: usize,
}

/// What takes steps. It owns what changes from step to step; the engine is given to it, so that
/// another engine which shares the arrays of the first can go on.
pub(in crate::pipeline) struct Denoiser<'r, E: Engine> {
    options: StepOptions<'r>,
    contexts: Contexts<E>,
    /// Where the run began, or went on with another engine: kept, as in the rehearsal.
    origin: State<E::Array>,
    /// After the steps so far.
    pub state: State<E::Array>,
}

/// What the UNet, guided, made of latents.
struct Answer<E: Engine> {
    level: NoiseLevel,
    latents: E::Array,
    prediction: E::Array,
}

/// A step that is submitted and not yet checked.
pub(in crate::pipeline) struct Taken<E: Engine> {
    /// From 1.
    pub step: usize,
    /// The state before it.
    pub before: State<E::Array>,
    /// Its last guided prediction.
    pub prediction: E::Array,
    /// What is to be shown of it, if anything.
    pub shown: Option<E::Array>,
    pub watch: E::Watch,
}

impl<'r, E: Engine> Denoiser<'r, E> {
    /// Stands before the first of some steps, from this state on, and has rehearsed them.
    ///
    /// # Errors
    /// [`Error::Cancelled`](crate::Error::Cancelled).
    pub(crate) async fn start(
        engine: &E,
        options: StepOptions<'r>,
        contexts: Contexts<E>,
        origin: State<E::Array>,
        steps: &[&[Evaluation]],
    ) -> Result<Denoiser<'r, E>> {
        let state = origin.clone();
        let mut denoiser = Denoiser { options, contexts, origin, state };
        denoiser.rehearse(engine, steps).await?;
        Ok(denoiser)
    }

    /// Goes back to an earlier state, from which another engine takes these steps.
    ///
    /// # Errors
    /// [`Error::Cancelled`](crate::Error::Cancelled).
    pub(crate) async fn restart(
        &mut self,
        engine: &E,
        contexts: Contexts<E>,
        origin: State<E::Array>,
        steps: &[&[Evaluation]],
    ) -> Result<()> {
        self.contexts = contexts;
        self.state = origin.clone();
        self.origin = origin;
        self.rehearse(engine, steps).await
    }

    /// Takes a step of the sampler, and a look at what comes of it.
    ///
    /// # Errors
    /// Those of the engine; [`Error::Cancelled`](crate::Error::Cancelled).
    pub(crate) async fn take(
        &mut self,
        engine: &E,
        evaluations: &[Evaluation],
    ) -> Result<Taken<E>> {
        let StepOptions { control, previews, .. } = self.options;
        let before = self.state.clone();
        let (last, earlier) = evaluations.split_last().expect("a step has evaluations");
        for evaluation in earlier {
            self.evaluate(engine, evaluation)?;
            engine.advance(control).await?;
        }
        let answer = self.evaluate(engine, last)?;
        let shown = self.shown(engine, &answer, last.step);
        let latents = shown.as_ref().filter(|_| previews.latents);
        let watch = engine.watch(&self.state.latents, latents);
        engine.advance(control).await?;
        Ok(Taken { step: last.step, before, prediction: answer.prediction, shown, watch })
    }

    fn evaluate(&mut self, engine: &E, evaluation: &Evaluation) -> Result<Answer<E>> {
        self.options.control.check()?;
        let latents = self.state.latents.clone();
        let conditioning = self.contexts.of(evaluation.kind, self.options.guidance_scale);
        let prediction = engine.predict(&latents, evaluation, conditioning);
        self.state.update(engine, evaluation, &prediction);
        Ok(Answer { level: evaluation.level, latents, prediction })
    }

    /// What is to be shown of a step: x₀, or after the last one the latents themselves.
    fn shown(&self, engine: &E, answer: &Answer<E>, step: usize) -> Option<E::Array> {
        let StepOptions { previews, prediction, steps, .. } = self.options;
        let pair = [&answer.latents, &answer.prediction];
        let x0 = || match step == steps {
            true => self.state.latents.clone(),
            false => denoised(engine, prediction, answer.level, pair),
        };
        previews.after(step).then(x0)
    }

    /// Rehearses steps from the origin, which is kept meanwhile: otherwise its buffers would go
    /// back to the pool during the rehearsal.
    async fn rehearse(&mut self, engine: &E, steps: &[&[Evaluation]]) -> Result<()> {
        let Some(_rehearsal) = engine.rehearse() else { return Ok(()) };
        let few = &steps[..steps.len().min(SHORT_REHEARSAL)];
        let many = &steps[..steps.len().min(LONG_REHEARSAL)];
        self.rehearse_until_steady(engine, few).await?;
        if many.len() > few.len() {
            self.rehearse_until_steady(engine, many).await?;
        }
        Ok(())
    }

    async fn rehearse_until_steady(&mut self, engine: &E, steps: &[&[Evaluation]]) -> Result<()> {
        for _ in 0..PASSES_MAX {
            let made = engine.buffers_made();
            self.state = self.origin.rehearsed();
            let mut waiting = None;
            for evaluations in steps {
                // As in a run: a step is let go when the next was taken.
                let taken = self.take(engine, evaluations).await?;
                waiting.replace(taken);
            }
            self.state = self.origin.clone();
            drop(waiting);
            self.contexts.deep = None;
            if engine.buffers_made() == made {
                break;
            }
        }
        Ok(())
    }
}
