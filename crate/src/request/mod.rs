//! What the user asks for. Every PNG has it inside, so that the picture can be made again.
//!
//! Its fields are listed once, below and in [`Shortcuts`]. A macro makes a table of these lists,
//! and from that table requests are read, checked, written and documented, on the command line and
//! on the page.

mod added_tags;
mod checks;
#[macro_use]
mod field;
mod freeu;
mod hires;
mod hires_upscaler;
mod infotext;
mod masked_content;
mod names;
mod prompts;
mod read;
mod schema;
mod seed;
mod shortcuts;
mod timesteps;
mod value;
mod web_ui;

pub use added_tags::{LORA_TAGS, with_tags};
pub use field::{Allowed, Field, FieldInfo, FieldType, Form, Infotext, SIDE_MAX};
pub use hires_upscaler::HiresUpscaler;
pub use masked_content::MaskedContent;
pub use names::{Names, sampler_names, sigma_names};
pub use schema::schema;
pub use shortcuts::Shortcuts;
pub use value::FieldValue;
pub use web_ui::{Applied, web_ui_upscaler};

use crate::diffusion::noise::Rng;
use crate::diffusion::{AsIn, Sampler, SigmaSchedule, Spacing};
use crate::text::{LongPrompt, PromptSyntax};
use field::{ANY, of_type};
use serde::{Deserialize, Serialize};
use value::{Entry, Given};

/// The most steps: v1.4's schedule has as many timesteps.
pub const STEPS_MAX: u32 = 1000;

/// The most pictures of one request: the numbers in their file names have three digits.
pub const COUNT_MAX: u32 = 1000;

/// The largest blur of a mask.
const BLUR_MAX: f64 = 256.0;

/// The largest scale of an image's guidance.
const IMAGE_GUIDANCE_MAX: f64 = 100.0;

/// Where a run may end; the second is the smallest σ of training.
pub(crate) const FINAL_SIGMAS: [&str; 2] = ["zero", "sigma_min"];

const AS_THE_MODEL: &str = "as the model's files say";
const LATENT: &str = "latent";
const TRAINED_SIZE: &str = "the size that the model was trained for";

fn is_zero(number: &f64) -> bool {
    *number == 0.0
}

fn is_original(name: &str) -> bool {
    name == MaskedContent::default().name()
}

fn is_diffusers(name: &str) -> bool {
    name == AsIn::default().name()
}

fn is_latent(name: &str) -> bool {
    name == LATENT
}

fn is_usual(strength: &f64) -> bool {
    *strength == hires_upscaler::STRENGTH
}

