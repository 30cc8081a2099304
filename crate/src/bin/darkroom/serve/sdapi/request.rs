//! The fields of `txt2img` and `img2img`. What would change the picture and is not supported is
//! refused by name.

use super::settings;
use crate::serve::app::App;
use crate::serve::fault::Fault;
use crate::serve::fields::{Fields, Names, is_same, png, set};
use crate::serve::job::{MaskKind, Order};
use darkroom::diffusion::Sampler;
use darkroom::pipeline::{Purpose, Request};
use serde_json::{Value, json};

/// What a request of that program leaves out, where the command line does not say it.
pub(in crate::serve) fn defaults() -> Request {
    Request {
        steps: 50,
        guidance_scale: 7.0,
        sampler: "euler".into(),
        as_in: "a1111".into(),
        rng: "philox".into(),
        prompt_syntax: "a1111".into(),
        long_prompt: "chunks".into(),
        ..Request::default()
    }
}

/// What the API calls a request's fields.
pub(super) const NAMES: &Names = &[
    ("sampler", "sampler_name"),
    ("sampler", "sampler_index"),
    ("sigmas", "scheduler"),
    ("sigmas", "sampler_name"),
    ("guidance_scale", "cfg_scale"),
    ("image_guidance_scale", "image_cfg_scale"),
    ("count", "batch_size"),
    ("count", "n_iter"),
    ("strength", "denoising_strength"),
    ("initial picture", "init_images"),
    ("masked_content", "inpainting_fill"),
    ("padding_mask_crop", "inpaint_full_res_padding"),
    ("hires_scale", "hr_scale"),
    ("hires_scale", "enable_hr"),
    ("hires_steps", "hr_second_pass_steps"),
    ("hires_upscaler", "hr_upscaler"),
    ("hires_strength", "denoising_strength"),
    ("clip_skip", "override_settings.CLIP_stop_at_last_layers"),
    ("rng", "override_settings.randn_source"),
];

/// Fields that have one value here, with which they change nothing.
const UNSUPPORTED: [(&str, &[&str]); 14] = [
    ("styles", &["[]"]),
    ("subseed_strength", &["0"]),
    ("seed_resize_from_h", &["-1", "0"]),
    ("seed_resize_from_w", &["-1", "0"]),
    ("restore_faces", &["false"]),
    ("tiling", &["false"]),
    ("s_churn", &["0"]),
    ("s_noise", &["1"]),
    ("s_min_uncond", &["0"]),
    ("script_name", &["\"\""]),
    ("alwayson_scripts", &["{}"]),
    ("infotext", &["\"\""]),
    ("refiner_checkpoint", &["\"\""]),
    ("disable_extra_networks", &["false"]),
];

/// The same of img2img.
const UNSUPPORTED_IN_EDITS: [(&str, &[&str]); 3] =
    [("initial_noise_multiplier", &["1"]), ("latent_mask", &[]), ("resize_mode", &["0"])];

/// The same of a second pass. Without one they are not read.
const UNSUPPORTED_IN_HIRES: [(&str, &[&str]); 10] = [
    ("firstpass_image", &[]),
    ("firstphase_width", &["0"]),
    ("firstphase_height", &["0"]),
    ("hr_resize_x", &["0"]),
    ("hr_resize_y", &["0"]),
    ("hr_checkpoint_name", &["\"\"", "\"Use same checkpoint\""]),
    ("hr_sampler_name", &["\"\"", "\"Use same sampler\""]),
    ("hr_scheduler", &["\"\"", "\"Use same scheduler\""]),
    ("hr_prompt", &["\"\""]),
    ("hr_negative_prompt", &["\"\""]),
];

/// Fields that say nothing of the picture, or only with one of [`UNSUPPORTED`].
const IGNORED: [&str; 12] = [
    "subseed",
    "s_tmin",
    "s_tmax",
    "script_args",
    "refiner_switch_at",
    "do_not_save_samples",
    "do_not_save_grid",
    "override_settings_restore_afterwards",
    "send_images",
    "include_init_images",
    "comments",
    "force_task_id",
];

