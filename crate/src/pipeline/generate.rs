//! The run from a request to a picture, top to bottom.
//!
//! ```text
//! picture → mean, logvar              if the run begins with one, or keeps a part of it
//! prompts → ids → context             2 × [77] → [2, 77, 768]      negative first
//! seeds   → noise                     [pictures, h/8, w/8, 4]      × the first sigma
//! per evaluation:  scale and double → UNet → guidance → the sampler's sums
//! the same at a larger size, begun with what these steps gave, where a second pass is asked for
//! latents → pictures                  [1, h, w, 3] → RGBA8, one after another; under what a mask
//!                                     keeps of the picture
//! the safety checker's verdict        a flagged picture is black
//! ```
//!
//! As many pictures of a request are computed together as fit in memory; the others follow in
//! further batches. The steps, and the fallback where values exceed f16, are in `run`.

use super::checkpoint::{BesideVae, ControlRecord, DecoderChoice, DecoderRecord};
use super::control::{Control, EarlyEnd, Previews, Progress};
use super::engine::{Engine as _, Planned};
use super::hires::{begin_pass, upscaler_of};
use super::model::{Machine, Pipeline};
use super::order::applied;
use super::picture::{Picture, Safety};
use super::run::{Beginning, Extras, Image, Job, Run};
use super::safety::FLAGGED;
use super::upscaler::Upscaler;
use crate::error::{Error, Result};
use crate::image::Rgba;
use crate::request::Request;
use std::cell::Cell;

/// The notice where a TAESD decodes because memory is short.
const SHORT_FOR_VAE: &str = "Memory is too short for the model's VAE. A TAESD decoded the picture, \
                             which has less fine detail.";

/// Whether a TAESD decodes that was not asked to.
fn is_makeshift(beside: Option<&BesideVae>, decodes: bool) -> bool {
    decodes && beside.is_some_and(|beside| beside.decoder == DecoderChoice::Auto)
}

/// Gets each finished picture with its index; an error ends the run.
pub type Receive<'a> = dyn FnMut(u32, Picture) -> Result<()> + 'a;

impl Pipeline {
    /// Makes a picture.
    ///
    /// # Errors
    /// [`Error::Request`] that names the wrong field, [`Error::GpuLimit`] for a size that does not
    /// fit, [`Error::Cancelled`], [`Error::NotFinite`], and those of the device. After any of them
    /// but the loss of the device the pipeline can be used again.
    ///
    /// [`Error::Request`]: crate::Error::Request
    /// [`Error::GpuLimit`]: crate::Error::GpuLimit
    /// [`Error::Cancelled`]: crate::Error::Cancelled
    /// [`Error::NotFinite`]: crate::Error::NotFinite
    pub async fn generate(&self, request: &Request, control: &Control) -> Result<Picture> {
        self.generate_with(request, control, &Extras::default()).await
    }

    /// [`Pipeline::generate`] with [`Extras`], such as given latents or an observer of every stage.
    ///
    /// # Errors
    /// As [`Pipeline::generate`], and those of the observer.
    pub async fn generate_with(
        &self,
        request: &Request,
        control: &Control,
        extras: &Extras<'_>,
    ) -> Result<Picture> {
        if request.count != 1 {
            let reason = format!("must be 1 here, not {}", request.count);
            return Err(Error::Request { field: "count", reason });
        }
        let mut only = None;
        let mut receive = |_, picture| {
            only = Some(picture);
            Ok(())
        };
        self.generate_each(request, control, extras, &mut receive).await?;
        Ok(only.expect("a run without an error gives its picture"))
    }

    /// Makes all pictures of a request. `receive` gets each as soon as it is finished, so that none
    /// is lost by a cancel or an error.
    ///
    /// # Errors
    /// As [`Pipeline::generate_with`], and those of `receive`.
    pub async fn generate_each(
        &self,
        request: &Request,
        control: &Control,
        extras: &Extras<'_>,
        receive: &mut Receive<'_>,
    ) -> Result<()> {
        request.validate(&self.description.allowed())?;
        let loras = self.loras_of(request);
        let engine = match &self.machine {
            Machine::Gpu(engine) => engine,
            Machine::Cpu(engine) => {
                self.change_loras(&loras, control).await?;
                return self.run(&**engine, request, (control, extras), None, receive).await;
            }
        };
        let received = Cell::new(0);
        let mut receive = |index, picture| {
            received.set(index + 1);
            receive(index, picture)
        };
        let mut again = None;
        loop {
            let ended = match self.change_loras(&loras, control).await {
                Ok(()) => {
                    self.run(&**engine, request, (control, extras), again, &mut receive).await
                }
                Err(error) => Err(error),
            };
            // Also after an error or a cancel of a run that outgrew the fastest ones.
            engine.choose_kernels(false);
            if !engine.takes_less_after(&ended, control).await {
                return ended;
            }
            again = Some(received.get());
        }
    }

