//! What the user asks for. It travels in the PNG, so that a picture can be made again.

mod seed;
mod shortcuts;

pub use shortcuts::Shortcuts;

use crate::diffusion::Spacing;
use crate::diffusion::noise::Rng;
use crate::error::{Error, Result};
use crate::text::{LongPrompt, Reading};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// More steps than the schedule has timesteps cannot be taken.
pub const STEPS_MAX: u32 = 1000;

/// No side may be longer, whatever the adapter: 16 times that of SD v1.4.
pub const SIDE_MAX: u32 = 8192;

/// Nobody waits for more pictures of one request, and their files have three digits.
pub const COUNT_MAX: u32 = 1000;

/// A request for a picture, or for several of one prompt. Missing fields of the JSON take the
/// defaults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Request {
    /// What to show; of any length, and may be empty.
    pub prompt: String,
    /// What to avoid; empty is the unconditional prompt.
    pub negative_prompt: String,
    /// Chooses the noise. In JSON a string, since JavaScript's numbers end at 2⁵³.
    #[serde(serialize_with = "seed::to_string", deserialize_with = "seed::from_any")]
    pub seed: u64,
    /// Pictures, 1 to 1000: of `seed`, `seed` + 1, and so on, each as if it were alone.
    pub count: u32,
    /// Steps of the sampler, 1 to 1000.
    pub steps: u32,
    /// How strongly the prompt pulls; up to 1 there is no guidance at all.
    pub guidance_scale: f64,
    /// One of the names of the model's description, `Description::samplers`.
    pub sampler: String,
    /// DDIM's η: 0 adds no noise, 1 as much as the reverse chain does.
    pub eta: f64,
    /// Whether the sampler steps over Karras' sigmas; without it, as the model's files say.
    pub karras: Option<bool>,
    /// Which training times the sampler visits: `leading`, `linspace` or `trailing`; without it, as
    /// the model's files say.
    pub spacing: Option<String>,
    /// Which program's noise the seed chooses: torch, numpy or philox.
    pub rng: String,
    /// The layer of the text encoder that the context is taken from, counted from the last, as in
    /// AUTOMATIC1111's web UI: 1 is the last one, 2 the one before (`clip_skip=1` in diffusers).
    /// The final layer norm is applied in any case, as both do.
    pub clip_skip: u32,
    /// What becomes of a prompt that is longer than the text encoder's 75 tokens: `truncate` cuts
    /// it off, `chunks` encodes it in pieces of 75.
    pub long_prompt: String,
    /// Whether `(word:1.2)`, `(word)` and `[word]` in prompts are weights.
    pub prompt_weights: bool,
    /// Whether prompts are cleaned as the original program cleans them: typographic quotes made
    /// plain, HTML entities resolved, and so on.
    pub clean: bool,
    /// For a run that begins with a picture, how far from it to go, 0 to 1: the share of the steps
    /// that are taken. Without it 0.8; without a picture there is none. diffusers: `strength`.
    pub strength: Option<f64>,
    /// In pixels; without it, the size the model was trained for.
    pub width: Option<u32>,
    /// As `width`.
    pub height: Option<u32>,
    /// What may be left out; nothing, unless asked for.
    #[serde(flatten)]
    pub shortcuts: Shortcuts,
}

impl Default for Request {
    fn default() -> Self {
        Request {
            prompt: String::new(),
            negative_prompt: String::new(),
            seed: 0,
            count: 1,
            steps: 20,
            guidance_scale: 7.5,
            sampler: "ddim".into(),
            eta: 0.0,
            karras: None,
            spacing: None,
            rng: Rng::default().name().into(),
            clip_skip: 1,
            long_prompt: LongPrompt::default().name().into(),
            prompt_weights: false,
            clean: false,
            strength: None,
            width: None,
            height: None,
            shortcuts: Shortcuts::default(),
        }
    }
}

/// What a model can be asked for; part of its description.
#[derive(Debug, Clone, Copy)]
pub struct Allowed<'a> {
    /// Pixels per latent: sides are multiples of it.
    pub factor: u32,
    /// Width and height for a request that names none.
    pub size: [u32; 2],
    /// Names of samplers.
    pub samplers: &'a [&'static str],
    /// Layers of the text encoder.
    pub text_layers: u32,
}

/// How many of the last steps are taken from a picture on, as diffusers counts them.
pub fn taken(steps: u32, strength: f64) -> usize {
    ((f64::from(steps) * strength) as usize).min(steps as usize)
}

