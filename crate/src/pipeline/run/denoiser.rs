//! Takes the steps of a plan, each submitted without a wait, and rehearses them first.
//!
//! A rehearsal is a warm-up: the same work is recorded and not run. Afterwards every buffer, bind
//! group and pipeline exists that the steps will need, because the pool gives the same buffers to
//! the same requests in the same order. New buffers of one pass change which buffers the next pass
//! takes, so passes are repeated until one makes no buffer.

use super::contexts::Contexts;
use super::preview::denoised;
use super::state::State;
use super::windows::Windows;
use crate::diffusion::{Evaluation, Guidance, NoiseLevel, Prediction};
use crate::error::Result;
use crate::pipeline::control::{Control, Previews};
use crate::pipeline::engine::{Conditioning, Engine};

/// Steps of the short rehearsal: after so many the sampler's history is full, so that nearly all
/// buffers exist.
const SHORT_REHEARSAL: usize = 6;

/// The most steps that are rehearsed; longer plans only repeat these kinds of steps.
const LONG_REHEARSAL: usize = 64;

/// The most passes of a rehearsal.
const PASSES_MAX: usize = 8;

/// What all steps of a run have in common.
#[derive(Clone, Copy)]
pub(in crate::pipeline) struct StepOptions<'r> {
    pub guidance: Guidance<'r>,
    pub control: &'r Control,
    /// The previews to send.
    pub previews: Previews,
    pub prediction: Prediction,
    /// The number of steps of the whole plan.
    pub steps: usize,
}

/// Takes steps. It owns what changes from step to step. The engine is a parameter of its methods,
/// so that another engine that shares the arrays of the first can continue.
pub(in crate::pipeline) struct Denoiser<'r, E: Engine> {
    options: StepOptions<'r>,
    contexts: Contexts<E>,
    /// The state at the start of the run, or where another engine took over. It is kept in memory,
    /// because it also was in the rehearsal.
    origin: State<E::Array>,
    /// The state after the steps so far.
    pub state: State<E::Array>,
}

/// The guided prediction for latents of a noise level.
struct Predicted<E: Engine> {
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
    /// x₀ for the preview, if there is one.
    pub shown: Option<E::Array>,
    /// What is decoded where the run ends early with this step.
    pub end: Option<E::Array>,
    pub check: E::PendingCheck,
}

impl<'r, E: Engine> Denoiser<'r, E> {
    /// Begins at this state, and rehearses the steps.
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

    /// Goes back to an earlier state, from which another engine takes the steps; rehearses them.
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

    /// Takes a step of the sampler, and starts the check of its latents. `ends` is whether the run
    /// ends early with it.
    ///
    /// # Errors
    /// Those of the engine; [`Error::Cancelled`](crate::Error::Cancelled).
    pub(crate) async fn take(
        &mut self,
        engine: &E,
        evaluations: &[Evaluation],
        ends: bool,
    ) -> Result<Taken<E>> {
        let StepOptions { control, previews, .. } = self.options;
        let before = self.state.clone();
        let (last, earlier) = evaluations.split_last().expect("a step has evaluations");
        for evaluation in earlier {
            self.evaluate(engine, evaluation).await?;
            engine.advance(control).await?;
        }
        let predicted = self.evaluate(engine, last).await?;
        let shown = self.shown(engine, &predicted, last.step);
        let end = ends.then(|| self.state.put_back(engine, self.x0(engine, &predicted)));
        let latents = shown.as_ref().filter(|_| previews.latents);
        let check = engine.start_check(&self.state.latents, latents);
        engine.advance(control).await?;
        let prediction = predicted.prediction;
        Ok(Taken { step: last.step, before, prediction, shown, end, check })
    }

    async fn evaluate(&mut self, engine: &E, evaluation: &Evaluation) -> Result<Predicted<E>> {
        self.options.control.check()?;
        let latents = self.state.latents.clone();
        let prediction = match self.state.windows.clone() {
            Some(windows) => self.in_windows(engine, evaluation, &windows).await?,
            None => {
                let inputs = self.contexts.of(evaluation, self.options.guidance);
                let conditioning = Conditioning { extra: self.state.extra(), ..inputs };
                engine.predict(&latents, evaluation, conditioning)
            }
        };
        self.state.update(engine, evaluation, &prediction);
        Ok(Predicted { level: evaluation.level, latents, prediction })
    }

    /// The averaged predictions of windows, each submitted on its own.
    async fn in_windows(
        &mut self,
        engine: &E,
        evaluation: &Evaluation,
        windows: &Windows<E::Array>,
    ) -> Result<E::Array> {
        let mut sum = windows.zeros.clone();
        for at in &windows.places {
            self.options.control.check()?;
            let part = engine.window(&self.state.latents, *at, windows.size);
            let inputs = self.contexts.of(evaluation, self.options.guidance);
            let made = engine.predict(&part, evaluation, inputs);
            sum = engine.add_at(&sum, &made, *at);
            drop((part, made));
            engine.advance(self.options.control).await?;
        }
        Ok(engine.blend(&windows.share, &sum, &windows.zeros))
    }

    /// The preview of a step: x₀, or after the last step the latents themselves.
    fn shown(&self, engine: &E, predicted: &Predicted<E>, step: usize) -> Option<E::Array> {
        let StepOptions { previews, steps, .. } = self.options;
        let x0 = || match step == steps {
            true => self.state.latents.clone(),
            false => self.x0(engine, predicted),
        };
        previews.after(step).then(x0)
    }

    fn x0(&self, engine: &E, predicted: &Predicted<E>) -> E::Array {
        let pair = [&predicted.latents, &predicted.prediction];
        denoised(engine, self.options.prediction, predicted.level, pair)
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
                // As in a run, a step is dropped only when the next one was taken.
                let taken = self.take(engine, evaluations, false).await?;
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
