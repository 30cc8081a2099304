//! Converts a request to and from the text that Stable Diffusion programs share
//! ([`Parameters`](crate::image::parameters::Parameters)). The page reads that text, and those of
//! other programs, with `web/files/webui.js`.

use super::field::{Field, Form};
use super::names::{Names, sampler_names, sigma_names, sigmas_named};
use super::value::FieldValue;
use super::web_ui::{self, Applied};
use super::{HiresUpscaler, Request, added_tags, fields, prompts};
use crate::diffusion::{Sampler, SigmaSchedule};
use crate::error::Result;
use crate::image::parameters::Parameters;

/// The name of the second pass's strength beside that of a start picture.
const OWN_STRENGTH: &str = "Hires denoising strength";

impl Request {
    /// The line of fields, as (name, value): those that are always written, those that do not have
    /// their defaults, and what AUTOMATIC1111's web UI needs beside them. `size` is the image's, in
    /// pixels.
    pub fn infotext(&self, size: [u32; 2], applied: &Applied) -> Vec<(&'static str, String)> {
        let plain = Request::default();
        let told = &self.told(applied);
        let beside = web_ui::beside(told, applied);
        let mut line: Vec<_> = fields()
            .filter_map(|field| {
                let text = field.info.infotext?;
                let held = told.value(field);
                // What enlarged it is told with every second pass.
                let is_hires = told.hires_scale.is_some() && text.form == Form::Upscaler;
                let written = text.always || is_hires || held != plain.value(field);
                let value = match text.form {
                    Form::Plain => Some(held.to_string()),
                    Form::Word(word) => (held == FieldValue::Flag(true)).then(|| word.to_owned()),
                    Form::Renamed(names) => Some(renamed(names, &held.to_string()).to_owned()),
                    Form::Part(part) => (part == 0).then(|| format!("{}x{}", size[0], size[1])),
                    Form::Sampler => Some(of_web_ui(told.sampler.parse().map(sampler_names), held)),
                    Form::Sigmas => {
                        let named = held.to_string().parse().map(sigma_names);
                        Some(of_web_ui(named, held))
                    }
                    Form::Upscaler => Some(capital(&held.to_string())),
                };
                let is_ddim = field.name == "eta" && told.sampler == Sampler::Ddim.name();
                let name = if is_ddim { web_ui::ETA_DDIM } else { text.name };
                // The run's own word goes before the request's.
                let is_told = beside.iter().any(|(_, other, _)| *other == name);
                value.filter(|_| written && !is_told).map(|value| (text.place, name, value))
            })
            .collect();
        line.extend(beside);
        line.sort_by_key(|(place, ..)| *place);
        line.into_iter().map(|(_, name, value)| (name, value)).collect()
    }

    /// The request as the text tells it. The strength of a second pass has the name that a start
    /// picture's has, as in AUTOMATIC1111's web UI, where there is one of the two.
    fn told(&self, applied: &Applied) -> Request {
        let mut told = Request { eta: self.told_eta(), ..self.clone() };
        // It has those of training where nothing is said.
        if applied.levels.is_some_and(|levels| levels.zero_snr) {
            told.rescale_betas_zero_snr = Some(true);
        }
        let plain = Request::default();
        if self.hires_scale.is_none() {
            told.hires_steps = None;
            told.hires_upscaler = plain.hires_upscaler;
            told.hires_strength = plain.hires_strength;
        } else if self.strength.is_none() {
            told.strength = Some(self.hires_strength);
            told.hires_strength = plain.hires_strength;
        }
        told
    }

    /// The eta that the text tells: the one that applies, but not where it is 0 and nobody would
    /// expect another.
    fn told_eta(&self) -> Option<f64> {
        let Ok(sampler) = self.sampler.parse::<Sampler>() else { return self.eta };
        let (expected, eta) = (sampler.default_eta(), self.eta);
        eta.or(Some(expected)).filter(|eta| *eta != 0.0 || expected != 0.0)
    }

    /// The request from such a text of this program; missing fields have their defaults.
    ///
    /// # Errors
    /// [`Error::Request`](crate::Error::Request) for a value that is not of its field's type.
    pub fn from_infotext(text: &Parameters) -> Result<Request> {
        let mut request = Request {
            prompt: prompt_in(text).to_owned(),
            negative_prompt: text.negative_prompt.clone(),
            ..Request::default()
        };
        for field in fields() {
            if let Some(value) = value_in(field, text) {
                request.set_text(field, value)?;
            }
        }
        if request.hires_scale.is_some()
            && text.get(OWN_STRENGTH).is_none()
            && let Some(strength) = request.strength.take()
        {
            request.hires_strength = strength;
        }
        Ok(request)
    }
}

/// The prompt without the tags that are not its own.
fn prompt_in(text: &Parameters) -> &str {
    let added = text.get(added_tags::LORA_TAGS).and_then(|count| count.parse().ok());
    added_tags::without_tags(&text.prompt, added.unwrap_or(0))
}

/// The name of a field in earlier texts of ours, or in those of some samplers.
fn other_label(field: &Field) -> Option<&'static str> {
    prompts::earlier_label(field).or((field.name == "eta").then_some(web_ui::ETA_DDIM))
}

