//! `POST /v1/images/generations`: a prompt as JSON.

use super::answer::{drawn, refused};
use super::request::draw;
use crate::serve::app::{App, Drawn};
use crate::serve::body;
use crate::serve::fault::Fault;
use crate::serve::job::Order;
use axum::extract::{Request, State};
use axum::response::Response;
use std::sync::Arc;

/// Makes the pictures.
pub(super) async fn create(State(app): State<Arc<App>>, request: Request) -> Response {
    match make(&app, request).await {
        Ok(made) => drawn(&made),
        Err(fault) => refused(&fault),
    }
}

async fn make(app: &App, request: Request) -> Result<Drawn, Fault> {
    let (fields, holds) = body::json(app, request).await?;
    draw(app, fields, Order { holds: Some(holds), ..Order::default() }).await
}