impl Request {
    /// Reads JSON; a field that does not fit is an error that names it.
    ///
    /// # Errors
    /// [`Error::Request`] with the name of the field that does not fit.
    pub fn from_json(text: &str) -> Result<Request> {
        let wrong = |reason: String| Error::Request { field: "request", reason };
        let value: Value =
            serde_json::from_str(text).map_err(|e| wrong(format!("is not JSON ({e})")))?;
        let Value::Object(fields) = value else {
            return Err(wrong("must be a JSON object".into()));
        };
        let mut request = Request::default();
        for (name, value) in fields {
            match name.as_str() {
                "prompt" => request.prompt = field("prompt", "must be text", value)?,
                "negative_prompt" => {
                    request.negative_prompt = field("negative prompt", "must be text", value)?
                }
                "seed" => {
                    request.seed = seed::from_any(value).map_err(|_| Error::Request {
                        field: "seed",
                        reason: "must be a whole number from 0 to 18446744073709551615".into(),
                    })?
                }
                "count" => request.count = field("count", COUNT_REASON, value)?,
                "steps" => request.steps = field("steps", STEPS_REASON, value)?,
                "guidance_scale" => {
                    request.guidance_scale = field("guidance scale", GUIDANCE_REASON, value)?
                }
                "sampler" => request.sampler = field("sampler", "must be a name", value)?,
                "eta" => request.eta = field("eta", ETA_REASON, value)?,
                "karras" => request.karras = field("karras", FLAG_REASON, value)?,
                "spacing" => request.spacing = field("spacing", "must be a name", value)?,
                "clip_skip" => request.clip_skip = field("clip skip", CLIP_SKIP_REASON, value)?,
                "long_prompt" => {
                    request.long_prompt = field("long prompt", "must be a name", value)?
                }
                "prompt_weights" => {
                    request.prompt_weights = field("prompt weights", FLAG_REASON, value)?
                }
                "clean" => request.clean = field("clean", FLAG_REASON, value)?,
                "rng" => request.rng = field("rng", "must be a name", value)?,
                "strength" => request.strength = field("strength", STRENGTH_REASON, value)?,
                "width" => request.width = field("width", SIDE_REASON, value)?,
                "height" => request.height = field("height", SIDE_REASON, value)?,
                _ if request.shortcuts.read(&name, &value)? => {}
                _ => return Err(wrong(format!("has an unknown field `{name}`"))),
            }
        }
        Ok(request)
    }

    /// The width and height in pixels.
    pub fn size(&self, allowed: &Allowed<'_>) -> [u32; 2] {
        [self.width.unwrap_or(allowed.size[0]), self.height.unwrap_or(allowed.size[1])]
    }

    /// Prompts that the UNet sees: as in diffusers, without guidance there is no negative one.
    pub fn prompts(&self) -> usize {
        if self.guidance_scale > 1.0 { 2 } else { 1 }
    }

    /// How its prompts are read.
    ///
    /// # Errors
    /// [`Error::Request`] for an unknown `long_prompt`.
    pub fn reading(&self) -> Result<Reading> {
        let long_prompt = self.long_prompt.parse()?;
        Ok(Reading { clean: self.clean, weights: self.prompt_weights, long_prompt })
    }

    /// The request for one of its pictures alone.
    ///
    /// # Panics
    /// When the index is not below `count`, or the request is not valid.
    pub fn picture(&self, index: u32) -> Request {
        assert!(index < self.count, "picture {index} of {}", self.count);
        let seed = self.seed.checked_add(index.into()).expect("a valid request");
        Request { seed, count: 1, ..self.clone() }
    }

    /// Checks every field; the first wrong one is the error.
    ///
    /// # Errors
    /// [`Error::Request`] with the name of the field.
    pub fn validate(&self, allowed: &Allowed<'_>) -> Result<()> {
        if !(1..=STEPS_MAX).contains(&self.steps) {
            return refuse("steps", format!("{STEPS_REASON}, not {}", self.steps));
        }
        if !self.guidance_scale.is_finite() {
            return refuse(
                "guidance scale",
                format!("{GUIDANCE_REASON}, not {}", self.guidance_scale),
            );
        }
        if !allowed.samplers.contains(&self.sampler.as_str()) {
            let names = allowed.samplers.join(", ");
            return refuse("sampler", format!("must be one of {names}, not `{}`", self.sampler));
        }
        if !(0.0..=1.0).contains(&self.eta) {
            return refuse("eta", format!("{ETA_REASON}, not {}", self.eta));
        }
        if let Some(strength) = self.strength {
            if !(0.0..=1.0).contains(&strength) {
                return refuse("strength", format!("{STRENGTH_REASON}, not {strength}"));
            }
            if taken(self.steps, strength) == 0 {
                let reason =
                    format!("is too small: {strength} of {} steps is less than one", self.steps);
                return refuse("strength", reason);
            }
        }
        if !(1..=COUNT_MAX).contains(&self.count) {
            return refuse("count", format!("{COUNT_REASON}, not {}", self.count));
        }
        let rng = self.rng.parse::<Rng>()?;
        rng.seeded(self.seed)?;
        match self.seed.checked_add(u64::from(self.count) - 1) {
            Some(last) => {
                rng.seeded(last)?;
            }
            None => {
                let reason = format!(
                    "is too large for {} pictures: the last would need a seed beyond {}",
                    self.count,
                    u64::MAX
                );
                return refuse("seed", reason);
            }
        }
        if let Some(spacing) = &self.spacing {
            spacing.parse::<Spacing>()?;
        }
        if !(1..=allowed.text_layers).contains(&self.clip_skip) {
            return refuse(
                "clip skip",
                format!("must be from 1 to {}, not {}", allowed.text_layers, self.clip_skip),
            );
        }
        self.reading()?;
        self.shortcuts.validate()?;
        for (field, side) in ["width", "height"].into_iter().zip(self.size(allowed)) {
            let factor = allowed.factor;
            if side == 0 || side % factor != 0 {
                return refuse(
                    field,
                    format!("must be a positive multiple of {factor}, not {side}"),
                );
            }
            if side > SIDE_MAX {
                return refuse(field, format!("must be at most {SIDE_MAX}, not {side}"));
            }
        }
        Ok(())
    }
}

