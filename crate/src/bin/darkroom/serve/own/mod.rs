//! The project's own API: jobs that are accepted at once and fetched later.

mod events;
mod jobs;

use super::app::App;
use super::fault::Fault;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, body::Body};
use serde_json::{Value, json};
use std::sync::Arc;

/// Its paths.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/capabilities", get(jobs::capabilities))
        .route("/api/jobs", post(jobs::create))
        .route("/api/jobs/{id}", get(jobs::show).delete(jobs::cancel))
        .route("/api/jobs/{id}/picture", get(jobs::picture))
        .route("/api/jobs/{id}/events", get(events::stream))
}

/// An answer of JSON.
pub(super) fn answer(status: StatusCode, value: &Value) -> Response {
    let body = Body::from(value.to_string());
    (status, [("content-type", "application/json")], body).into_response()
}

/// An answer with the time after which to try again, where that may help.
pub(super) fn with_retry(fault: &Fault, mut answer: Response) -> Response {
    if let Some(seconds) = fault.retry_after() {
        answer.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    answer
}

/// A fault as JSON.
fn told(fault: &Fault) -> Value {
    json!({ "kind": fault.kind, "field": fault.field, "message": fault.message })
}

/// The answer of a fault.
pub(super) fn refused(fault: &Fault) -> Response {
    with_retry(fault, answer(fault.status, &json!({ "error": told(fault) })))
}