/// The value of a field in such a text; `None` if it is missing.
fn value_in<'a>(field: &Field, text: &'a Parameters) -> Option<&'a str> {
    let said = field.info.infotext?;
    if said.form == Form::Sigmas
        && let Some(own) = web_ui::own_levels(text)
    {
        return own;
    }
    let value = text.get(said.name).or_else(|| text.get(other_label(field)?))?;
    match said.form {
        Form::Plain | Form::Sampler => Some(value),
        // Another word, such as Automatic, is no choice.
        Form::Sigmas => sigmas_named(value).map(SigmaSchedule::name),
        Form::Word(word) => value.eq_ignore_ascii_case(word).then_some("true"),
        Form::Renamed(names) => {
            let own = names.iter().find(|(_, there)| *there == value);
            Some(own.map_or(value, |(own, _)| own))
        }
        Form::Part(part) => value.split('x').nth(part),
        Form::Upscaler => Some(HiresUpscaler::named(value)),
    }
}

/// The name in AUTOMATIC1111's web UI, or else the value itself.
fn of_web_ui(names: Result<Names>, held: FieldValue<'_>) -> String {
    let first = names.ok().and_then(|names| names.a1111.first().copied());
    first.map_or_else(|| held.to_string(), str::to_owned)
}

/// The name that the web UI has for one of ours, or else that.
fn renamed<'a>(names: &[(&'static str, &'static str)], own: &'a str) -> &'a str {
    names.iter().find(|(name, _)| *name == own).map_or(own, |(_, there)| there)
}

/// A name as the web UI writes it.
fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_tells_the_eta_that_applies() {
        let told = |sampler: &str, eta: Option<f64>| {
            let request = Request { sampler: sampler.into(), eta, ..Request::default() };
            let line = request.infotext([64, 64], &Applied::default());
            let is_eta = |name: &str| name == if sampler == "ddim" { "Eta DDIM" } else { "Eta" };
            let eta = line.iter().find(|(name, _)| is_eta(name)).map(|(_, text)| text.clone());
            let text: Vec<_> = line.iter().map(|(name, text)| format!("{name}: {text}")).collect();
            let read = Parameters::parse(&format!("a\n{}", text.join(", ")));
            let read = Request::from_infotext(&read).unwrap();
            // It is the same picture again.
            let applies =
                |eta: Option<f64>| eta.unwrap_or(sampler.parse::<Sampler>().unwrap().default_eta());
            assert_eq!(applies(read.eta), applies(request.eta), "{sampler}");
            eta
        };
        // Pictures of before have no eta where it was 0.
        assert_eq!((told("ddim", None), told("ddim", Some(0.0))), (None, None));
        assert_eq!((told("euler", None), told("euler", Some(0.0))), (None, None));
        assert_eq!(told("ddim", Some(0.5)), Some("0.5".into()));
        assert_eq!(told("tcd", None), Some("0.3".into()));
        assert_eq!(told("tcd", Some(0.0)), Some("0".into()));
    }

    #[test]
    fn what_the_web_ui_reads_is_told_where_it_reads_it() {
        let told = |request: &Request, applied: &Applied| request.infotext([64, 64], applied);
        let names = |request: &Request, applied: &Applied| {
            let line = told(request, applied).into_iter().skip(5);
            line.map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join(", ")
        };
        let plain = Applied::default();
        let of = |prompt: &str, syntax: &str| Request {
            prompt: prompt.into(),
            prompt_syntax: syntax.into(),
            ..Request::default()
        };
        assert_eq!(names(&of("a fox", "plain"), &plain), "RNG: CPU");
        for prompt in ["a (fox)", "[a]", "a\\b", "a BREAK b", "smile :)"] {
            assert_eq!(names(&of(prompt, "plain"), &plain), "Emphasis: None, RNG: CPU");
            assert_eq!(names(&of(prompt, "a1111"), &plain), "Prompt syntax: a1111, RNG: CPU");
        }
        let masked = Applied { masked: true, ..plain };
        assert_eq!(
            names(&of("a fox", "plain"), &masked),
            "RNG: CPU, Mask blur: 0, Masked content: original"
        );
        let cut = Request { padding_mask_crop: Some(8), mask_blur: 4.0, ..of("a fox", "plain") };
        assert_eq!(
            names(&Request { masked_content: "noise".into(), ..cut }, &masked),
            "RNG: CPU, Mask blur: 4, Masked content: latent noise, Masked area padding: 8, \
             Inpaint area: Only masked"
        );
    }

    #[test]
    fn a_second_pass_is_told_as_in_the_web_ui() {
        let request = Request {
            hires_scale: Some(1.5),
            hires_steps: Some(12),
            hires_strength: 0.45,
            width: Some(64),
            height: Some(64),
            ..Request::default()
        };
        let told = |request: &Request| {
            let line = request.infotext([64, 64], &Applied::default());
            let text: Vec<_> = line.iter().map(|(name, text)| format!("{name}: {text}")).collect();
            text.join(", ")
        };
        let said = told(&request);
        assert!(
            said.ends_with(
                "Size: 64x64, Denoising strength: 0.45, RNG: CPU, Hires upscale: 1.5, \
                 Hires steps: 12, Hires upscaler: Latent"
            ),
            "{said}"
        );
        let read = |said: &str| Request::from_infotext(&Parameters::parse(&format!("\n{said}")));
        assert_eq!(read(&said), Ok(request.clone()));
        let foreign = said.replace("Latent", "R-ESRGAN 4x+");
        assert_eq!(read(&foreign).unwrap().hires_upscaler, "file");
        // Without a second pass nothing is said of one.
        assert!(told(&Request { hires_scale: None, ..request }).ends_with("Size: 64x64, RNG: CPU"));
    }
}
