//! `POST /v1/images/edits`: a picture, on wish a mask, and a prompt, as a form. What is transparent
//! in the mask is made anew; without one, what is transparent in the picture.

use super::answer::{drawn, refused};
use super::request::draw;
use crate::serve::app::{App, Drawn};
use crate::serve::body;
use crate::serve::fault::Fault;
use crate::serve::fields::is_png;
use crate::serve::job::{MaskKind, Order};
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Multipart, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use darkroom::image::png;
use serde_json::{Map, Value};
use std::sync::Arc;

/// Makes the pictures.
pub(super) async fn create(State(app): State<Arc<App>>, request: Request) -> Response {
    match make(&app, request).await {
        Ok(made) => drawn(&made),
        Err(fault) => refused(&fault),
    }
}

async fn make(app: &App, request: Request) -> Result<Drawn, Fault> {
    let body = body::read(app, request).await?;
    let again = Request::from_parts(body.parts, Body::from(body.bytes));
    let form = Multipart::from_request(again, &()).await.map_err(|_| {
        let text = "The content type must be multipart/form-data.";
        Fault::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content_type", text)
    })?;
    let Form { image, mask, fields } = read(form).await?;
    let image = image.ok_or_else(|| Fault::field("image", "is missing"))?;
    let kind = MaskKind::Transparent;
    let mask = match mask {
        Some(mask) if !has_transparency("mask", &mask)? => {
            let reason = "has no transparent pixel: nothing would be made anew";
            return Err(Fault::field("mask", reason));
        }
        Some(mask) => Some((mask.to_vec(), kind)),
        None => has_transparency("image", &image)?.then(|| (image.to_vec(), kind)),
    };
    let (initial, holds) = (Some(image.to_vec()), Some(body.holds));
    draw(app, fields, Order { initial, mask, holds, ..Order::default() }).await
}

/// A form that was read.
#[derive(Default)]
struct Form {
    image: Option<Bytes>,
    mask: Option<Bytes>,
    fields: Map<String, Value>,
}

async fn read(mut form: Multipart) -> Result<Form, Fault> {
    let wrong = |text: String| Fault::new(StatusCode::BAD_REQUEST, "form", &text);
    let mut all = Form::default();
    while let Some(part) = form.next_field().await.map_err(|e| wrong(e.body_text()))? {
        let name = part.name().unwrap_or_default().trim_end_matches("[]").to_owned();
        let bytes = part.bytes().await.map_err(|e| wrong(e.body_text()))?;
        match name.as_str() {
            "image" if all.image.is_some() => {
                return Err(Fault::field("image", "must be one picture, not several"));
            }
            "image" => all.image = Some(bytes),
            "mask" => all.mask = Some(bytes),
            _ => {
                let text = String::from_utf8(bytes.to_vec());
                let text = text.map_err(|_| Fault::field(&name, "must be text"))?;
                all.fields.insert(name.clone(), typed(&name, text));
            }
        }
    }
    Ok(all)
}

/// Fields that are texts in JSON too, and the seed, which may be one.
const TEXTS: [&str; 6] = ["prompt", "negative_prompt", "negative", "seed", "model", "user"];

/// A form has texts alone: what is a number or a flag in JSON becomes one.
fn typed(name: &str, text: String) -> Value {
    if TEXTS.contains(&name) {
        return text.into();
    }
    match serde_json::from_str(&text) {
        Ok(value @ (Value::Number(_) | Value::Bool(_) | Value::Array(_))) => value,
        _ => text.into(),
    }
}

fn has_transparency(name: &str, bytes: &[u8]) -> Result<bool, Fault> {
    is_png(name, bytes)?;
    let read = png::decode(name, bytes);
    let read = read.map_err(|fault| Fault::field(name, &format!("cannot be read ({fault})")))?;
    Ok(read.picture.pixels().as_chunks::<4>().0.iter().any(|[.., opacity]| *opacity < u8::MAX))
}
