//! Answers of all three APIs: JSON, and when to try again.

use super::fault::Fault;
use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

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
