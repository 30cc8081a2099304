//! AUTOMATIC1111's API, as far as it has an equal here.

mod answer;
mod lists;
mod progress;
mod request;
mod settings;

use super::app::{App, Drawn};
use super::body;
use super::fault::Fault;
use super::fields::Fields;
use super::job::{Api, Order};
use super::own::{answer as json_answer, with_retry};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Map, Value, json};
use std::sync::Arc;

pub(super) use request::defaults;

/// Its paths.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/sdapi/v1/txt2img", post(txt2img))
        .route("/sdapi/v1/img2img", post(img2img))
        .route("/sdapi/v1/progress", get(progress::show))
        .route("/sdapi/v1/interrupt", post(progress::interrupt))
        .route("/sdapi/v1/png-info", post(lists::png_info))
        .route("/sdapi/v1/samplers", get(lists::samplers))
        .route("/sdapi/v1/schedulers", get(lists::schedulers))
        .route("/sdapi/v1/sd-models", get(lists::models))
        .route("/sdapi/v1/options", get(settings::show).post(settings::set))
}

/// Its answer of a fault: that of FastAPI, for a field with its place.
pub(super) fn refused(fault: &Fault) -> Response {
    let (status, detail) = match (&fault.field, fault.status) {
        (Some(field), StatusCode::BAD_REQUEST) => {
            let place = json!(["body", field]);
            let detail = json!([{ "type": "value_error", "loc": place, "msg": fault.message }]);
            (StatusCode::UNPROCESSABLE_ENTITY, detail)
        }
        _ => (fault.status, Value::from(fault.message.as_str())),
    };
    with_retry(fault, json_answer(status, &json!({ "detail": detail })))
}

async fn txt2img(State(app): State<Arc<App>>, request: Request) -> Response {
    answered(&app, make(&app, request, false).await)
}

async fn img2img(State(app): State<Arc<App>>, request: Request) -> Response {
    answered(&app, make(&app, request, true).await)
}

fn answered(app: &App, made: Result<(Drawn, Told), Fault>) -> Response {
    match made {
        Ok((drawn, told)) => answer::pictures(app, &drawn, &told),
        Err(fault) => refused(&fault),
    }
}

/// What of the request the answer needs.
struct Told {
    /// The request without its pictures.
    parameters: Map<String, Value>,
    sends_images: bool,
}

async fn make(app: &App, request: Request, begins: bool) -> Result<(Drawn, Told), Fault> {
    let (fields, holds) = body::json(app, request).await?;
    let mut parameters = fields.clone();
    parameters.retain(|name, _| !["init_images", "mask"].contains(&name.as_str()));
    let sends_images = fields.get("send_images") != Some(&Value::Bool(false));
    let order = request::read(app, Fields::new(fields), begins)?;
    let drawn = app.draw(Api::Sdapi, Order { holds: Some(holds), ..order }).await?;
    Ok((drawn, Told { parameters, sends_images }))
}
