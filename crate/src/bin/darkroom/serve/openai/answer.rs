//! Answers: pictures, and faults in that API's shape.

use crate::serve::app::Drawn;
use crate::serve::fault::Fault;
use crate::serve::fields::base64;
use crate::serve::reply::{answer, with_retry};
use axum::http::StatusCode;
use axum::response::Response;
use darkroom::pipeline::Safety;
use serde_json::json;
use std::time::{SystemTime, UNIX_EPOCH};

/// Its answer of a fault.
pub(in crate::serve) fn refused(fault: &Fault) -> Response {
    let kind = match fault.status.is_client_error() {
        true => "invalid_request_error",
        false => "server_error",
    };
    let error = json!({
        "message": fault.message, "type": kind, "param": fault.field, "code": fault.kind,
    });
    with_retry(fault, answer(fault.status, &json!({ "error": error })))
}

/// The answer with the pictures.
pub(super) fn drawn(drawn: &Drawn) -> Response {
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
