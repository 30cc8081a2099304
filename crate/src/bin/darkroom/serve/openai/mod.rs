//! OpenAI's API for images, as far as it has an equal here.

mod edits;
mod generations;

use super::app::{App, Drawn};
use super::fault::Fault;
use super::fields::{Fields, base64};
use super::own::{answer, with_retry};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use darkroom::pipeline::{Request, Safety};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// The most pictures of a request, as there.
const PICTURES_MAX: u32 = 10;

/// Its paths.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/v1/images/generations", post(generations::create))
        .route("/v1/images/edits", post(edits::create))
        .route("/v1/models", get(models))
        .route("/v1/models/{id}", get(model))
}

/// Its answer of a fault.
pub(super) fn refused(fault: &Fault) -> Response {
    let kind = match fault.status.is_client_error() {
        true => "invalid_request_error",
        false => "server_error",
    };
    let error = json!({
        "message": fault.message, "type": kind, "param": fault.field, "code": fault.kind,
    });
    with_retry(fault, answer(fault.status, &json!({ "error": error })))
}

async fn models(State(app): State<Arc<App>>) -> Response {
    answer(StatusCode::OK, &json!({ "object": "list", "data": [described(&app)] }))
}

async fn model(State(app): State<Arc<App>>, Path(id): Path<String>) -> Response {
    match id == app.model() {
        true => answer(StatusCode::OK, &described(&app)),
        false => refused(&no_model(&app)),
    }
}

fn described(app: &App) -> Value {
    json!({ "id": app.model(), "object": "model", "created": 0, "owned_by": "darkroom" })
}

fn no_model(app: &App) -> Fault {
    let text = format!("The model here is `{}`.", app.model());
    let field = Some("model".to_owned());
    Fault { field, ..Fault::new(StatusCode::NOT_FOUND, "model_not_found", &text) }
}

/// The fields that both kinds of requests have; what is left is the request's own.
fn common(app: &App, mut fields: Fields) -> Result<Request, Fault> {
    let mut request = app.plain.clone();
    if fields.text("model")?.is_some_and(|model| model != app.model()) {
        return Err(no_model(app));
    }
    request.prompt = fields.text("prompt")?.ok_or_else(|| Fault::field("prompt", "is missing"))?;
    request.count = fields.whole("n")?.unwrap_or(1);
    if !(1..=PICTURES_MAX).contains(&request.count) {
        return Err(Fault::field("n", &format!("must be from 1 to {PICTURES_MAX}")));
    }
    if let Some(size) = fields.text("size")?.filter(|size| size != "auto") {
        let sides = size.split_once('x').map(|(w, h)| (w.parse().ok(), h.parse().ok()));
        let Some((Some(width), Some(height))) = sides else {
            return Err(Fault::field("size", "must be as in 512x512, or auto"));
        };
        (request.width, request.height) = (Some(width), Some(height));
    }
    fields.only("response_format", &[json!("b64_json")])?;
    fields.only("output_format", &[json!("png")])?;
    fields.only("output_compression", &[json!(100)])?;
    fields.only("background", &[json!("auto"), json!("opaque")])?;
    fields.only("quality", &[json!("auto"), json!("standard")])?;
    fields.only("moderation", &[json!("auto")])?;
    fields.only("stream", &[json!(false)])?;
    fields.only("partial_images", &[json!(0)])?;
    fields.ignore(&["user"]);
    fields.seed(&mut request, true)?;
    fields.put(&mut request, "sampler", "sampler")?;
    fields.rest(&mut request)?;
    Ok(request)
}

/// The answer with the pictures.
fn drawn(drawn: &Drawn) -> Response {
    let data = drawn.made.iter().map(|one| {
        json!({
            "b64_json": base64(&one.png),
            "seed": one.request.seed,
            "flagged": one.safety == Safety::Flagged,
            "safety": one.safety,
            "notices": one.notices,
        })
    });
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let data: Vec<_> = data.collect();
    let size = drawn.made.first().map(|one| format!("{}x{}", one.size[0], one.size[1]));
    answer(
        StatusCode::OK,
        &json!({
            "created": now, "data": data, "output_format": "png", "size": size,
            "warnings": drawn.warnings,
        }),
    )
}
