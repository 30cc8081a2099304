//! The events of a job, as a stream of server-sent events: each is what `GET /api/jobs/{id}` says.
//! A client that reads slowly gets the latest one.

use super::jobs::{status, unknown};
use super::refusal::refused;
use crate::serve::app::App;
use axum::extract::{Path, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use std::convert::Infallible;
use std::sync::Arc;

/// `GET /api/jobs/{id}/events`
pub(super) async fn stream(State(app): State<Arc<App>>, Path(id): Path<String>) -> Response {
    let Some(job) = app.kept.find(&id) else { return refused(&unknown()) };
    let mut watch = job.watch();
    watch.mark_changed();
    let events = stream::unfold(Some((app, job, watch)), |open| async {
        let (app, job, mut watch) = open?;
        watch.changed().await.ok()?;
        let is_over = watch.borrow_and_update().is_over();
        let event = Event::default().data(status(&app, &job).to_string());
        let next = (!is_over).then_some((app, job, watch));
        Some((Ok::<_, Infallible>(event), next))
    });
    Sse::new(events).keep_alive(KeepAlive::default()).into_response()
}