/// Reads a request; `begins` is whether it is one of `img2img`.
pub(super) fn read(app: &App, mut fields: Fields, begins: bool) -> Result<Order, Fault> {
    let mut request = app.web_ui.clone();
    let mut warnings = Vec::new();
    if let Some(settings) = fields.take("override_settings") {
        settings::read(app, &settings, &mut request)?;
    }
    only(&mut fields, &UNSUPPORTED)?;
    if fields.flag("save_images")? == Some(true) && app.args.save_to.is_none() {
        let text = "save_images: nothing was written; the service was started without --save-to.";
        warnings.push(text.to_owned());
    }
    fields.ignore(&IGNORED);
    sampler(&mut fields, &mut request)?;
    eta(&mut fields, &mut request)?;
    fields.seed(&mut request, true)?;
    request.count = 1;
    for name in ["n_iter", "batch_size"] {
        let some = fields.whole(name)?.unwrap_or(1);
        if some == 0 {
            return Err(Fault::field(name, "must be from 1 on"));
        }
        // Too many are refused with the whole request.
        request.count = request.count.saturating_mul(some);
    }
    fields.put(&mut request, "cfg_scale", "guidance_scale")?;
    let (mut initial, mut mask) = (None, None);
    if app.about.description.purpose != Purpose::Edit {
        // Clients send it with every picture; other models read it there no more than here.
        fields.ignore(&["image_cfg_scale"]);
    }
    if begins {
        only(&mut fields, &UNSUPPORTED_IN_EDITS)?;
        initial = Some(picture(&mut fields)?);
        let strength = fields.take("denoising_strength").unwrap_or(json!(0.75));
        set(&mut request, "denoising_strength", "strength", strength)?;
        mask = masked(&mut fields, &mut request, &mut warnings)?;
    } else {
        second_pass(&mut fields, &mut request)?;
    }
    // That program ignores what it does not know, and clients send their own settings along.
    for name in fields.unknown() {
        warnings.push(format!("{name}: is not known here, and changed nothing."));
    }
    fields.rest(&mut request)?;
    Ok(Order { request, initial, mask, warnings, ..Order::default() })
}

/// Refuses fields unless they have one of the values with which they change nothing.
fn only(fields: &mut Fields, unsupported: &[(&str, &[&str])]) -> Result<(), Fault> {
    unsupported.iter().try_for_each(|(name, usual)| {
        let usual: Vec<_> = usual.iter().filter_map(|v| serde_json::from_str(v).ok()).collect();
        fields.only(name, &usual)
    })
}

/// Sampler and schedule, by the names that are known here.
fn sampler(fields: &mut Fields, request: &mut Request) -> Result<(), Fault> {
    let index = fields.take("sampler_index");
    if let Some(name) = fields.take("sampler_name").or(index) {
        set(request, "sampler_name", "sampler", name)?;
    }
    let schedule = fields.text("scheduler")?;
    if let Some(name) = schedule.filter(|name| !name.eq_ignore_ascii_case("automatic")) {
        let name = if name == "align_your_steps" { "Align Your Steps".into() } else { name };
        set(request, "scheduler", "sigmas", name.into())?;
    }
    Ok(())
}

/// Clients send one with every sampler, and only those that add noise read it there. The ancestral
/// ones have 1 here.
fn eta(fields: &mut Fields, request: &mut Request) -> Result<(), Fault> {
    let Ok(sampler) = request.sampler.parse::<Sampler>() else { return Ok(()) };
    if sampler.abilities().eta {
        return fields.put(request, "eta", "eta");
    }
    if ["ancestral", "sde"].iter().any(|part| sampler.name().contains(part)) {
        return fields.only("eta", &[json!(1)]);
    }
    fields.ignore(&["eta"]);
    Ok(())
}