const STEPS_REASON: &str = "must be a whole number from 1 to 1000";
const GUIDANCE_REASON: &str = "must be a finite number";
const COUNT_REASON: &str = "must be a whole number from 1 to 1000";
const CLIP_SKIP_REASON: &str = "must be a whole number from 1 on";
const FLAG_REASON: &str = "must be true or false";
const ETA_REASON: &str = "must be a number from 0 to 1";
const STRENGTH_REASON: &str = "must be a number from 0 to 1";
const SIDE_REASON: &str = "must be a whole number of pixels";

fn refuse(field: &'static str, reason: String) -> Result<()> {
    Err(Error::Request { field, reason })
}

fn field<T: serde::de::DeserializeOwned>(
    field: &'static str,
    reason: &str,
    value: Value,
) -> Result<T> {
    serde_json::from_value(value).map_err(|_| Error::Request { field, reason: reason.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWED: Allowed<'_> =
        Allowed { factor: 8, size: [512, 512], samplers: &["ddim"], text_layers: 12 };

    fn field_of(result: Result<()>) -> &'static str {
        match result {
            Err(Error::Request { field, .. }) => field,
            other => panic!("expected a refused request, got {other:?}"),
        }
    }

    #[test]
    fn travels_through_json() {
        let request = Request { seed: u64::MAX, prompt: "a".into(), ..Request::default() };
        let json = serde_json::to_string(&request).unwrap();
        assert!(json.contains("\"18446744073709551615\""));
        assert_eq!(Request::from_json(&json), Ok(request));
        assert_eq!(Request::from_json("{}"), Ok(Request::default()));
        assert_eq!(Request::from_json("{\"seed\": 7}").map(|r| r.seed), Ok(7));
    }

    #[test]
    fn gives_each_picture_its_seed() {
        let many = Request { seed: u64::MAX - 2, count: 3, ..Request::default() };
        assert_eq!(many.validate(&ALLOWED), Ok(()));
        let last = many.picture(2);
        assert_eq!((last.seed, last.count), (u64::MAX, 1));
    }

    #[test]
    fn names_the_wrong_field() {
        for (json, wrong) in [
            (r#"{"seed": "-1"}"#, "seed"),
            (r#"{"seed": "18446744073709551616"}"#, "seed"),
            (r#"{"seed": 1.5}"#, "seed"),
            (r#"{"steps": -3}"#, "steps"),
            (r#"{"guidance_scale": null}"#, "guidance scale"),
            (r#"{"karras": "yes"}"#, "karras"),
            (r#"{"rng": 1}"#, "rng"),
            (r#"{"count": 1.5}"#, "count"),
            (r#"{"spacing": true}"#, "spacing"),
            (r#"{"clip_skip": -1}"#, "clip skip"),
            (r#"{"long_prompt": null}"#, "long prompt"),
            (r#"{"prompt_weights": 1}"#, "prompt weights"),
            (r#"{"clean": "yes"}"#, "clean"),
            (r#"{"strength": "0.6"}"#, "strength"),
            (r#"{"width": "wide"}"#, "width"),
            (r#"{"prompts": "wide"}"#, "request"),
            ("[]", "request"),
            ("{", "request"),
        ] {
            assert_eq!(field_of(Request::from_json(json).map(|_| ())), wrong, "{json}");
        }
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
        assert_eq!(bad(|r| r.eta = 1.5), "eta");
        assert_eq!(bad(|r| r.eta = f64::NAN), "eta");
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
