//! The run of a batch, from the prompts to the bytes of its pictures, and the fallback from f16 to
//! f32.
//!
//! After each step the engine checks that all latents are finite. Nothing waits for the result:
//! it comes when the next step is already submitted, and only then the step counts as done and its
//! preview is shown. f16 ends at 65504; where f16 activations overflow, the step is taken again
//! from the state before it, its noise included, with f32 activations on the same weights, and so
//! are all steps after it.
//!
//! Before a pause, and if an observer or a decoded preview needs the step's values, the engine
//! first finishes the step. A run can be cancelled between any two submits, and ended early with
//! any step.

use super::beginning::Beginning;
use super::canvas::Canvas;
use super::contexts::Contexts;
use super::denoiser::{Denoiser, StepOptions, Taken};
use super::options::Extras;
use super::predicts;
use super::prompts::Prompts;
use super::start::Start;
use super::state::State;
use super::windows::{Tiling, Windows};
use crate::diffusion::noise::Rng;
use crate::diffusion::{AsIn, Evaluation, Guidance, Plan};
use crate::error::{Error, Result};
use crate::pipeline::checkpoint::{Files, PictureControl};
use crate::pipeline::control::{Control, EarlyEnd, Previews, Progress};
use crate::pipeline::engine::{Engine, Kinds, LoadContext, Planned, Workload};
use crate::request::Request;
use std::ops::Range;
use std::rc::Rc;

/// A request with its plan and prompts, prepared for the opened model.
pub(in crate::pipeline) struct Order {
    /// With the size filled in.
    pub request: Request,
    pub plan: Plan,
    /// In pixels.
    pub size: [u32; 2],
    pub prompts: Prompts,
    /// The number of pictures that are computed together.
    pub at_once: u32,
    pub start: Start,
    /// The picture that it begins with or edits.
    pub canvas: Option<Canvas>,
    /// Whether pictures are encoded first: that of the canvas, or those of a first pass.
    pub begins: bool,
    /// The ControlNets and T2I-Adapters with the part of their pictures that is made, where only a
    /// part is.
    pub cut: Option<Vec<PictureControl>>,
    /// How it is cut where it is larger than the model's own size, if that is asked for.
    pub tiling: Option<Tiling>,
    /// The second pass, if there is one.
    pub second: Option<Box<Order>>,
}

impl Order {
    /// The workload of so many of its pictures together: where they are cut, that of a window, on
    /// top of which come only the latents of the whole.
    pub(crate) fn load(&self, pictures: usize) -> Workload {
        let (size, prompts) = (self.largest_part(), self.prompts.count);
        let (kinds, begins) = (Kinds::of(&self.plan).seeing(self.prompts.load()), self.begins);
        Workload { size, prompts, chunks: self.prompts.chunks(), pictures, kinds, begins }
    }

    /// Width and height of what the networks see at once, in pixels.
    pub(crate) fn largest_part(&self) -> [u32; 2] {
        self.tiling.map_or(self.size, |tiling| tiling.window)
    }

    /// The steps of all its passes.
    pub(crate) fn steps(&self) -> usize {
        self.plan.steps() + self.second.as_ref().map_or(0, |second| second.steps())
    }
}

/// A batch: its request, its pictures, and what the caller passed.
pub(in crate::pipeline) struct Job<'a> {
    pub files: &'a Files,
    pub order: &'a Order,
    /// What the observer's names begin with.
    pub prefix: &'static str,
    /// The steps before this run's, over all batches and passes of the request, and all of them.
    pub steps: [usize; 2],
    /// The indices of the batch's pictures.
    pub part: Range<u32>,
    /// What the pictures begin with beside noise.
    pub beginning: &'a Beginning,
    /// The previews that may be sent.
    pub previews: Previews,
    pub control: &'a Control,
    pub extras: &'a Extras<'a>,
}

impl Job<'_> {
    pub(crate) fn load_context(&self) -> LoadContext<'_> {
        LoadContext { files: self.files, control: self.control }
    }
}

impl<'a> Job<'a> {
    /// The second pass of the same pictures.
    pub(crate) fn second(
        &self,
        order: &'a Order,
        beginning: &'a Beginning,
        extras: &'a Extras<'a>,
    ) -> Job<'a> {
        let [done, all] = self.steps;
        let steps = [done + self.order.plan.steps(), all];
        let (part, prefix) = (self.part.clone(), "hires_");
        Job { part, order, beginning, extras, prefix, steps, ..*self }
    }
}

/// The run of a batch on an engine.
pub(in crate::pipeline) struct Run<'a, E: Engine> {
    pub job: Job<'a>,
    pub(super) engine: &'a E,
    /// The engine that continues when values exceed the range of the first: f32 instead of f16.
    wider: Option<&'a E>,
    /// Notices for the user.
    pub notices: Vec<String>,
    /// Whether values exceeded the range of the first engine.
    widened: bool,
    /// The steps that were taken, of all those of the pass, where it ended early.
    pub ended_early: Option<[usize; 2]>,
}

