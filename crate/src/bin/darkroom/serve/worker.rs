//! The thread that has the model: it takes jobs from the queue and draws them, one after another.
//! After a fault of the device the model is opened anew.

use super::args::ServeArgs;
use super::fault::Fault;
use super::job::{Job, Made, MaskKind, Order, State};
use super::queue::Queue;
use super::saved::save;
use crate::disk::decode_picture;
use crate::exit::{ExitState, TRY_AGAIN};
use crate::interrupt::Interrupt;
use crate::lora_list::weighted;
use crate::open_args::Opened;
use crate::progress::Reporter;
use darkroom::image::{Mask, Rgba};
use darkroom::pipeline::{
    Control, Description, EarlyEnd, Extras, Picture, Pipeline, Progress, Provenance, Request,
    Upscaler, UpscalerRecord, Weighted,
};
use darkroom::{Error, Result};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

/// How often a model is opened again before a job fails, and after which times.
const AGAIN: [Duration; 3] =
    [Duration::ZERO, Duration::from_millis(500), Duration::from_millis(2000)];

/// What the model is.
pub(super) struct About {
    pub description: Description,
    pub provenance: Option<Provenance>,
    pub adapter: String,
    pub upscaler: Option<UpscalerRecord>,
    pub loras: Vec<String>,
    pub embeddings: Vec<String>,
}

/// The worker's own part of the service.
pub(super) struct Worker {
    pub args: Arc<ServeArgs>,
    pub queue: Arc<Queue>,
    pub interrupt: Interrupt,
}

impl Worker {
    /// Opens the model and says what it is, then draws until the queue is closed.
    pub(super) fn run(&self, ready: &Sender<Result<About>>) {
        let opened = self.open();
        let mut opened = match opened {
            Ok(opened) => {
                ready.send(Ok(about(&opened))).ok();
                Some(opened)
            }
            Err(error) => {
                ready.send(Err(error)).ok();
                return;
            }
        };
        while let Some(job) = self.queue.next() {
            if opened.is_none() {
                opened = match self.open_again() {
                    Ok(opened) => Some(opened),
                    Err(error) => {
                        job.set(State::Failed(Fault::from(error)));
                        continue;
                    }
                };
            }
            let (Some(model), Some(order)) = (&opened, job.take_order()) else { continue };
            let drawn = self.draw(model, &job, order);
            if drawn.as_ref().is_err_and(is_of_device) {
                Reporter::Text.say("The device failed; the model is opened anew.");
                model.pipeline.destroy();
                opened = None;
            }
            job.set(match drawn {
                Ok(made) => State::Done(Arc::new(made)),
                Err(error) => State::Failed(Fault::from(error)),
            });
        }
    }

    fn open(&self) -> Result<Opened> {
        let (cancel, interrupt) = (Rc::new(Cell::new(false)), self.interrupt.clone());
        let ends = cancel.clone();
        let on_progress = Box::new(move |progress: &Progress| {
            Reporter::Text.event(progress);
            ends.set(interrupt.signal().is_some());
        });
        let control = Control { on_progress, cancel, ..Control::default() };
        pollster::block_on(self.args.opens.open(Reporter::Text, &control))
    }

    /// Opens the model after a fault: the device may need a moment.
    fn open_again(&self) -> Result<Opened> {
        let mut last = Err(Error::Cancelled);
        for time in AGAIN {
            std::thread::sleep(time);
            last = self.open();
            if last.is_ok() || self.interrupt.signal().is_some() {
                break;
            }
        }
        last
    }

    /// Draws the pictures of a job. Those that were finished before a cancel are given.
    fn draw(&self, model: &Opened, job: &Arc<Job>, order: Order) -> Result<Vec<Made>> {
        let pipeline = &model.pipeline;
        self.log(job, &order.request);
        let initial = order.initial.as_deref().map(|png| decoded("initial picture", png));
        let initial = initial.transpose()?;
        let mask = order.mask.as_ref().map(|(png, kind)| {
            decoded("mask", png).map(|picture| white_where_new(&picture, *kind))
        });
        let mask = mask.transpose()?;
        let upscaler = model.upscaler.as_deref();
        let extras = Extras {
            initial: initial.as_ref(),
            mask: mask.as_ref(),
            upscaler,
            ..Extras::default()
        };
        let control = self.control(job, pipeline);
        let given = pipeline.chosen_loras();
        if let Some(named) = &order.loras {
            pipeline.set_loras(weighted(&given, named)?);
        }
        let mut made = Vec::new();
        let mut receive = |_, picture: Picture| {
            let one = finished(&picture)?;
            if let Some(folder) = &self.args.save_to {
                save(folder, &job.id, made.len(), &one.png)?;
            }
            made.push(one);
            // What was asked for while it was decoded is of this picture, not of the next.
            hear_early_end(job, &control.early_end);
            Ok(())
        };
        let run = pipeline.generate_each(&order.request, &control, &extras, &mut receive);
        let drawn = pollster::block_on(run);
        pipeline.set_loras(given);
        match drawn {
            Err(Error::Cancelled) if !made.is_empty() => Ok(made),
            other => other.map(|()| made),
        }
    }