request_fields! {
    /// A request for a picture, or for several of one prompt. Missing fields of the JSON take the
    /// defaults.
    pub struct Request {
        /// What the image shows; of any length, and may be empty.
        prompt: String = String::new(),
            of_type(FieldType::Text).diffusers("prompt");
        /// What the image should not show; empty is the unconditional prompt.
        negative_prompt: String = String::new(),
            of_type(FieldType::Text).diffusers("negative_prompt").flag("negative")
                .aliases(&["negative"]);
        /// Chooses the noise that the image begins with.
        #[serde(serialize_with = "seed::to_string", deserialize_with = "seed::from_any")]
        seed: u64 = 0,
            of_type(FieldType::Seed).diffusers("generator").infotext_always(4, "Seed");
        /// How many images to make: of this seed and of those that follow it, each as if it were
        /// alone.
        count: u32 = 1,
            of_type(FieldType::Whole(1, COUNT_MAX)).unit("images")
                .diffusers("num_images_per_prompt").aliases(&["n_iter", "batch_size"]);
        /// Steps of the sampler.
        steps: u32 = 20,
            of_type(FieldType::Whole(1, STEPS_MAX)).diffusers("num_inference_steps")
                .infotext_always(1, "Steps");
        /// How strongly the prompt pulls; up to 1 there is no guidance at all.
        guidance_scale: f64 = 7.5,
            of_type(FieldType::Number(ANY.0, ANY.1)).diffusers("guidance_scale").flag("guidance")
                .aliases(&["guidance", "cfg_scale", "cfg"]).infotext_always(3, "CFG scale");
        /// Which sampler steps from noise to the image.
        sampler: String = "ddim".into(),
            of_type(FieldType::Sampler).diffusers("scheduler").aliases(&["sampler_name"])
                .infotext_always(2, "Sampler").form(Form::Sampler);
        /// For the samplers ddim and tcd: 0 adds no noise, 1 as much as the reverse chain does, or
        /// with tcd all of the next step's.
        eta: Option<f64> = None,
            of_type(FieldType::Number(0.0, 1.0)).without("0 for ddim, 0.3 for tcd")
                .diffusers("eta").infotext_if_changed(7, "Eta");
        /// For the samplers lcm and tcd: the training timesteps that they visit, such as
        /// `999, 749, 499, 249`, as many as there are steps and descending. Hyper-SD's LoRA of one
        /// step needs `800`.
        timesteps: Option<String> = None,
            of_type(FieldType::Text).without("those of distillation").diffusers("timesteps")
                .infotext_if_changed(22, "Timesteps");
        /// Which noise levels the sampler steps over.
        sigmas: Option<String> = None,
            of_type(FieldType::Name(|| SigmaSchedule::ALL.map(SigmaSchedule::name).to_vec()))
                .without(AS_THE_MODEL).diffusers("use_karras_sigmas")
                .aliases(&["karras"])
                .infotext_if_changed(8, "Schedule type").form(Form::Sigmas);
        /// For the samplers dpmpp_2m and unipc, where the run ends: without noise (`zero`), or at
        /// the smallest noise level of training (`sigma_min`).
        #[serde(skip_serializing_if = "Option::is_none")]
        final_sigmas: Option<String> = None,
            of_type(FieldType::Name(|| FINAL_SIGMAS.to_vec())).without("zero")
                .diffusers("final_sigmas_type").infotext_if_changed(30, "Final sigmas");
        /// Whether the noise levels of training are rescaled so that the last one is noise alone.
        /// Only for models that were trained so.
        #[serde(skip_serializing_if = "Option::is_none")]
        rescale_betas_zero_snr: Option<bool> = None,
            of_type(FieldType::Flag).without(AS_THE_MODEL).diffusers("rescale_betas_zero_snr")
                .flag("zero-snr").infotext_if_changed(29, "Noise Schedule")
                .form(Form::Word("Zero Terminal SNR"));
        /// How much of the spread of the prompt's own prediction the guided one gets: 0 is none, 1
        /// is all. It corrects pictures that strong guidance makes too bright or too plain.
        #[serde(skip_serializing_if = "is_zero")]
        guidance_rescale: f64 = 0.0,
            of_type(FieldType::Number(0.0, 1.0)).diffusers("guidance_rescale")
                .infotext_if_changed(28, "Guidance rescale");
        /// Which training timesteps the sampler visits.
        spacing: Option<String> = None,
            of_type(FieldType::Name(|| Spacing::ALL.map(Spacing::name).to_vec()))
                .without(AS_THE_MODEL).diffusers("timestep_spacing")
                .infotext_if_changed(9, "Timestep spacing");
        /// Whose random numbers the seed chooses: those of torch on the CPU, of numpy, or of torch
        /// on an NVIDIA GPU (philox).
        rng: String = Rng::default().name().into(),
            of_type(FieldType::Name(|| Rng::ALL.map(Rng::name).to_vec()))
                .infotext_always(14, "RNG")
                .form(Form::Renamed(&[("torch", "CPU"), ("philox", "NV")]));
        /// Whose numbers the image has where programs differ: noise levels, noise and emphasis as
        /// in diffusers, AUTOMATIC1111's web UI (`a1111`) or ComfyUI.
        #[serde(skip_serializing_if = "is_diffusers")]
        as_in: String = AsIn::default().name().into(),
            of_type(FieldType::Name(|| AsIn::ALL.map(AsIn::name).to_vec()))
                .infotext_if_changed(41, "Numbers");
        /// The layer of the text encoder that the context is taken from, counted from the last as
        /// in AUTOMATIC1111's web UI: 1 is the last one, 2 the one before (`clip_skip=1` in
        /// diffusers). The final layer norm is applied in any case, as both do.
        clip_skip: u32 = 1,
            of_type(FieldType::TextLayer).diffusers("clip_skip")
                .infotext_if_changed(10, "Clip skip");
        /// What becomes of a prompt that is longer than the text encoder's 75 tokens: `truncate`
        /// cuts it off, `chunks` encodes it in pieces of 75.
        long_prompt: String = LongPrompt::default().name().into(),
            of_type(FieldType::Name(|| LongPrompt::ALL.map(LongPrompt::name).to_vec()))
                .infotext_if_changed(11, "Long prompt");
        /// Whose syntax prompts are read with: `plain` is none, as in diffusers; `a1111` is that of
        /// AUTOMATIC1111's web UI: weights `(word:1.2)`, editing `[from:to:0.5]`, alternation,
        /// `AND`, `BREAK`, `<lora:name:0.8>`.
        #[serde(alias = "prompt_weights", deserialize_with = "prompts::syntax_from_any")]
        prompt_syntax: String = PromptSyntax::default().name().into(),
            of_type(FieldType::Name(|| PromptSyntax::ALL.map(PromptSyntax::name).to_vec()))
                .aliases(&["prompt_weights"]).infotext_if_changed(12, "Prompt syntax");
        /// Whether prompts are cleaned as the original program cleans them: typographic quotes made
        /// plain, HTML entities resolved, and so on.
        clean: bool = false,
            of_type(FieldType::Flag).infotext_if_changed(13, "Prompt cleaning");
        /// For a run that begins with an image, how far from it to go: the share of the steps that
        /// are taken.
        strength: Option<f64> = None,
            of_type(FieldType::Number(0.0, 1.0)).without("0.8 with an image, 1 with a mask")
                .diffusers("strength").infotext_if_changed(6, "Denoising strength");
        /// For a run with a mask, the radius of the Gaussian that blurs the mask: the new part and
        /// the rest of the image then blend into each other.
        #[serde(skip_serializing_if = "is_zero")]
        mask_blur: f64 = 0.0,
            of_type(FieldType::Number(0.0, BLUR_MAX)).unit("pixels")
                .infotext_if_changed(18, "Mask blur");
        /// For a run with a mask, what the masked part begins with: `original` is the image there,
        /// `noise` is noise alone.
        #[serde(skip_serializing_if = "is_original")]
        masked_content: String = MaskedContent::default().name().into(),
            of_type(FieldType::Name(|| MaskedContent::ALL.map(MaskedContent::name).to_vec()))
                .infotext_if_changed(19, "Masked content")
                .form(Form::Renamed(&[("noise", "latent noise")]));
        /// For a run with a mask: only the masked part of the image, with so many pixels around it,
        /// is made, at the request's size, and put back where it was.
        #[serde(skip_serializing_if = "Option::is_none")]
        padding_mask_crop: Option<u32> = None,
            of_type(FieldType::Whole(0, SIDE_MAX)).unit("pixels").without("the whole image is made")
                .diffusers("padding_mask_crop").flag("only-masked")
                .aliases(&["only_masked", "only_masked_padding"])
                .infotext_if_changed(20, "Masked area padding");
        /// For a model that edits images by instructions, how strongly the image that it begins
        /// with pulls; below 1 there is no guidance at all.
        #[serde(skip_serializing_if = "Option::is_none")]
        image_guidance_scale: Option<f64> = None,
            of_type(FieldType::Number(0.0, IMAGE_GUIDANCE_MAX)).without("1.5 for such a model")
                .diffusers("image_guidance_scale").flag("image-guidance")
                .aliases(&["image_guidance", "image_cfg_scale"])
                .infotext_if_changed(21, "Image CFG scale");
        /// Makes the image twice: at the request's size, then so many times as wide and high,
        /// beginning with the first one enlarged ("hires fix" in AUTOMATIC1111's web UI).
        #[serde(skip_serializing_if = "Option::is_none")]
        hires_scale: Option<f64> = None,
            of_type(FieldType::Number(1.0, hires_upscaler::SCALE_MAX)).without("there is one pass")
                .flag("hires").aliases(&["hires", "hr_scale", "hires_upscale"])
                .infotext_if_changed(23, "Hires upscale");
        /// For a second pass, its steps, all of which are taken.
        #[serde(skip_serializing_if = "Option::is_none")]
        hires_steps: Option<u32> = None,
            of_type(FieldType::Whole(1, STEPS_MAX)).without("as many as the first")
                .aliases(&["hr_second_pass_steps"]).infotext_if_changed(24, "Hires steps");
        /// For a second pass, what enlarges the first one: its latents are interpolated, its image
        /// is resized (`lanczos`, `bicubic`), or a `file` with an upscaler enlarges that.
        #[serde(skip_serializing_if = "is_latent")]
        hires_upscaler: String = LATENT.into(),
            of_type(FieldType::Name(HiresUpscaler::names)).aliases(&["hr_upscaler"])
                .infotext_if_changed(25, "Hires upscaler").form(Form::Upscaler);
        /// For a second pass, how far from the first one to go: how much noise it begins with.
        #[serde(skip_serializing_if = "is_usual")]
        hires_strength: f64 = hires_upscaler::STRENGTH,
            of_type(FieldType::Number(0.0, 1.0)).aliases(&["hires_denoising_strength"])
                .infotext_if_changed(26, "Hires denoising strength");
        /// For an image that is larger than those that the model was trained on: it is made through
        /// windows of their size, which overlap by so many pixels at least and whose predictions
        /// are averaged; the VAE works in tiles. It takes the memory of one window.
        #[serde(skip_serializing_if = "Option::is_none")]
        tile_overlap: Option<u32> = None,
            of_type(FieldType::Whole(0, SIDE_MAX)).unit("pixels").without("it is made as a whole")
                .infotext_if_changed(27, "Tile overlap");
        /// Weighs what the UNet has from its lower resolutions against its skips (FreeU): the four
        /// numbers s1, s2, b1, b2. For v1.4 its authors have published `0.9, 0.2, 1.3, 1.4`.
        #[serde(skip_serializing_if = "Option::is_none")]
        freeu: Option<String> = None,
            of_type(FieldType::Text).without("off").infotext_if_changed(40, "FreeU");
        /// The width of the image.
        width: Option<u32> = None,
            of_type(FieldType::Side).unit("pixels").without(TRAINED_SIZE).diffusers("width")
                .infotext_always(5, "Size").form(Form::Part(0));
        /// The height of the image.
        height: Option<u32> = None,
            of_type(FieldType::Side).unit("pixels").without(TRAINED_SIZE).diffusers("height")
                .infotext_always(5, "Size").form(Form::Part(1));
        ..
        /// What may be left out; nothing, unless asked for.
        shortcuts: Shortcuts
    }
}