impl<'a, E: Planned> Run<'a, E> {
    /// Nothing is computed yet.
    pub(crate) fn new(job: Job<'a>, engine: &'a E, wider: Option<&'a E>) -> Run<'a, E> {
        Run { job, engine, wider, notices: Vec::new(), widened: false, ended_early: None }
    }

    /// The engine that computes now, and the one that takes over, if it has not.
    pub(crate) fn engines(&self) -> (&'a E, Option<&'a E>) {
        (self.engine, self.wider)
    }

    /// Makes the plan of its own pass the one that the engine follows, where a request has two.
    ///
    /// # Errors
    /// Those of [`Planned::plan`].
    pub(crate) async fn follow(&self) -> Result<()> {
        self.follow_plan(self.job.order).await
    }

    /// The same with the plan of another pass.
    ///
    /// # Errors
    /// Those of [`Planned::plan`].
    pub(crate) async fn follow_plan(&self, order: &Order) -> Result<()> {
        let pictures =
            if self.widened { self.job.part.len() } else { order.request.count as usize };
        self.engine.choose_kernels(self.widened);
        self.engine.plan(order.load(pictures), self.job.load_context()).await.map(drop)
    }

    /// Encodes the prompts and takes all steps, from noise to the final latents; fewer where the
    /// caller ends the run early, whose final latents are then the last step's x₀.
    ///
    /// # Errors
    /// Those of the engine and of the observer; [`Error::NotFinite`], [`Error::Cancelled`].
    pub(crate) async fn denoise(&mut self) -> Result<E::Array> {
        let contexts = self.contexts().await?;
        let Job { files, order, beginning, control, extras, .. } = self.job;
        let plan = &order.plan;
        let part = self.job.part.clone();
        // Of each pass its own: diffusers and AUTOMATIC1111's web UI seed it again for a second.
        let seeded = |index| {
            let request = order.request.picture(index);
            request.rng.parse::<Rng>()?.seeded(request.seed)
        };
        let noise = part.clone().map(seeded).collect::<Result<Vec<_>>>()?;
        let [w, h] = order.size.map(|side| side as usize / files.vae.factor());
        let shape = [noise.len(), files.vae.latent_channels, h, w];
        let beginning = (beginning, order.prompts.count);
        let mut origin = State::begin(self.engine, shape, noise, plan, beginning, extras)?;
        if order.request.as_in.parse::<AsIn>()? == AsIn::ComfyUi {
            let seeds = part.map(|index| order.request.picture(index).seed);
            origin.draw_from(seeds.map(|seed| Rng::Philox.seeded(seed)).collect::<Result<_>>()?);
        }
        let windows = order.tiling.map(|tiling| Windows::new(self.engine, shape, &tiling));
        origin.windows = windows.map(Rc::new);
        self.observe(&origin, "latents_000", &origin.latents).await?;

        let [done, steps] = self.job.steps;
        control.report(Progress::Step { step: done, steps });
        let of_step: Vec<&[Evaluation]> = plan.by_step().collect();
        let options = self.step_options();
        let mut denoiser =
            Denoiser::start(self.engine, options, contexts, origin, &of_step).await?;
        // The step to take next, and the one that is not checked yet.
        let (mut next, mut waiting) = (0, None::<Taken<E>>);
        let (mut count, mut end) = (of_step.len(), None);
        while next < count || waiting.is_some() {
            let ahead = waiting.as_ref().is_none_or(|taken| self.may_run_ahead(taken.step));
            let mut taken = None;
            if next < count && ahead {
                control.wait_while_paused().await?;
                if control.early_end.get() != EarlyEnd::No {
                    count = next + 1;
                }
                let ends = next + 1 == count && count < of_step.len();
                taken = Some(denoiser.take(self.engine, of_step[next], ends).await?);
                next += 1;
            } else {
                self.engine.finish(control).await?;
            }
            let Some(mut earlier) = std::mem::replace(&mut waiting, taken) else { continue };
            let step = earlier.step;
            end = earlier.end.take();
            if let Some(before) = self.check_step(&denoiser.state, earlier).await? {
                next -= 1 + usize::from(waiting.take().is_some());
                let contexts = self.contexts().await?;
                denoiser.restart(self.engine, contexts, before, &of_step[next..]).await?;
                continue;
            }
            control.report(Progress::Step { step: done + step, steps });
        }
        let Some(end) = end else { return Ok(denoiser.state.latents) };
        self.tell_early_end([count, of_step.len()]);
        Ok(end)
    }

    /// Notes that the pass ends after so many of its steps.
    fn tell_early_end(&mut self, [taken, all]: [usize; 2]) {
        self.ended_early = Some([taken, all]);
        let text = format!(
            "The picture was ended after step {taken} of {all}: it is what the model had made of \
             it so far."
        );
        self.job.control.report(Progress::Notice { text: text.clone() });
        self.notices.push(text);
    }

    /// The UNet's contexts of the prompts.
    async fn contexts(&self) -> Result<Contexts<E>> {
        let Job { order, extras, .. } = self.job;
        let (engine, call) = (self.engine, self.job.load_context());
        let text = order.prompts.encode(engine, &order.request, extras, call).await?;
        let controls = order.cut.as_deref().unwrap_or(extras.controls);
        let controls = engine.begin_controls(controls, order.size, call).await?;
        text.contexts(engine, &order.plan.kinds(), controls, call).await
    }

    fn step_options(&self) -> StepOptions<'a> {
        let Job { files, order, control, previews, .. } = self.job;
        let parts = &*order.prompts.weights;
        let scale = order.request.guidance_scale;
        StepOptions {
            guidance: Guidance {
                // Up to 1 there is no guidance; parts pull with their weights nevertheless.
                scale: if parts.is_empty() { scale } else { scale.max(1.0) },
                image_scale: order.request.image_guidance_scale.unwrap_or(1.0),
                parts,
                rescale: order.request.guidance_rescale,
            },
            control,
            previews,
            prediction: files.schedule.prediction(),
            steps: order.plan.steps(),
        }
    }

