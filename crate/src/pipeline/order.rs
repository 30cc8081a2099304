//! The order of a request: all that is checked and planned before any work.
//!
//! ```text
//! request, what came beside it → sizes, start, canvas → plan of steps → prompts as ids
//! a second pass                → its own size and plan of steps
//! both                         → how many pictures at once, by dry runs
//! ```

use super::checkpoint::{Files, Purpose, check_controls, mark_controls};
use super::control::Control;
use super::engine::{LoadContext, Planned};
use super::hires::{check_second_pass, encodes};
use super::model::Pipeline;
use super::run::{Canvas, Extras, Order, Prompts, Start, Tiling, fill_in, start};
use crate::diffusion::{Plan, Sampler, SamplerOptions};
use crate::error::{Error, Result};
use crate::request::{Applied, FINAL_SIGMAS, Request};
use crate::text::Timeline;

/// The notice where a model that takes the guidance scale as an input gets a negative prompt.
const NO_NEGATIVE: &str = "This model has no use for a negative prompt: it gets the guidance scale \
    as a number and evaluates the prompt alone.";

/// Which steps of a schedule a pass takes: how many are in it, how many of the first ones are left
/// out, and the strength for a sampler that then takes all of its own.
struct Taken {
    steps: u32,
    left_out: Option<usize>,
    strength: Option<f64>,
}

impl Pipeline {
    /// The request as a picture's file records it: with the size, and how far it goes from its
    /// picture, that apply where it does not say them; `beside` is whether it has a picture and a
    /// mask.
    pub fn recorded(&self, request: &Request, beside: [bool; 2]) -> Request {
        let [width, height] = request.size(&self.description.allowed()).map(Some);
        let mut whole = Request { width, height, ..request.clone() };
        fill_in(&mut whole, beside, self.files().purpose());
        whole
    }

    /// Checks a request, and makes its plan, before any work.
    ///
    /// # Errors
    /// [`Error::Request`](crate::Error::Request) that names the wrong field,
    /// [`Error::GpuLimit`](crate::Error::GpuLimit) for a size that does not fit.
    pub(super) async fn plan<E: Planned>(
        &self,
        engine: &E,
        request: &Request,
        control: &Control,
        extras: &Extras<'_>,
    ) -> Result<Order> {
        let allowed = self.description.allowed();
        request.validate(&allowed)?;
        let size = request.size(&allowed);
        check_second_pass(request, size, extras).await?;
        let [width, height] = size.map(Some);
        let mut request = Request { width, height, ..request.clone() };
        let files = &*self.files();
        let purpose = files.purpose();
        let start = start(&mut request, extras, purpose)?;
        let canvas = Canvas::new(&request, size, extras, purpose)?;
        let is_masked = canvas.as_ref().is_some_and(|canvas| canvas.masked.is_some());
        let (left_out, strength) = match start {
            Start::Noise => (None, None),
            Start::Picture { .. } if !is_masked && request.takes_all_steps(&allowed) => {
                (None, request.strength)
            }
            Start::Picture { left_out } => (Some(left_out), None),
        };
        check_controls(extras.controls)?;
        let taken = Taken { steps: request.steps, left_out, strength };
        let mut plan = steps(files, &request, taken, extras)?;
        let timeline = timeline(&request, &plan, None);
        let prompts = self.prompts(files, &request, (timeline, &mut plan))?;
        plan = request.shortcuts.apply(plan, &files.schedule);
        if is_masked && purpose == Purpose::Generate {
            plan = plan.with_mask(request.sampler.parse::<Sampler>()?.masks_by_step());
        }
        let cut = canvas.as_ref().and_then(|canvas| canvas.cut_controls(extras.controls, size));
        let controls = extras.controls.iter().map(|control| &control.file);
        engine.use_controls(files.fit_controls(controls)?);
        let tiling = self.tiling(&request, size, (extras, purpose))?;
        let mut order = Order {
            request,
            plan,
            size,
            prompts,
            at_once: 1,
            start,
            begins: canvas.is_some(),
            canvas,
            cut,
            tiling,
            second: None,
        };
        order.second = self.second_pass(files, &order, extras)?.map(Box::new);
        let (call, count) = (LoadContext { files, control }, order.request.count as usize);
        let mut at_once = engine.plan(order.load(count), call).await?;
        if let Some(second) = &order.second {
            if encodes(&order.request)? {
                let size = second.largest_part().map(|side| side as usize);
                engine.check_encoder(files, size).await?;
            }
            at_once = at_once.min(engine.plan(second.load(count), call).await?);
        }
        order.at_once = at_once as u32;
        Ok(order)
    }

