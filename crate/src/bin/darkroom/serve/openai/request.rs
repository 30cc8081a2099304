//! The fields that both kinds of requests have.

use crate::serve::app::{App, Drawn};
use crate::serve::fault::Fault;
use crate::serve::fields::{Fields, Names, renamed};
use crate::serve::job::{Api, Order};
use axum::http::StatusCode;
use darkroom::pipeline::Request;
use serde_json::{Map, Value, json};

/// The most pictures of a request, as there.
const PICTURES_MAX: u32 = 10;

/// What the API calls them.
const NAMES: &Names =
    &[("width", "size"), ("height", "size"), ("count", "n"), ("initial picture", "image")];

/// Reads the fields of a request, whose pictures are in the order, and draws it.
pub(super) async fn draw(
    app: &App,
    sent: Map<String, Value>,
    order: Order,
) -> Result<Drawn, Fault> {
    let request = common(app, Fields::new(sent.clone()))?;
    let drawn = app.draw(Api::OpenAi, Order { request, ..order }).await;
    drawn.map_err(|fault| renamed(fault, NAMES, &sent))
}

/// Reads them; what is left is the request's own.
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
    // Our name of it.
    fields.only("count", &[json!(request.count)])?;
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
    fields.only("style", &[])?;
    fields.only("input_fidelity", &[])?;
    fields.only("moderation", &[json!("auto")])?;
    fields.only("stream", &[json!(false)])?;
    fields.only("partial_images", &[json!(0)])?;
    fields.ignore(&["user"]);
    fields.seed(&mut request, true)?;
    fields.put(&mut request, "sampler", "sampler")?;
    fields.rest(&mut request)?;
    Ok(request)
}

/// The answer to the name of another model.
pub(super) fn no_model(app: &App) -> Fault {
    let text = format!("The model here is `{}`.", app.model());
    let field = Some("model".to_owned());
    Fault { field, ..Fault::new(StatusCode::NOT_FOUND, "model_not_found", &text) }
}
