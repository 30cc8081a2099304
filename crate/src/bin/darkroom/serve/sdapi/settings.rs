//! `options`, and the settings that a request may have for itself.

use super::refusal::refused;
use crate::serve::app::App;
use crate::serve::body;
use crate::serve::fault::Fault;
use crate::serve::fields::set as put;
use crate::serve::reply::answer;
use axum::extract::{Request as Asked, State};
use axum::http::StatusCode;
use axum::response::Response;
use darkroom::pipeline::Request;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// `GET /sdapi/v1/options`
pub(super) async fn show(State(app): State<Arc<App>>) -> Response {
    answer(StatusCode::OK, &Value::Object(settings(&app)))
}

/// `POST /sdapi/v1/options`: only what is so already; nobody changes the others' pictures.
pub(super) async fn set(State(app): State<Arc<App>>, request: Asked) -> Response {
    let (given, _) = match body::json(&app, request).await {
        Ok(read) => read,
        Err(fault) => return refused(&fault),
    };
    let now = settings(&app);
    for (name, value) in given {
        let is_model =
            name == "sd_model_checkpoint" && value.as_str().is_some_and(|m| is_model(&app, m));
        if !is_model && now.get(&name) != Some(&value) {
            let reason = "cannot be changed here; give it with each request";
            return refused(&Fault::field(&name, reason));
        }
    }
    answer(StatusCode::OK, &Value::Null)
}

fn settings(app: &App) -> Map<String, Value> {
    let request = &app.web_ui;
    let source = if request.rng == "philox" { "NV" } else { "CPU" };
    let provenance = app.about.provenance.as_ref();
    let hash = provenance.and_then(|known| known.sha256.clone());
    Map::from_iter([
        ("sd_model_checkpoint".into(), app.model().into()),
        ("sd_checkpoint_hash".into(), hash.unwrap_or_default().into()),
        ("sd_vae".into(), "Automatic".into()),
        ("CLIP_stop_at_last_layers".into(), request.clip_skip.into()),
        ("randn_source".into(), source.into()),
        ("eta_noise_seed_delta".into(), 0.into()),
        ("samples_format".into(), "png".into()),
    ])
}

/// Whether a checkpoint's name is that of the model, also with a hash behind it.
fn is_model(app: &App, name: &str) -> bool {
    let own = app.model();
    name == own || name.strip_prefix(&own).is_some_and(|rest| rest.starts_with(" ["))
}

/// Reads `override_settings`.
pub(super) fn read(app: &App, given: &Value, request: &mut Request) -> Result<(), Fault> {
    let Value::Object(given) = given else {
        return Err(Fault::field("override_settings", "must be an object"));
    };
    let now = settings(app);
    for (name, value) in given {
        let place = format!("override_settings.{name}");
        match name.as_str() {
            "sd_model_checkpoint" if value.as_str().is_some_and(|name| is_model(app, name)) => {}
            "CLIP_stop_at_last_layers" => put(request, &place, "clip_skip", value.clone())?,
            "randn_source" => {
                let rng = match value.as_str() {
                    Some("CPU") => "torch",
                    Some("NV") => "philox",
                    _ => return Err(Fault::field(&place, "must be CPU or NV")),
                };
                put(request, &place, "rng", json!(rng))?;
            }
            _ if now.get(name) == Some(value) => {}
            _ => return Err(Fault::field(&place, "is not supported here")),
        }
    }
    Ok(())
}