/// The table of all fields, in the order in which a request is written.
pub fn fields() -> impl Iterator<Item = &'static Field> {
    Request::OWN.iter().chain(Shortcuts::FIELDS)
}

/// The field of this name.
pub fn field(name: &str) -> Option<&'static Field> {
    fields().find(|field| field.name == name)
}

/// The field of this name, of another program's name for it, or of its option's.
pub fn field_called(name: &str) -> Option<&'static Field> {
    let is_it =
        |field: &&Field| field.info.aliases.contains(&name) || field.info.flag == Some(name);
    field(name).or_else(|| fields().find(is_it))
}

/// How many of the `steps` are taken when a picture to begin with has this `strength`: the last
/// ones, as in diffusers.
pub fn taken(steps: u32, strength: f64) -> usize {
    ((f64::from(steps) * strength) as usize).min(steps as usize)
}

impl Request {
    /// The value of a field.
    ///
    /// # Panics
    /// For a field that is not of [`fields`].
    pub fn value(&self, field: &Field) -> FieldValue<'_> {
        self.held(field.name).expect("a field of the table")
    }

    /// The width and height in pixels.
    pub fn size(&self, allowed: &Allowed<'_>) -> [u32; 2] {
        [self.width.unwrap_or(allowed.size[0]), self.height.unwrap_or(allowed.size[1])]
    }

    /// How many prompts a UNet evaluates: 2, or 1 without guidance, which needs no negative prompt.
    pub fn prompts(&self) -> usize {
        if self.guidance_scale > 1.0 { 2 } else { 1 }
    }

    /// Whether a run that begins with a picture takes all of the steps, from where the picture is
    /// noisy enough, and leaves none out. diffusers: `LatentConsistencyModelImg2ImgPipeline`.
    pub fn takes_all_steps(&self, allowed: &Allowed<'_>) -> bool {
        let sampler = self.sampler.parse::<Sampler>();
        let few = sampler.is_ok_and(Sampler::is_for_few_steps);
        allowed.embeds_guidance && few && self.timesteps.is_none()
    }

    /// The request that makes one of its pictures alone.
    ///
    /// # Panics
    /// When the index is not below `count`, or the request is not valid.
    pub fn picture(&self, index: u32) -> Request {
        assert!(index < self.count, "picture {index} of {}", self.count);
        let seed = self.seed.checked_add(index.into()).expect("a valid request");
        Request { seed, count: 1, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Result};

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
    fn names_the_wrong_field() {
        for (json, wrong) in [
            (r#"{"seed": "-1"}"#, "seed"),
            (r#"{"seed": "18446744073709551616"}"#, "seed"),
            (r#"{"seed": 1.5}"#, "seed"),
            (r#"{"steps": -3}"#, "steps"),
            (r#"{"guidance_scale": null}"#, "guidance scale"),
            (r#"{"karras": 1}"#, "sigmas"),
            (r#"{"rng": 1}"#, "rng"),
            (r#"{"count": 1.5}"#, "count"),
            (r#"{"spacing": true}"#, "spacing"),
            (r#"{"clip_skip": -1}"#, "clip skip"),
            (r#"{"long_prompt": null}"#, "long prompt"),
            (r#"{"prompt_weights": 1}"#, "prompt syntax"),
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
}