    /// How pictures of this size are cut, if they are larger than the model's own size and that is
    /// asked for.
    fn tiling(
        &self,
        request: &Request,
        size: [u32; 2],
        (extras, purpose): (&Extras<'_>, Purpose),
    ) -> Result<Option<Tiling>> {
        let allowed = self.description.allowed();
        let Some(overlap) = request.tile_overlap else { return Ok(None) };
        let Some(tiling) = Tiling::new(size, allowed.size, overlap, allowed.factor) else {
            return Ok(None);
        };
        let with = if extras.mask.is_some() || purpose != Purpose::Generate {
            "masks, and models that fill or edit images"
        } else if !extras.controls.is_empty() {
            "ControlNets and T2I-Adapters"
        } else if request.shortcuts.cache_interval > 1 {
            "a cache interval"
        } else {
            return Ok(Some(tiling));
        };
        let reason = format!("cannot be used with {with}: what they add is not cut into windows");
        Err(Error::Request { field: "tile overlap", reason })
    }

    /// The second pass of a request, if it has one.
    fn second_pass(
        &self,
        files: &Files,
        first: &Order,
        extras: &Extras<'_>,
    ) -> Result<Option<Order>> {
        let (allowed, request) = (self.description.allowed(), &first.request);
        let Some(size) = request.hires_size(&allowed) else { return Ok(None) };
        let [taken, all] = request.hires_schedule();
        let left_out = (all - taken) as usize;
        let taken = match request.takes_all_steps(&allowed) {
            true => {
                let strength = Some(request.hires_strength);
                Taken { steps: taken, left_out: None, strength }
            }
            false => Taken { steps: all, left_out: Some(left_out), strength: None },
        };
        let mut plan = steps(files, request, taken, extras).map_err(of_second)?;
        let timeline = timeline(request, &plan, Some(&first.plan));
        let prompts = self.prompts(files, request, (timeline, &mut plan))?;
        Ok(Some(Order {
            request: request.clone(),
            plan: request.shortcuts.apply(plan, &files.schedule),
            size,
            prompts,
            at_once: 1,
            start: Start::Picture { left_out },
            canvas: None,
            begins: encodes(request)?,
            cut: None,
            tiling: self.tiling(request, size, (extras, files.purpose()))?,
            second: None,
        }))
    }

    /// The prompts of a request, with all that is to be told about them; marks the evaluations of
    /// a plan with the texts that they see.
    fn prompts(
        &self,
        files: &Files,
        request: &Request,
        steps: (Timeline, &mut Plan),
    ) -> Result<Prompts> {
        let mut prompts = Prompts::read(&self.tokenizer(), files, request, steps)?;
        prompts.notices.extend(self.lora_notices(request));
        if files.embeds_guidance() && !request.negative_prompt.is_empty() {
            prompts.notices.push(NO_NEGATIVE.into());
        }
        Ok(prompts)
    }
}

/// The steps of a pass, without what the request leaves out of them to be faster.
fn steps(files: &Files, request: &Request, taken: Taken, extras: &Extras<'_>) -> Result<Plan> {
    let sampler: Sampler = request.sampler.parse()?;
    let spacing = request.spacing.as_deref().map(str::parse).transpose()?;
    let ends_low = request.final_sigmas.as_deref() == Some(FINAL_SIGMAS[1]);
    let sigmas = request.sigmas.as_deref().map(str::parse).transpose()?;
    let timesteps = request.custom_timesteps()?;
    let options = SamplerOptions {
        eta: request.eta,
        sigmas,
        spacing,
        ends_at_sigma_min: extras.ends_at_sigma_min || ends_low,
        rescale_betas_zero_snr: request.rescale_betas_zero_snr,
        left_out: taken.left_out,
        strength: taken.strength,
        timesteps: timesteps.as_deref(),
        as_in: request.as_in.parse()?,
    };
    let schedule = &files.schedule;
    let mut plan = sampler.plan_with(schedule, taken.steps as usize, options)?;
    // Before the shortcuts: what is kept of an evaluation serves those with the same controls.
    mark_controls(&mut plan, extras.controls);
    Ok(plan.with_freeu(request.freeu_scales()?))
}

/// What a run takes that its request leaves to the model, or to what came beside it.
///
/// # Errors
/// [`Error::Request`] for names that are unknown.
pub(super) fn applied(files: &Files, request: &Request, extras: &Extras<'_>) -> Result<Applied> {
    let sampler: Sampler = request.sampler.parse()?;
    let options = SamplerOptions {
        sigmas: request.sigmas.as_deref().map(str::parse).transpose()?,
        spacing: request.spacing.as_deref().map(str::parse).transpose()?,
        rescale_betas_zero_snr: request.rescale_betas_zero_snr,
        as_in: request.as_in.parse()?,
        ..SamplerOptions::default()
    };
    let levels = Some(sampler.levels(&files.schedule, &options));
    Ok(Applied { levels, masked: extras.mask.is_some() })
}

/// The steps that a prompt's schedule counts in a pass; `first` is the plan of the pass before it.
fn timeline(request: &Request, plan: &Plan, first: Option<&Plan>) -> Timeline {
    // pndm evaluates twice in one step alone, to begin with.
    let is_single = request.sampler == Sampler::Pndm.name();
    let twice = |plan: &Plan| !is_single && plan.by_step().any(|step| step.len() > 1);
    let steps = |asked: u32, plan: &Plan| asked as usize * if twice(plan) { 2 } else { 1 };
    let own = first.map_or(request.steps, |_| request.hires_schedule()[0]);
    Timeline { steps: steps(own, plan), first: first.map(|first| steps(request.steps, first)) }
}

/// Names the fields that the user gave for a second pass, whose steps follow from two of them.
fn of_second(error: Error) -> Error {
    match error {
        Error::Request { field: "number of steps", reason } => Error::Request {
            field: "hires strength",
            reason: format!("and steps of the second pass make a schedule whose number {reason}"),
        },
        other => other,
    }
}
