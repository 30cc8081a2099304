//! What AUTOMATIC1111's web UI must be told, beside the request's fields, to draw the same picture
//! from a picture's text: what it would take by itself where the text says nothing is another.
//!
//! ```text
//! Schedule type: Uniform       without it "Automatic", which is Karras for DPM++ 2M
//! Noise levels: model          what the request says of them, where that word would not say it
//! SGM noise multiplier: True   the first latents have the factor √(σ² + 1)
//! UniPC variant: bh2, UniPC order: 2
//! Emphasis: None               brackets are letters
//! Inpaint area: Only masked    with a padding
//! Mask blur: 0                 without it, what its form has
//! ```
//!
//! The words are those of its modules/infotext_utils.py, sd_samplers_kdiffusion.py,
//! sd_schedulers.py and processing.py.

use super::names::{sampler_names, sigma_names, sigmas_named};
use super::{MaskedContent, Request};
use crate::diffusion::{AsIn, Levels, Sampler, SigmaSchedule, Spacing};
use crate::image::parameters::Parameters;

/// What the request says of noise levels, where the web UI's word for them is not read as that.
const LEVELS: &str = "Noise levels";

/// Its value where the request leaves them to the model.
const OF_MODEL: &str = "model";

/// The name of the field that [`Form::Sigmas`](super::Form::Sigmas) is written to.
pub(super) const SCHEDULE: &str = "Schedule type";

/// DDIM's η; "Eta" is there the noise of ancestral samplers.
pub(super) const ETA_DDIM: &str = "Eta DDIM";

/// Upscalers' files that the web UI knows by another name than the file's.
const UPSCALERS: [(&str, &str); 2] =
    [("RealESRGAN_x4plus", "R-ESRGAN 4x+"), ("RealESRGAN_x4plus_anime_6B", "R-ESRGAN 4x+ Anime6B")];

/// What of a run its request leaves to the model, or to what came beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Applied {
    /// The noise levels; `None` where they are not known.
    pub levels: Option<Levels>,
    /// Whether a mask marked the part that was made.
    pub masked: bool,
}

/// The web UI's name of an upscaler, by the name of its file without extension.
pub fn web_ui_upscaler(file: &str) -> &str {
    UPSCALERS.iter().find(|(own, _)| *own == file).map_or(file, |(_, there)| there)
}

/// The fields of the text that are none of the request's, each with its place in the line.
pub(super) fn beside(told: &Request, applied: &Applied) -> Vec<(u8, &'static str, String)> {
    let mut line = Vec::new();
    if let Some((word, is_scaled)) = schedule_type(told, applied) {
        line.push((8, SCHEDULE, word.to_owned()));
        let read = sigmas_named(word).map(SigmaSchedule::name);
        if read.is_none() || read != told.sigmas.as_deref() {
            let own = told.sigmas.as_deref().unwrap_or(OF_MODEL);
            line.push((8, LEVELS, own.to_owned()));
        }
        if is_scaled {
            line.push((8, "SGM noise multiplier", "True".into()));
        }
    }
    let as_in: AsIn = told.as_in.parse().unwrap_or_default();
    if told.sampler == Sampler::UniPc.name() && as_in != AsIn::A1111 {
        // Its own are B₁ and 3.
        line.push((8, "UniPC variant", "bh2".into()));
        if as_in == AsIn::Diffusers {
            line.push((8, "UniPC order", "2".into()));
        }
    }
    let is_read = [&told.prompt, &told.negative_prompt].into_iter().any(|text| is_syntax(text));
    if is_read && !told.reads_a1111() {
        line.push((12, "Emphasis", "None".into()));
    }
    if applied.masked && told.mask_blur == 0.0 {
        line.push((18, "Mask blur", "0".into()));
    }
    if applied.masked && told.masked_content == MaskedContent::Original.name() {
        line.push((19, "Masked content", told.masked_content.clone()));
    }
    if told.padding_mask_crop.is_some() {
        line.push((20, "Inpaint area", "Only masked".into()));
    }
    line
}

/// What our own text says of the field `sigmas`; `None` if only the web UI's word says it.
pub(super) fn own_levels(text: &Parameters) -> Option<Option<&str>> {
    text.get(LEVELS).map(|own| Some(own).filter(|own| *own != OF_MODEL))
}

