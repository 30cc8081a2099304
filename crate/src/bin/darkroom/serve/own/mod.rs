//! The project's own API: jobs that are accepted at once and fetched later.

mod events;
mod jobs;
mod refusal;

use super::app::App;
use axum::Router;
use axum::routing::{get, post};
use std::sync::Arc;

pub(super) use refusal::refused;

/// Its paths.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/capabilities", get(jobs::capabilities))
        .route("/api/jobs", post(jobs::create))
        .route("/api/jobs/{id}", get(jobs::show).delete(jobs::cancel))
        .route("/api/jobs/{id}/picture", get(jobs::picture))
        .route("/api/jobs/{id}/events", get(events::stream))
}
