//! How far the picture in work is, and its early end.

use crate::serve::app::App;
use crate::serve::job::{Api, State as Stage};
use crate::serve::reply::answer;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use darkroom::pipeline::EarlyEnd;
use serde_json::{Value, json};
use std::sync::Arc;

/// `GET /sdapi/v1/progress`: of this API's picture, if one is in work.
pub(super) async fn show(State(app): State<Arc<App>>) -> Response {
    let job = app.queue.running().filter(|job| job.api == Api::Sdapi);
    let [step, steps] = match job.as_ref().map(|job| job.state()) {
        Some(Stage::Running(steps)) => steps,
        _ => [0, 0],
    };
    let share = if steps == 0 { 0.0 } else { step as f64 / steps as f64 };
    let passed = job.as_ref().and_then(|job| job.running_for()).unwrap_or_default().as_secs_f64();
    let eta = if share > 0.0 { passed / share - passed } else { 0.0 };
    let id = job.as_ref().map(|job| job.id.clone()).unwrap_or_default();
    let early_end = job.as_ref().map(|job| job.early_end());
    let state = json!({
        "skipped": early_end == Some(EarlyEnd::Batch),
        "interrupted": early_end == Some(EarlyEnd::Request),
        "job": id,
        "job_count": app.queue.counts().iter().sum::<usize>(),
        "job_no": 0,
        "sampling_step": step,
        "sampling_steps": steps,
    });
    let body = json!({
        "progress": share, "eta_relative": eta, "state": state, "current_image": null,
        "textinfo": null,
    });
    answer(StatusCode::OK, &body)
}

/// `POST /sdapi/v1/interrupt`: ends this API's request, which is answered with what there is.
pub(super) async fn interrupt(State(app): State<Arc<App>>) -> Response {
    app.queue.end_early(Api::Sdapi, EarlyEnd::Request);
    answer(StatusCode::OK, &json!({}))
}

/// `POST /sdapi/v1/skip`: ends the pictures in work, and goes on with the request's others.
pub(super) async fn skip(State(app): State<Arc<App>>) -> Response {
    app.queue.end_early(Api::Sdapi, EarlyEnd::Batch);
    answer(StatusCode::OK, &Value::Null)
}