/// The web UI's word for the noise levels of a run, and whether its first latents have the factor
/// √(σ² + 1) instead of σ. `None` where its sampler of that name takes none.
///
/// Its words for the timesteps of [`SigmaSchedule::Normal`]: `Uniform` has n of them from the last
/// to the first, as `linspace` has; `SGM Uniform` those of n + 1 without the first, as diffusers'
/// DPM++ classes have, but for the rounding; `Simple` those of `trailing`; `DDIM` those of
/// `leading`, where ⌊1000 / n⌋ · n leaves none over. For three samplers it asks for n + 1 levels
/// and drops the last but one, so that its `Uniform` has those of `trailing`.
pub(super) fn schedule_type(told: &Request, applied: &Applied) -> Option<(&'static str, bool)> {
    let levels = applied.levels?;
    let sampler: Sampler = told.sampler.parse().ok()?;
    let is_named = !sampler_names(sampler).a1111.is_empty();
    if !is_named || !sampler.abilities().sigmas || sampler == Sampler::UniPc {
        return None;
    }
    let plain = |sigmas: SigmaSchedule| sigma_names(sigmas).a1111.first().copied();
    let as_in: AsIn = told.as_in.parse().unwrap_or_default();
    if as_in != AsIn::Diffusers && sampler.knows_programs() {
        // They have k-diffusion's levels, as the web UI has; ComfyUI begins with √(σ² + 1).
        return Some((plain(levels.sigmas)?, as_in == AsIn::ComfyUi));
    }
    // Of the other samplers, timesteps are whole numbers of latents with variance one.
    let is_exploding = !matches!(sampler, Sampler::Dpmpp2m | Sampler::Dpmpp2mSde);
    let drops = matches!(sampler, Sampler::Dpm2 | Sampler::Dpm2Ancestral | Sampler::Dpmpp3mSde);
    let is_leading = levels.spacing == Spacing::Leading;
    let is_scaled = is_exploding && is_leading && levels.sigmas.is_spaced();
    if levels.sigmas != SigmaSchedule::Normal {
        return Some((plain(levels.sigmas)?, is_scaled));
    }
    let steps = (told.steps as usize).max(1);
    let step = (levels.trained / steps).max(1);
    let is_whole =
        levels.trained == 1000 && levels.offset == 1 && (999..999 + step).contains(&(steps * step));
    let word = match levels.spacing {
        _ if drops => plain(SigmaSchedule::Normal)?,
        Spacing::Trailing => plain(SigmaSchedule::Simple)?,
        Spacing::Leading if is_exploding && is_whole => "DDIM",
        Spacing::Linspace | Spacing::Leading if is_exploding => plain(SigmaSchedule::Normal)?,
        _ => plain(SigmaSchedule::SgmUniform)?,
    };
    Some((word, is_scaled))
}

/// Whether the web UI would read a prompt in another way than as plain words: brackets, escapes,
/// and the word that ends a chunk.
fn is_syntax(prompt: &str) -> bool {
    prompt.contains(['(', ')', '[', ']', '\\']) || prompt.contains("BREAK")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_web_uis_own_numbers_need_no_other_words() {
        let told = |as_in: &str, sampler: &str| {
            let request =
                Request { as_in: as_in.into(), sampler: sampler.into(), ..Request::default() };
            let levels = Levels {
                sigmas: SigmaSchedule::Normal,
                spacing: Spacing::Leading,
                offset: 1,
                trained: 1000,
                zero_snr: false,
            };
            let applied = Applied { levels: Some(levels), masked: false };
            let line = beside(&request, &applied);
            let said: Vec<_> =
                line.iter().map(|(_, name, value)| format!("{name}: {value}")).collect();
            said.join(", ")
        };
        let uniform = "Schedule type: Uniform, Noise levels: model";
        assert_eq!(told("a1111", "euler"), uniform);
        assert_eq!(told("comfyui", "euler"), format!("{uniform}, SGM noise multiplier: True"));
        assert_eq!(told("a1111", "dpmpp_2m"), uniform);
        assert_eq!(told("diffusers", "unipc"), "UniPC variant: bh2, UniPC order: 2");
        assert_eq!(told("comfyui", "unipc"), "UniPC variant: bh2");
        assert_eq!(told("a1111", "unipc"), "");
    }
}
