//! Jobs: made, looked at, fetched, cancelled; and what can be asked for.

use super::refusal::{refused, told};
use crate::lora_list;
use crate::serve::app::App;
use crate::serve::body;
use crate::serve::fault::Fault;
use crate::serve::fields::Fields;
use crate::serve::job::{Api, Job, MaskKind, Order, State as Stage};
use crate::serve::reply::answer;
use crate::upscaler_args::NamedUpscaler;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::Arc;

/// `POST /api/jobs`
pub(super) async fn create(State(app): State<Arc<App>>, request: Request) -> Response {
    match accept(&app, request).await {
        Ok(job) => {
            let place = [("location", format!("/api/jobs/{}", job.id))];
            (place, answer(StatusCode::ACCEPTED, &status(&app, &job))).into_response()
        }
        Err(fault) => refused(&fault),
    }
}

async fn accept(app: &App, request: Request) -> Result<Arc<Job>, Fault> {
    let (fields, holds) = body::json(app, request).await?;
    let mut order = read(app, Fields::new(fields))?;
    order.holds = Some(holds);
    let job = app.submit(Api::Own, order)?;
    app.kept.add(job.clone());
    Ok(job)
}

/// A line of a list of requests, whose pictures are in it.
fn read(app: &App, mut fields: Fields) -> Result<Order, Fault> {
    let mut request = app.plain.clone();
    let initial = fields.png("init")?;
    let mask = fields.png("mask")?.map(|png| (png, MaskKind::White));
    let loras = fields.text("loras")?.map(|text| lora_list::parse(&text));
    let loras = loras.transpose().map_err(|reason| Fault::field("loras", &reason))?;
    let upscaler = fields.text("upscaler")?.map(NamedUpscaler);
    let says_how = fields.has("hires_upscaler");
    fields.only("controls", &[json!([])])?;
    fields.only("count", &[json!(1)])?;
    fields.ignore(&["id", "custom_id", "file"]);
    fields.seed(&mut request, false)?;
    // A sampler's name may say the schedule too, which a field of its own is put over.
    fields.put(&mut request, "sampler", "sampler")?;
    fields.rest(&mut request)?;
    if let Some(upscaler) = upscaler {
        if !says_how {
            upscaler.choose(&mut request);
        }
        upscaler.check(&request, app.about.upscaler.as_ref())?;
    }
    Ok(Order { request, initial, mask, loras, ..Order::default() })
}

/// `GET /api/jobs/{id}`
pub(super) async fn show(State(app): State<Arc<App>>, Path(id): Path<String>) -> Response {
    match app.kept.find(&id) {
        Some(job) => answer(StatusCode::OK, &status(&app, &job)),
        None => refused(&unknown()),
    }
}

/// `DELETE /api/jobs/{id}`
pub(super) async fn cancel(State(app): State<Arc<App>>, Path(id): Path<String>) -> Response {
    let Some(job) = app.kept.find(&id) else { return refused(&unknown()) };
    app.queue.cancel(&job);
    app.kept.remove(&id);
    StatusCode::NO_CONTENT.into_response()
}

/// `GET /api/jobs/{id}/picture`
pub(super) async fn picture(State(app): State<Arc<App>>, Path(id): Path<String>) -> Response {
    let Some(job) = app.kept.find(&id) else { return refused(&unknown()) };
    match job.state() {
        Stage::Done(made) => match made.first() {
            Some(one) => {
                app.kept.fetched(&id);
                ([("content-type", "image/png")], one.png.clone()).into_response()
            }
            None => refused(&unknown()),
        },
        Stage::Failed(fault) => refused(&fault),
        _ => {
            let text = "The picture is not finished.";
            refused(&Fault::new(StatusCode::CONFLICT, "unfinished", text))
        }
    }
}

/// `GET /api/capabilities`
pub(super) async fn capabilities(State(app): State<Arc<App>>) -> Response {
    let (about, args) = (&app.about, &app.args);
    let [waiting, running] = app.queue.counts();
    answer(
        StatusCode::OK,
        &json!({
            "version": env!("CARGO_PKG_VERSION"),
            "model": app.model(),
            "provenance": about.provenance,
            "adapter": about.adapter,
            "description": about.description,
            "defaults": app.plain,
            "loras": about.loras,
            "upscaler": about.upscaler,
            "embeddings": about.embeddings,
            "queue": { "most": args.queue, "waiting": waiting, "running": running },
            "keep": args.keep,
            "max_body_mb": args.max_body,
        }),
    )
}

/// How far a job is.
pub(super) fn status(app: &App, job: &Job) -> Value {
    let state = job.state();
    let name = match &state {
        Stage::Queued => "queued",
        Stage::Running(_) => "running",
        Stage::Done(_) => "done",
        Stage::Failed(fault) if fault.kind == "cancelled" => "cancelled",
        Stage::Failed(_) => "failed",
    };
    let mut told_of = json!({ "id": job.id, "status": name, "warnings": job.warnings });
    match &state {
        Stage::Queued => told_of["before"] = app.queue.before(&job.id).unwrap_or(0).into(),
        Stage::Running([step, steps]) => {
            told_of["step"] = (*step).into();
            told_of["steps"] = (*steps).into();
        }
        Stage::Done(made) => {
            if let Some(one) = made.first() {
                told_of["request"] = json!(one.request);
                told_of["safety"] = json!(one.safety);
                told_of["notices"] = json!(one.notices);
                told_of["picture"] = format!("/api/jobs/{}/picture", job.id).into();
            }
        }
        Stage::Failed(fault) => told_of["error"] = told(fault),
    }
    told_of
}

/// Of a job that is not kept, or never was.
pub(super) fn unknown() -> Fault {
    Fault::not_found("There is no such job; finished ones are kept for a time only.")
}
