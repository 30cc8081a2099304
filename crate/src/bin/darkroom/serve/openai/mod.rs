//! OpenAI's API for images, as far as it has an equal here.

mod answer;
mod edits;
mod generations;
mod request;

use super::app::App;
use super::reply;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) use answer::refused;

/// Its paths.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/v1/images/generations", post(generations::create))
        .route("/v1/images/edits", post(edits::create))
        .route("/v1/models", get(models))
        .route("/v1/models/{id}", get(model))
}

async fn models(State(app): State<Arc<App>>) -> Response {
    reply::answer(StatusCode::OK, &json!({ "object": "list", "data": [described(&app)] }))
}

async fn model(State(app): State<Arc<App>>, Path(id): Path<String>) -> Response {
    match id == app.model() {
        true => reply::answer(StatusCode::OK, &described(&app)),
        false => refused(&request::no_model(&app)),
    }
}

fn described(app: &App) -> Value {
    json!({ "id": app.model(), "object": "model", "created": 0, "owned_by": "darkroom" })
}
