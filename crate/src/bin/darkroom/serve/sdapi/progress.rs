//! How far the picture in work is, and its end.

use crate::serve::app::App;
use crate::serve::job::{Api, State as Stage};
use crate::serve::reply::answer;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;
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
    let state = json!({
        "skipped": false,
        "interrupted": job.as_ref().is_some_and(|job| job.is_cancelled()),
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

/// `POST /sdapi/v1/interrupt`: ends this API's picture.
pub(super) async fn interrupt(State(app): State<Arc<App>>) -> Response {
    app.queue.interrupt(Api::Sdapi);
    answer(StatusCode::OK, &json!({}))
}
