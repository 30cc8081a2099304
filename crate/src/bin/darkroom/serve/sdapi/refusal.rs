//! Faults in that program's shape: FastAPI's, for a field with its place.

use crate::serve::fault::Fault;
use crate::serve::reply::{answer, with_retry};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

/// The answer of a fault.
pub(in crate::serve) fn refused(fault: &Fault) -> Response {
    let (status, detail) = match (&fault.field, fault.status) {
        (Some(field), StatusCode::BAD_REQUEST) => {
            let place = json!(["body", field]);
            let detail = json!([{ "type": "value_error", "loc": place, "msg": fault.message }]);
            (StatusCode::UNPROCESSABLE_ENTITY, detail)
        }
        _ => (fault.status, Value::from(fault.message.as_str())),
    };
    with_retry(fault, answer(status, &json!({ "detail": detail })))
}
