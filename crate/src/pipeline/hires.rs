//! From the first pass of a request to the second ("hires fix").
//!
//! ```text
//! latents of the first pass → interpolated                       → noise → steps
//!                           → picture → enlarged → VAE's encoder → noise → steps
//! ```
//!
//! The noise is that of a generator which is seeded again with the picture's seed. So a second pass
//! is diffusers' `StableDiffusionImg2ImgPipeline` with a generator of its own, given the enlarged
//! latents or the enlarged picture; AUTOMATIC1111's web UI seeds it again, too. Where the model has
//! a safety checker, it sees the pictures of the first pass, whatever enlarges them.

use super::control::Progress;
use super::engine::Planned;
use super::model::Pipeline;
use super::picture::Safety;
use super::run::{Beginning, Extras, Initial, Run};
use super::upscaler::Upscaler;
use crate::error::{Error, Result};
use crate::image::{Filter, Rgba, enlarged};
use crate::request::{HiresUpscaler, Request};

/// Checks what a second pass needs, and what it cannot be combined with, if there is one.
///
/// # Errors
/// [`Error::Request`] for a start picture, for a list of timesteps, and without the upscaler that
/// the request wants; [`Error::GpuLimit`] where that does not fit.
pub(super) async fn check_second_pass(
    request: &Request,
    size: [u32; 2],
    extras: &Extras<'_>,
) -> Result<()> {
    if request.hires_scale.is_none() {
        return Ok(());
    }
    let refused = |field, reason: &str| Err(Error::Request { field, reason: reason.into() });
    if extras.initial.is_some() || extras.mask.is_some() {
        return refused(
            "hires scale",
            "cannot be used: a second pass is for pictures that are made of noise. With a picture \
             to begin with, ask for a larger size",
        );
    }
    if request.timesteps.is_some() {
        return refused(
            "timesteps",
            "cannot be used with a second pass, which takes other ones: take the list away, or \
             the second pass",
        );
    }
    if request.upscaler()? != HiresUpscaler::File {
        return Ok(());
    }
    match extras.upscaler {
        Some(upscaler) => upscaler.plan(size).await.map(drop),
        None => refused(
            "hires upscaler",
            "is missing: give the file of an upscaler, or choose another way to enlarge, such as \
             latent or lanczos",
        ),
    }
}

/// Whether a second pass begins with a picture that is encoded.
///
/// # Errors
/// [`Error::Request`] for an unknown name.
pub(super) fn encodes(request: &Request) -> Result<bool> {
    Ok(!matches!(request.upscaler()?, HiresUpscaler::Latent(_)))
}

/// The upscaler that a request uses.
pub(super) fn upscaler_of<'e>(request: &Request, extras: &Extras<'e>) -> Option<&'e Upscaler> {
    extras.upscaler.filter(|_| request.takes_upscaler())
}

/// Begins a pass of two.
///
/// # Errors
/// A cancel; those of the plan.
pub(super) async fn begin_pass<E: Planned>(run: &Run<'_, E>, pass: usize) -> Result<()> {
    let (control, [width, height]) = (run.job.control, run.job.order.size);
    control.wait_while_paused().await?;
    control.check()?;
    control.report(Progress::Pass { pass, passes: 2, width, height });
    run.follow().await
}

impl Pipeline {
    /// What the second pass begins with, from the latents of the first one; and which of its
    /// pictures the safety checker has flagged.
    ///
    /// # Errors
    /// Those of the engine, of the upscaler and of the checker; a cancel.
    pub(super) async fn enlarge<E: Planned>(
        &self,
        run: &mut Run<'_, E>,
        latents: E::Array,
    ) -> Result<(Beginning, Vec<bool>)> {
        let order = run.job.order;
        let (files, control, extras) = (run.job.files, run.job.control, run.job.extras);
        let to = order.second.as_ref().map_or(order.size, |second| second.size);
        let upscaler = order.request.upscaler()?;
        let is_checked = self.checker.is_ok() && !extras.unchecked;
        let (mut pictures, mut flagged) = (Vec::new(), Vec::new());
        for place in 0..run.job.part.len() {
            control.wait_while_paused().await?;
            if !is_checked && !encodes(&order.request)? {
                break;
            }
            control.report(Progress::Decoding);
            let (_, rgba) = run.develop(&latents, place).await?;
            let picture = Rgba::new(order.size[0], order.size[1], rgba);
            let (rgba, safety) = self.checked(picture, extras).await?;
            flagged.push(safety == Safety::Flagged);
            let picture = Rgba::new(order.size[0], order.size[1], rgba);
            let large = match upscaler {
                HiresUpscaler::Latent(_) => continue,
                HiresUpscaler::Pixels(filter) => picture.resize(to[0], to[1], filter),
                HiresUpscaler::File => {
                    let upscaler = extras.upscaler.expect("it was checked before the first pass");
                    let (_, bytes) = upscaler.plan(order.size).await?;
                    run.engines().0.make_room(bytes).await?;
                    let large = upscaler.enlarge(&picture, control).await?;
                    large.resize(to[0], to[1], Filter::Lanczos)
                }
            };
            pictures.push(large);
        }
        let mut initials = Vec::new();
        if let HiresUpscaler::Latent(how) = upscaler {
            let factor = files.vae.factor();
            let [from, to] = [order.size, to].map(|size| size.map(|side| side as usize / factor));
            let channels = files.vae.latent_channels;
            let planes = run.engines().0.planes(&latents, channels).await?;
            let each = planes.chunks_exact(channels * from[0] * from[1]);
            initials.extend(each.map(|one| Initial::of_latents(enlarged(one, from, to, how))));
        }
        drop(latents);
        if let Some(second) = order.second.as_ref().filter(|_| !pictures.is_empty()) {
            // The encoder is counted in the plan of the second pass.
            run.follow_plan(second).await?;
        }
        for picture in &pictures {
            let tiling = order.second.as_ref().and_then(|second| second.tiling.as_ref());
            let asked = (picture, None, tiling);
            initials.push(Initial::encode(run.engines(), files, asked, control).await?);
        }
        Ok((Beginning::of_each(initials), flagged))
    }
}
