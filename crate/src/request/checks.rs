//! Whether what a request asks for can be made: each field by its table, and fields that depend on
//! one another.

use super::{Allowed, FieldValue, Request, field, fields};
use crate::diffusion::noise::Rng;
use crate::error::{Error, Result};

impl Request {
    /// Checks every field; the first wrong one is the error.
    ///
    /// # Errors
    /// [`Error::Request`] for a value that the model does not allow, or that contradicts another
    /// field.
    pub fn validate(&self, allowed: &Allowed<'_>) -> Result<()> {
        for field in fields() {
            field.check(self.value(field), allowed)?;
        }
        for (name, side) in ["width", "height"].into_iter().zip(self.size(allowed)) {
            let field = field(name).expect("a field of the table");
            field.check(FieldValue::Whole(side), allowed)?;
        }
        if let Some(strength) = self.strength
            && self.taken_at(strength) == 0
            && !self.takes_all_steps(allowed)
        {
            let reason =
                format!("is too small: {strength} of {} steps is less than one", self.steps);
            return Err(Error::Request { field: "strength", reason });
        }
        let side = allowed.size[0].min(allowed.size[1]);
        if let Some(overlap) = self.tile_overlap.filter(|overlap| *overlap >= side) {
            let reason = format!("must be less than the window's {side} pixels, not {overlap}");
            return Err(Error::Request { field: "tile overlap", reason });
        }
        self.check_hires(allowed)?;
        self.check_timesteps()?;
        self.freeu_scales()?;
        let rng = self.rng.parse::<Rng>()?;
        rng.seeded(self.seed)?;
        let last = self.seed.checked_add(u64::from(self.count) - 1).ok_or_else(|| {
            let reason = format!(
                "is too large for {} pictures: the last would need a seed beyond {}",
                self.count,
                u64::MAX
            );
            Error::Request { field: "seed", reason }
        })?;
        rng.seeded(last)?;
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

    fn field_of(result: Result<()>) -> &'static str {
        match result {
            Err(Error::Request { field, .. }) => field,
            other => panic!("expected a refused request, got {other:?}"),
        }
    }

    #[test]
    fn gives_each_picture_its_seed() {
        let many = Request { seed: u64::MAX - 2, count: 3, ..Request::default() };
        assert_eq!(many.validate(&ALLOWED), Ok(()));
        let last = many.picture(2);
        assert_eq!((last.seed, last.count), (u64::MAX, 1));
    }

    #[test]
    fn refuses_what_cannot_be_drawn() {
        let good = Request::default();
        assert_eq!(good.validate(&ALLOWED), Ok(()));
        assert_eq!(good.size(&ALLOWED), [512, 512]);
        let bad = |change: fn(&mut Request)| {
            let mut request = Request::default();
            change(&mut request);
            field_of(request.validate(&ALLOWED))
        };
        assert_eq!(bad(|r| r.steps = 0), "steps");
        assert_eq!(bad(|r| r.steps = 10_000), "steps");
        assert_eq!(bad(|r| r.guidance_scale = f64::NAN), "guidance scale");
        assert_eq!(bad(|r| r.guidance_scale = f64::INFINITY), "guidance scale");
        assert_eq!(bad(|r| r.sampler = "magic".into()), "sampler");
        assert_eq!(bad(|r| r.eta = Some(1.5)), "eta");
        assert_eq!(bad(|r| r.eta = Some(f64::NAN)), "eta");
        assert_eq!(bad(|r| r.rng = "dice".into()), "rng");
        assert_eq!(bad(|r| (r.rng, r.seed) = ("numpy".into(), 1 << 32)), "seed");
        assert_eq!(bad(|r| r.count = 0), "count");
        assert_eq!(bad(|r| r.count = 1001), "count");
        assert_eq!(bad(|r| (r.seed, r.count) = (u64::MAX, 2)), "seed");
        assert_eq!(bad(|r| (r.rng, r.seed, r.count) = ("numpy".into(), 0xffff_ffff, 2)), "seed");
        assert_eq!(bad(|r| r.spacing = Some("wide".into())), "spacing");
        assert_eq!(bad(|r| r.clip_skip = 0), "clip skip");
        assert_eq!(bad(|r| r.clip_skip = 13), "clip skip");
        assert_eq!(bad(|r| r.long_prompt = "scroll".into()), "long prompt");
        assert_eq!(bad(|r| r.strength = Some(1.1)), "strength");
        assert_eq!(bad(|r| r.strength = Some(-0.1)), "strength");
        assert_eq!(bad(|r| r.strength = Some(f64::NAN)), "strength");
        assert_eq!(bad(|r| r.strength = Some(0.04)), "strength");
        assert_eq!(bad(|r| r.width = Some(0)), "width");
        assert_eq!(bad(|r| r.width = Some(100)), "width");
        assert_eq!(bad(|r| r.height = Some(u32::MAX - 7)), "height");
    }
}
