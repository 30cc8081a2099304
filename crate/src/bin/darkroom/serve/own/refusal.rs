//! Faults as the project's own API tells them.

use crate::serve::fault::Fault;
use crate::serve::reply::{answer, with_retry};
use axum::response::Response;
use serde_json::{Value, json};

/// A fault as JSON.
pub(super) fn told(fault: &Fault) -> Value {
    let field = match fault.field.as_deref() {
        Some("initial picture") => Some("init"),
        other => other,
    };
    json!({ "kind": fault.kind, "field": field, "message": fault.message })
}

/// The answer of a fault.
pub(in crate::serve) fn refused(fault: &Fault) -> Response {
    with_retry(fault, answer(fault.status, &json!({ "error": told(fault) })))
}
