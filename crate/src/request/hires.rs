//! The second, larger pass of a request ("hires fix", as AUTOMATIC1111's web UI names it): how
//! large it is, and how many steps it takes; and how many a run takes that begins with a picture.
//!
//! ```text
//! size  = ⌊scale · side⌋, rounded down to a multiple of the model's factor
//! steps = those asked for, the last of a schedule of ⌊steps / min(strength, 0.999)⌋
//! ```

use super::{Allowed, HiresUpscaler, Request, SIDE_MAX, STEPS_MAX, field, taken};
use crate::diffusion::{AsIn, Sampler};
use crate::error::{Error, Result};

/// The strength that a schedule has at most in AUTOMATIC1111's web UI.
const STRENGTH_MAX: f64 = 0.999;

impl Request {
    /// Whether there is a second pass, and a file's upscaler enlarges the first one.
    pub fn takes_upscaler(&self) -> bool {
        self.hires_scale.is_some() && self.upscaler() == Ok(HiresUpscaler::File)
    }

    /// What enlarges the first pass.
    ///
    /// # Errors
    /// [`Error::Request`] for an unknown name.
    pub fn upscaler(&self) -> Result<HiresUpscaler> {
        HiresUpscaler::of(&self.hires_upscaler).ok_or_else(|| {
            let reason = format!("must be one of {}", HiresUpscaler::names().join(", "));
            Error::Request { field: "hires upscaler", reason }
        })
    }

    /// How many of the steps are taken when a picture to begin with has this `strength`.
    /// AUTOMATIC1111's web UI takes one more than diffusers with k-diffusion's samplers
    /// (`setup_img2img_steps`).
    pub(crate) fn taken_at(&self, strength: f64) -> usize {
        let sampler = self.sampler.parse::<Sampler>().ok();
        match sampler.filter(|one| one.knows_programs()) {
            Some(sampler) if self.as_in == AsIn::A1111.name() => {
                let more = usize::from(sampler != Sampler::UniPc);
                (taken(self.steps, strength.min(STRENGTH_MAX)) + more).min(self.steps as usize)
            }
            _ => taken(self.steps, strength),
        }
    }

    /// Width and height of the second pass in pixels; `None` without one.
    pub fn hires_size(&self, allowed: &Allowed<'_>) -> Option<[u32; 2]> {
        let scale = self.hires_scale?;
        let large = |side: u32| (f64::from(side) * scale) as u32 / allowed.factor * allowed.factor;
        Some(self.size(allowed).map(large))
    }

    /// The steps that the second pass takes, and those of its whole schedule.
    pub(crate) fn hires_schedule(&self) -> [u32; 2] {
        let taken = self.hires_steps.unwrap_or(self.steps);
        let all = (f64::from(taken) / self.hires_strength.min(STRENGTH_MAX)) as u32;
        // Of the whole schedule, one step more than the most would be asked for.
        let is_whole = self.hires_strength >= STRENGTH_MAX;
        [taken, if is_whole { all.min(STEPS_MAX) } else { all }]
    }

    /// Checks the fields of the second pass, if there is one.
    ///
    /// # Errors
    /// [`Error::Request`] for a scale that makes no larger picture or a too large one, and for a
    /// strength that would need too many steps.
    pub(super) fn check_hires(&self, allowed: &Allowed<'_>) -> Result<()> {
        let (Some(scale), Some(large)) = (self.hires_scale, self.hires_size(allowed)) else {
            return Ok(());
        };
        let refuse = |name: &str, reason: String| {
            Err(field(name).expect("a field of the table").refused(reason))
        };
        let [before, after] = [self.size(allowed), large].map(|[w, h]| format!("{w}×{h}"));
        if before == after {
            let reason = format!("is too small: {scale} times {before} is no larger picture");
            return refuse("hires_scale", reason);
        }
        if large.into_iter().any(|side| side > SIDE_MAX) {
            let reason = format!("is too large: {after} is more than {SIDE_MAX} a side");
            return refuse("hires_scale", reason);
        }
        let [taken, all] = self.hires_schedule();
        if taken > all || all > STEPS_MAX {
            let reason = format!(
                "is too small: {taken} steps at the end of a schedule of at most {STEPS_MAX} need \
                 {:.3} or more",
                f64::from(taken) / f64::from(STEPS_MAX)
            );
            return refuse("hires_strength", reason);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWED: Allowed<'_> = Allowed {
        factor: 8,
        size: [512, 512],
        samplers: &["ddim"],
        text_layers: 12,
        embeds_guidance: false,
    };

    #[test]
    fn a_second_pass_is_as_large_and_as_long_as_the_web_ui_makes_it() {
        let request = |scale: f64, strength: f64| Request {
            hires_scale: Some(scale),
            hires_strength: strength,
            ..Request::default()
        };
        assert_eq!(Request::default().hires_size(&ALLOWED), None);
        assert_eq!(request(1.3, 0.7).hires_size(&ALLOWED), Some([664, 664]));
        assert_eq!(request(2.0, 0.7).hires_schedule(), [20, 28]);
        assert_eq!(request(2.0, 1.0).hires_schedule(), [20, 20]);
        let more = Request { hires_steps: Some(15), ..request(2.0, 0.35) };
        assert_eq!(more.hires_schedule(), [15, 42]);
        let wrong = |request: Request| match request.validate(&ALLOWED) {
            Err(Error::Request { field, .. }) => field,
            other => panic!("{other:?}"),
        };
        assert_eq!(request(1.5, 0.5).validate(&ALLOWED), Ok(()));
        assert_eq!(wrong(request(1.0, 0.5)), "hires scale");
        assert_eq!(wrong(request(1.01, 0.5)), "hires scale");
        assert_eq!(wrong(request(4.5, 0.5)), "hires scale");
        assert_eq!(wrong(Request { width: Some(4096), ..request(3.0, 0.5) }), "hires scale");
        assert_eq!(wrong(request(2.0, 0.0)), "hires strength");
        assert_eq!(wrong(request(2.0, 0.01)), "hires strength");
        let upscaler = "magic".to_string();
        assert_eq!(
            wrong(Request { hires_upscaler: upscaler, ..request(2.0, 0.5) }),
            "hires upscaler"
        );
        assert_eq!(HiresUpscaler::named("Latent (nearest-exact)"), "latent (nearest-exact)");
        assert_eq!(HiresUpscaler::named("R-ESRGAN 4x+"), "file");
    }
}