    /// Makes the pictures of a request; once more where memory was short, `again` from this index
    /// on.
    async fn run<E: Planned>(
        &self,
        engine: &E,
        request: &Request,
        (control, extras): (&Control, &Extras<'_>),
        again: Option<u32>,
        receive: &mut Receive<'_>,
    ) -> Result<()> {
        engine.choose_kernels(false);
        let order = &self.plan(engine, request, control, extras).await?;
        let from = again.unwrap_or(0);
        if again.is_none() {
            for text in &order.prompts.notices {
                control.report(Progress::Notice { text: text.clone() });
            }
        }
        // Told also where a run before was to be decoded by the VAE.
        if is_makeshift(engine.taesd(), engine.decodes_by_taesd()) {
            control.report(Progress::Notice { text: SHORT_FOR_VAE.into() });
        }
        let (files, wider) = (&*self.files(), engine.widened());
        // Latents already show the picture, so there are no previews if the safety checker has to
        // check it first.
        let previews = if self.checker.is_err() { control.previews } else { Previews::default() };
        let asked = (&order.request, order.start, order.tiling.as_ref());
        let engines = (engine, wider.as_ref());
        let canvas = order.canvas.as_ref();
        let beginning = &Beginning::encode(engines, files, canvas, asked, control).await?;
        let batches = |pictures: u32| (pictures - from).div_ceil(order.at_once) as usize;
        let all = batches(request.count) * order.steps();
        for first in (from..request.count).step_by(order.at_once as usize) {
            let part = first..request.count.min(first + order.at_once);
            // A `Job` and its `Run` are one batch: the pictures `part` of the request.
            let job = Job {
                part,
                beginning,
                previews,
                control,
                extras,
                files,
                order,
                prefix: "",
                steps: [batches(first) * order.steps(), all],
            };
            // The batch before may have outgrown the fastest ones.
            engine.choose_kernels(false);
            self.batch(Run::new(job, engine, wider.as_ref()), receive).await?;
            match control.early_end.get() {
                EarlyEnd::No => {}
                EarlyEnd::Batch => control.early_end.set(EarlyEnd::No),
                EarlyEnd::Request => break,
            }
        }
        Ok(())
    }

    /// Makes the pictures of a batch, in one pass or in two.
    async fn batch<E: Planned>(&self, run: Run<'_, E>, receive: &mut Receive<'_>) -> Result<()> {
        let (order, control, part) = (run.job.order, run.job.control, run.job.part.clone());
        let later = &Extras { latents: None, ..*run.job.extras };
        let (enlarged, mut flagged);
        let mut run = run;
        if order.second.is_some() {
            begin_pass(&run, 1).await?;
        }
        let mut latents = run.denoise().await?;
        if let Some(second) = order.second.as_ref().filter(|_| run.ended_early.is_none()) {
            (enlarged, flagged) = self.enlarge(&mut run, latents).await?;
            run.job = run.job.second(second, &enlarged, later);
            begin_pass(&run, 2).await?;
            latents = run.denoise().await?;
        } else {
            flagged = Vec::new();
        }
        flagged.resize(part.len(), false);
        for (place, index) in part.enumerate() {
            control.wait_while_paused().await?;
            control.report(Progress::Decoding);
            let developed = run.develop(&latents, place).await?;
            let request = order.request.picture(index);
            let picture = self.picture(&run, developed, (request, flagged[place])).await?;
            receive(index, picture)?;
        }
        Ok(())
    }

    /// Makes the result from a decoded picture and its request.
    async fn picture<E: Planned>(
        &self,
        run: &Run<'_, E>,
        (image, rgba): (Image<E::Array>, Vec<u8>),
        (request, was_flagged): (Request, bool),
    ) -> Result<Picture> {
        let Job { order, control, extras, .. } = run.job;
        let [width, height] = order.size;
        let mut notices = [&order.prompts.notices[..], &run.notices].concat();
        let decoded_by = run.decoded_by();
        if is_makeshift(decoded_by.map(|(beside, _)| beside), true) {
            notices.push(SHORT_FOR_VAE.into());
        }
        let decoder = decoded_by.map(|(beside, encoded)| DecoderRecord::of(beside, encoded));
        let mut whole = Rgba::new(width, height, rgba);
        if let Some(masked) = order.canvas.as_ref().and_then(|canvas| canvas.masked.as_ref()) {
            whole = masked.put_back(whole);
        }
        let [width, height] = [whole.width(), whole.height()];
        let (mut rgba, mut safety) = self.checked(whole, extras).await?;
        if was_flagged {
            safety = Safety::Flagged;
            blacken(&mut rgba);
        }
        if safety == Safety::Flagged {
            control.report(Progress::Notice { text: FLAGGED.into() });
            notices.push(FLAGGED.into());
        }
        // An observer gets a flagged picture in black, too.
        let brightness = if safety == Safety::Flagged { 0.0 } else { 1.0 };
        run.show(&image, brightness).await?;
        let kernels = match &self.machine {
            Machine::Gpu(on_gpu) => on_gpu.gpu.tuned_id(),
            Machine::Cpu(_) => None,
        };
        let model = self.provenance.clone();
        let (loras, embeddings) = (self.loras(), order.prompts.embeddings.clone());
        let upscaler = upscaler_of(&request, extras).map(Upscaler::record);
        let applied = applied(run.job.files, &request, extras)?;
        Ok(Picture {
            width,
            height,
            rgba,
            request,
            notices,
            safety,
            kernels,
            model,
            loras,
            embeddings,
            parts: self.parts.clone(),
            decoder,
            controls: extras.controls.iter().map(ControlRecord::of).collect(),
            upscaler,
            applied,
            ended_early: run.ended_early,
        })
    }

    /// Runs the safety checker. Returns the picture's bytes, opaque black for a flagged picture,
    /// and the checker's result.
    ///
    /// # Errors
    /// Those of the device.
    pub(super) async fn checked(
        &self,
        picture: Rgba,
        extras: &Extras<'_>,
    ) -> Result<(Vec<u8>, Safety)> {
        let safety = match &self.checker {
            _ if extras.unchecked => Safety::Off,
            Ok(checker) => checker.look_at(&picture).await?,
            Err(reason) => *reason,
        };
        let mut rgba = picture.into_pixels();
        if safety == Safety::Flagged {
            blacken(&mut rgba);
        }
        Ok((rgba, safety))
    }
}

/// Makes a picture's bytes opaque black.
fn blacken(rgba: &mut [u8]) {
    rgba.as_chunks_mut().0.fill([0, 0, 0, u8::MAX]);
}
