//! The answer with pictures: `info` is JSON in a text, as there.

use crate::serve::app::{App, Drawn};
use crate::serve::fields::base64;
use crate::serve::job::Made;
use crate::serve::reply::answer;
use axum::http::StatusCode;
use axum::response::Response;
use darkroom::diffusion::Sampler;
use darkroom::pipeline::Safety;
use darkroom::request::sampler_names;
use serde_json::{Map, Value, json};

/// What of the request the answer needs.
pub(super) struct Told {
    /// The request, with its pictures where it asks for them.
    pub parameters: Map<String, Value>,
    pub sends_images: bool,
}

/// Pictures, the request, and what it became.
pub(super) fn pictures(app: &App, drawn: &Drawn, told: &Told) -> Response {
    let made = drawn.made.iter().filter(|_| told.sends_images);
    let images: Vec<_> = made.map(|one| base64(&one.png)).collect();
    let body = json!({
        "images": images,
        "parameters": told.parameters,
        "info": info(app, drawn).to_string(),
        "warnings": drawn.warnings,
    });
    answer(StatusCode::OK, &body)
}

fn info(app: &App, drawn: &Drawn) -> Value {
    let Some(first) = drawn.made.first() else { return json!({}) };
    let request = &first.request;
    let all = |value: &dyn Fn(&Made) -> Value| drawn.made.iter().map(value).collect::<Vec<_>>();
    let names = request.sampler.parse::<Sampler>().map(sampler_names);
    let sampler = names.ok().and_then(|names| names.a1111.first().copied());
    let known = app.about.provenance.as_ref();
    json!({
        "prompt": request.prompt,
        "all_prompts": all(&|one| one.request.prompt.as_str().into()),
        "negative_prompt": request.negative_prompt,
        "all_negative_prompts": all(&|one| one.request.negative_prompt.as_str().into()),
        "seed": request.seed,
        "all_seeds": all(&|one| one.request.seed.into()),
        "subseed": request.seed,
        "all_subseeds": all(&|one| one.request.seed.into()),
        "subseed_strength": 0,
        "width": first.size[0],
        "height": first.size[1],
        "sampler_name": sampler.unwrap_or(&request.sampler),
        "cfg_scale": request.guidance_scale,
        "steps": request.steps,
        "batch_size": drawn.made.len(),
        "restore_faces": false,
        "face_restoration_model": null,
        "sd_model_name": app.model(),
        "sd_model_hash": known.and_then(|known| known.short_hash()),
        "sd_vae_name": null,
        "sd_vae_hash": null,
        "seed_resize_from_w": -1,
        "seed_resize_from_h": -1,
        "denoising_strength": request.strength,
        "extra_generation_params": {},
        "index_of_first_image": 0,
        "infotexts": all(&|one| one.infotext.as_str().into()),
        "styles": [],
        "clip_skip": request.clip_skip,
        "is_using_inpainting_conditioning": false,
        "version": concat!("darkroom ", env!("CARGO_PKG_VERSION")),
        "flagged": all(&|one| (one.safety == Safety::Flagged).into()),
        "safety": all(&|one| one.safety.text().into()),
        "notices": all(&|one| json!(one.notices)),
        "warnings": drawn.warnings,
    })
}