    /// Writes a job's prompts to the log, if that is asked for; quoted, so that they are one line.
    fn log(&self, job: &Job, request: &Request) {
        if self.args.log_prompts {
            let [prompt, negative] = [&request.prompt, &request.negative_prompt];
            Reporter::Text.say(&format!("Job {}: {prompt:?}, negative {negative:?}", job.id));
        }
    }

    fn control(&self, job: &Arc<Job>, pipeline: &Rc<Pipeline>) -> Control {
        let cancel = Rc::new(Cell::new(job.is_cancelled()));
        let early_end = Rc::new(Cell::new(EarlyEnd::No));
        let (cancels, ends) = (cancel.clone(), early_end.clone());
        let (job, log_prompts) = (job.clone(), self.args.log_prompts);
        let loses = super::lost::at_step(pipeline);
        let on_progress = Box::new(move |progress: &Progress| {
            match progress {
                Progress::Step { step, steps } => job.set(State::Running([*step, *steps])),
                // What is cut from a prompt is quoted.
                Progress::Notice { text } if log_prompts => {
                    Reporter::Text.say(&format!("Job {}: {text:?}", job.id));
                }
                _ => {}
            }
            loses(progress);
            cancels.set(job.is_cancelled());
            hear_early_end(&job, &ends);
        });
        Control { on_progress, cancel, early_end, ..Control::default() }
    }
}

/// Passes on to the run which early end is asked for.
fn hear_early_end(job: &Job, ends: &Cell<EarlyEnd>) {
    match job.take_early_end() {
        EarlyEnd::No => {}
        how => ends.set(how),
    }
}

/// The picture of a request's file; the fault has the field's name.
fn decoded(field: &'static str, png: &[u8]) -> Result<Rgba> {
    decode_picture("", png).map_err(|fault| match fault {
        Error::Request { reason, .. } => {
            Error::Request { field, reason: reason.trim_start().to_owned() }
        }
        other => other,
    })
}

/// Whether the device is to be opened anew.
fn is_of_device(error: &Error) -> bool {
    matches!(error, Error::DeviceLost { .. } | Error::Gpu { .. })
}

fn finished(picture: &Picture) -> Result<Made> {
    Ok(Made {
        png: picture.png()?,
        request: picture.request.clone(),
        size: [picture.width, picture.height],
        safety: picture.safety,
        notices: picture.notices.clone(),
        infotext: picture.parameters().format(),
    })
}

fn about(opened: &Opened) -> About {
    let pipeline = &opened.pipeline;
    About {
        description: pipeline.describe().clone(),
        provenance: pipeline.provenance().cloned(),
        adapter: opened.adapter.clone(),
        upscaler: opened.upscaler.as_deref().map(Upscaler::record),
        loras: pipeline.chosen_loras().iter().map(Weighted::name).map(str::to_owned).collect(),
        embeddings: pipeline.embeddings().into_iter().map(|one| one.name).collect(),
    }
}

/// The mask as the pipeline wants it.
fn white_where_new(picture: &Rgba, kind: MaskKind) -> Rgba {
    let opacities = || picture.pixels().as_chunks::<4>().0.iter().map(|[.., opacity]| *opacity);
    let values: Vec<u8> = match kind {
        MaskKind::White => return picture.clone(),
        MaskKind::Transparent => opacities().map(|opacity| 255 - opacity).collect(),
        MaskKind::WebUi { is_inverted } => {
            let is_opaque = opacities().all(|opacity| opacity == u8::MAX);
            let white: Vec<u8> = match is_opaque {
                true => picture.luminances().collect(),
                false => opacities().map(|it| if it > 128 { 255 } else { 0 }).collect(),
            };
            white.into_iter().map(|it| if is_inverted { 255 - it } else { it }).collect()
        }
    };
    Mask::new(picture.width(), picture.height(), values).picture()
}

/// How the program ends where the worker has ended by itself.
pub(super) const WORKER_ENDED: ExitState = TRY_AGAIN;