/// Hires fix.
fn second_pass(fields: &mut Fields, request: &mut Request) -> Result<(), Fault> {
    let strength = fields.take("denoising_strength");
    let hires = ["hr_scale", "hr_second_pass_steps", "hr_upscaler", "hr_cfg"];
    if fields.flag("enable_hr")? != Some(true) {
        // They belong to a second pass, and there is none.
        fields.ignore(&hires);
        fields.ignore(&UNSUPPORTED_IN_HIRES.map(|(name, _)| name));
        return Ok(());
    }
    only(fields, &UNSUPPORTED_IN_HIRES)?;
    fields.only("hr_cfg", &[json!(request.guidance_scale)])?;
    let scale = fields.take("hr_scale").unwrap_or(json!(2.0));
    set(request, "hr_scale", "hires_scale", scale)?;
    let steps = fields.take("hr_second_pass_steps").filter(|steps| *steps != 0);
    if let Some(steps) = steps {
        set(request, "hr_second_pass_steps", "hires_steps", steps)?;
    }
    if let Some(name) = fields.text("hr_upscaler")? {
        let name = name.to_lowercase();
        set(request, "hr_upscaler", "hires_upscaler", name.into())?;
    }
    let strength = strength.unwrap_or(json!(0.75));
    set(request, "denoising_strength", "hires_strength", strength)
}

fn picture(fields: &mut Fields) -> Result<Vec<u8>, Fault> {
    let name = "init_images";
    let one = match fields.take(name) {
        Some(Value::Array(all)) if all.len() == 1 => all.into_iter().next(),
        Some(_) => return Err(Fault::field(name, "must be a list of one picture")),
        None => return Err(Fault::field(name, "is missing")),
    };
    match one {
        Some(Value::String(text)) => png(name, &text),
        _ => Err(Fault::field(name, "must be a PNG file in base64")),
    }
}

/// The mask, and how it is used.
fn masked(
    fields: &mut Fields,
    request: &mut Request,
    warnings: &mut Vec<String>,
) -> Result<Option<(Vec<u8>, MaskKind)>, Fault> {
    let mask = fields.png("mask")?;
    let is_round = fields.flag("mask_round")?.unwrap_or(true);
    let blurs = [fields.take("mask_blur"), fields.take("mask_blur_x"), fields.take("mask_blur_y")];
    let fill = fields.whole("inpainting_fill")?.unwrap_or(0);
    let is_inverted = fields.whole("inpainting_mask_invert")?.unwrap_or(0) != 0;
    let is_cut = match fields.take("inpaint_full_res") {
        None => true,
        Some(Value::Bool(flag)) => flag,
        Some(value) => value
            .as_u64()
            .map(|n| n != 0)
            .ok_or_else(|| Fault::field("inpaint_full_res", "must be true or false"))?,
    };
    let padding = fields.whole("inpaint_full_res_padding")?.unwrap_or(0);
    // What follows is read with a mask only.
    let Some(mask) = mask else { return Ok(None) };
    if !is_round {
        let reason = "must be true: latents are made anew as a whole or not at all";
        return Err(Fault::field("mask_round", reason));
    }
    let blurs: Vec<_> = blurs.into_iter().flatten().collect();
    if blurs.windows(2).any(|two| !is_same(&two[0], &two[1])) {
        return Err(Fault::field("mask_blur_y", "must be the same as the other blurs"));
    }
    let blur = blurs.into_iter().next().unwrap_or(json!(4));
    set(request, "mask_blur", "mask_blur", blur)?;
    let content = match fill {
        0 => {
            let text = "inpainting_fill: 0 (fill) is not supported; the masked part began with \
                        the original (1).";
            warnings.push(text.to_owned());
            "original"
        }
        1 => "original",
        2 => "noise",
        _ => return Err(Fault::field("inpainting_fill", "must be 1 (original) or 2 (noise)")),
    };
    set(request, "inpainting_fill", "masked_content", content.into())?;
    request.padding_mask_crop = is_cut.then_some(padding);
    Ok(Some((mask, MaskKind::WebUi { is_inverted })))
}
