//! AUTOMATIC1111's API, as far as it has an equal here.

mod answer;
mod lists;
mod progress;
mod refusal;
mod request;
mod settings;

use super::app::{App, Drawn};
use super::body;
use super::fault::Fault;
use super::fields::{Fields, renamed};
use super::job::{Api, Order};
use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::Value;
use std::sync::Arc;

use answer::Told;
pub(super) use refusal::refused;
pub(super) use request::defaults;

/// Its paths.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/sdapi/v1/txt2img", post(txt2img))
        .route("/sdapi/v1/img2img", post(img2img))
        .route("/sdapi/v1/progress", get(progress::show))
        .route("/sdapi/v1/interrupt", post(progress::interrupt))
        .route("/sdapi/v1/skip", post(progress::skip))
        .route("/sdapi/v1/png-info", post(lists::png_info))
        .route("/sdapi/v1/samplers", get(lists::samplers))
        .route("/sdapi/v1/schedulers", get(lists::schedulers))
        .route("/sdapi/v1/sd-models", get(lists::models))
        .route("/sdapi/v1/options", get(settings::show).post(settings::set))
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

async fn make(app: &App, request: Request, begins: bool) -> Result<(Drawn, Told), Fault> {
    let (fields, holds) = body::json(app, request).await?;
    let mut sent = fields.clone();
    let order = request::read(app, Fields::new(fields), begins)?;
    let drawn = app.draw(Api::Sdapi, Order { holds: Some(holds), ..order }).await;
    let drawn = drawn.map_err(|fault| renamed(fault, request::NAMES, &sent))?;
    let sends_images = sent.get("send_images") != Some(&Value::Bool(false));
    if sent.get("include_init_images") != Some(&Value::Bool(true)) {
        sent.retain(|name, _| !["init_images", "mask"].contains(&name.as_str()));
    }
    Ok((drawn, Told { parameters: sent, sends_images }))
}