    /// Whether the next step may be submitted before this one is checked.
    fn may_run_ahead(&self, step: usize) -> bool {
        let Job { control, extras, .. } = self.job;
        let waits = control.pause.is_on() || extras.observer.is_some() || self.draws(step);
        E::RUNS_AHEAD && !waits
    }

    /// Checks a step that was taken, and sends its preview. If its latents are NaN or infinite, the
    /// wider engine takes over, and the state before the step is returned, from which the run
    /// continues. An observer gets `state`, the state after the step.
    async fn check_step(
        &mut self,
        state: &State<E::Array>,
        taken: Taken<E>,
    ) -> Result<Option<State<E::Array>>> {
        let Job { files, control, .. } = self.job;
        let Taken { step, before, prediction, shown, check, .. } = taken;
        let Some(values) = self.engine.finish_check(check, files.vae.latent_channels).await? else {
            self.engine.finish(control).await?;
            self.widen(step).await?;
            return Ok(Some(before));
        };
        self.observe(state, &format!("eps_{step:03}"), &prediction).await?;
        self.observe(state, &format!("latents_{step:03}"), &state.latents).await?;
        self.preview(step, shown.as_ref(), (state.shape, values)).await?;
        if step == 1 && self.job.part.start == 0 && files.assumes_prediction() {
            self.check_prediction(&before, &prediction).await?;
        }
        Ok(None)
    }

    /// Passes an array of the latents' shape to the observer, if there is one.
    async fn observe(&self, state: &State<E::Array>, name: &str, array: &E::Array) -> Result<()> {
        let name = format!("{}{name}", self.job.prefix);
        state.show(self.engine, &name, array, self.job.extras).await
    }

    /// Adds a notice if the first prediction, for the latents of `before`, does not look like what
    /// the schedule says that the UNet predicts.
    async fn check_prediction(
        &mut self,
        before: &State<E::Array>,
        prediction: &E::Array,
    ) -> Result<()> {
        let Job { files, order, control, .. } = self.job;
        let [_, channels, ..] = before.shape;
        let latents = self.engine.planes(&before.latents, channels).await?;
        let prediction = self.engine.planes(prediction, channels).await?;
        let level = order.plan.evaluations[0].level;
        let fits = predicts::fits(files.schedule.prediction(), level, &latents, &prediction);
        // Said once of two passes.
        if !fits && !self.notices.iter().any(|text| text == predicts::ODD) {
            control.report(Progress::Notice { text: predicts::ODD.into() });
            self.notices.push(predicts::ODD.into());
        }
        Ok(())
    }

    /// Switches to the wider engine, if there is one and the batch fits its memory, and adds a
    /// notice.
    ///
    /// # Errors
    /// [`Error::NotFinite`] where there is none; those of [`Planned::plan`].
    pub(super) async fn widen(&mut self, step: usize) -> Result<()> {
        let wider = self.wider.take().ok_or(Error::NotFinite { step })?;
        let Job { files, order, control, .. } = self.job;
        let narrowest = self.engine.narrowest();
        wider.choose_kernels(true);
        wider.plan(order.load(self.job.part.len()), LoadContext { files, control }).await?;
        (self.engine, self.widened) = (wider, true);
        let text = format!(
            "Numbers outgrew {narrowest} at step {step}. The picture was finished in f32, which \
             takes longer and is as right."
        );
        control.report(Progress::Notice { text: text.clone() });
        self.notices.push(text);
        Ok(())
    }
}
