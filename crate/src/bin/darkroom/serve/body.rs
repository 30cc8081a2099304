//! Reads a request's body: of a bounded size, in a bounded time, of the right type.

use super::app::App;
use super::fault::Fault;
use axum::body::{Bytes, to_bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

/// A body that was read; it holds its share of the memory for bodies.
pub(super) struct Body {
    pub parts: Parts,
    pub bytes: Bytes,
    pub holds: OwnedSemaphorePermit,
}

/// Reads a body.
///
/// # Errors
/// 413, 408, and 503 where too much is being read.
pub(super) async fn read(app: &App, request: Request) -> Result<Body, Fault> {
    let most = app.args.max_body as usize * 1_000_000;
    let (parts, body) = request.into_parts();
    let length = text(&parts.headers, CONTENT_LENGTH.as_str()).and_then(|text| text.parse().ok());
    let too_large = || {
        let text = format!("The body is larger than {} MB; see --max-body.", app.args.max_body);
        Fault::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", &text)
    };
    let length: usize = length.unwrap_or(most);
    if length > most {
        return Err(too_large());
    }
    let share = share_of(length);
    let mut holds = app.bodies.clone().try_acquire_many_owned(share).map_err(|_| {
        let text = "Too many large requests at once. Try again later.";
        Fault::new(StatusCode::SERVICE_UNAVAILABLE, "busy", text)
    })?;
    let time = Duration::from_secs(app.args.read_timeout.into());
    let bytes = timeout(time, to_bytes(body, most)).await.map_err(|_| {
        let text = "The body did not arrive in time; see --read-timeout.";
        Fault::new(StatusCode::REQUEST_TIMEOUT, "timeout", text)
    })?;
    // Anything but its size: the client is gone, and reads no answer.
    let bytes = bytes.map_err(|_| too_large())?;
    // Of a body that did not say its length more was held than it has.
    drop(holds.split(share as usize - share_of(bytes.len()) as usize));
    Ok(Body { parts, bytes, holds })
}

/// The share of so many bytes, in KiB.
fn share_of(bytes: usize) -> u32 {
    u32::try_from(bytes / 1024 + 1).unwrap_or(u32::MAX)
}

/// Reads a JSON object.
///
/// # Errors
/// As [`read`]; 415 for another type; 400 for what is no object.
pub(super) async fn json(
    app: &App,
    request: Request,
) -> Result<(Map<String, Value>, OwnedSemaphorePermit), Fault> {
    let kind = text(request.headers(), CONTENT_TYPE.as_str()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        let text = "The content type must be application/json.";
        return Err(Fault::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content_type", text));
    }
    let body = read(app, request).await?;
    let wrong = |text: String| Fault::new(StatusCode::BAD_REQUEST, "json", &text);
    match serde_json::from_slice(&body.bytes) {
        Ok(Value::Object(fields)) => Ok((fields, body.holds)),
        Ok(_) => Err(wrong("The body must be a JSON object.".to_owned())),
        Err(fault) => Err(wrong(format!("The body is not JSON ({fault})."))),
    }
}

/// A header's value, if it is text.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
