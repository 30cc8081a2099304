//! What there is: samplers, schedules, the model; and the text in a PNG.

use super::refusal::refused;
use crate::serve::app::App;
use crate::serve::body;
use crate::serve::fault::Fault;
use crate::serve::fields::Fields;
use crate::serve::reply::answer;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use darkroom::diffusion::{Sampler, SigmaSchedule};
use darkroom::image::parameters::Parameters;
use darkroom::image::png;
use darkroom::request::{sampler_names, sigma_names};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// `GET /sdapi/v1/samplers`: by that program's names, or ours where it has none.
pub(super) async fn samplers() -> Response {
    let all = Sampler::ALL.map(|one| {
        let names = sampler_names(one);
        let name = names.a1111.first().copied().unwrap_or(one.name());
        json!({ "name": name, "aliases": [one.name()], "options": {} })
    });
    answer(StatusCode::OK, &json!(all))
}

/// `GET /sdapi/v1/schedulers`
pub(super) async fn schedulers() -> Response {
    let automatic = json!({ "name": "automatic", "label": "Automatic", "aliases": null });
    let all = SigmaSchedule::ALL.map(|one| {
        let label = sigma_names(one).a1111.first().copied().unwrap_or(one.name());
        json!({ "name": one.name(), "label": label, "aliases": null })
    });
    answer(StatusCode::OK, &[automatic].into_iter().chain(all).collect())
}

/// `GET /sdapi/v1/sd-models`
pub(super) async fn models(State(app): State<Arc<App>>) -> Response {
    let known = app.about.provenance.as_ref();
    let hash = known.and_then(|known| known.short_hash());
    let name = app.model();
    let one = json!({
        "title": name, "model_name": name, "hash": hash,
        "sha256": known.and_then(|known| known.sha256.clone()), "filename": name, "config": null,
    });
    answer(StatusCode::OK, &json!([one]))
}

/// `POST /sdapi/v1/png-info`
pub(super) async fn png_info(State(app): State<Arc<App>>, request: Request) -> Response {
    match read(&app, request).await {
        Ok(info) => answer(StatusCode::OK, &info),
        Err(fault) => refused(&fault),
    }
}

async fn read(app: &App, request: Request) -> Result<Value, Fault> {
    let (fields, _holds) = body::json(app, request).await?;
    let file = Fields::new(fields).png("image")?;
    let file = file.ok_or_else(|| Fault::field("image", "is missing"))?;
    let read = png::decode("image", &file);
    let read = read.map_err(|fault| Fault::field("image", &format!("cannot be read ({fault})")))?;
    let info = read.text(png::PARAMETERS).unwrap_or_default();
    let parsed = Parameters::parse(info);
    let mut parameters: Map<String, Value> =
        parsed.fields.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    parameters.insert("Prompt".into(), parsed.prompt.into());
    parameters.insert("Negative prompt".into(), parsed.negative_prompt.into());
    let items: Map<String, Value> =
        read.texts.iter().map(|(k, v)| (k.clone(), v.as_str().into())).collect();
    Ok(json!({ "info": info, "items": items, "parameters": parameters }))
}
