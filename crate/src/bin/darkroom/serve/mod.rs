//! `darkroom serve`: answers requests over HTTP, with the model loaded once.
//!
//! ```text
//! server.rs guard.rs    connections; who may ask
//! body.rs fields.rs     what they ask: bodies, fields
//! openai/ sdapi/ own/   three APIs: their requests, answers and faults
//! app.rs reply.rs       a request becomes a job; its answer
//! queue.rs kept.rs      jobs that wait; finished ones of the own API
//! worker.rs             the thread with the model, which draws them
//! ```

mod app;
mod args;
mod body;
mod fault;
mod fields;
mod guard;
mod job;
mod kept;
mod lost;
mod openai;
mod own;
mod queue;
mod reply;
mod saved;
mod sdapi;
mod server;
mod worker;

pub(crate) use args::ServeArgs;

use crate::disk::{check_folder, create};
use crate::exit::ExitState;
use crate::interrupt::Interrupt;
use app::App;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::response::Response;
use axum::{Router, middleware};
use darkroom::{Error, Result};
use fault::Fault;
use guard::Guard;
use kept::Kept;
use queue::Queue;
use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;
use tokio::runtime;
use tokio::sync::Semaphore;
use worker::{WORKER_ENDED, Worker};

/// How often signals are looked for.
const LOOK: Duration = Duration::from_millis(50);
/// The longest wait for a picture in work, once the program ends.
const LAST_PICTURE: Duration = Duration::from_secs(8);
/// How long answers may take after that.
const LAST_ANSWERS: Duration = Duration::from_millis(200);
/// How many bodies of the largest size may be in memory.
const BODIES: u32 = 4;

/// Runs the command.
///
/// # Errors
/// An address that cannot be used; those of opening the model.
pub(crate) fn run(args: ServeArgs) -> Result<ExitCode> {
    let args = Arc::new(args);
    let unusable = |fault: std::io::Error| Error::Request {
        field: "listen address",
        reason: format!("{} cannot be used ({fault})", args.listen),
    };
    let (plain, web_ui) = (args.request.request()?, args.request.over(sdapi::defaults())?);
    let early = Guard::new(&args, args.listen)?;
    drop(early);
    if let Some(folder) = &args.save_to {
        create(folder)?;
        check_folder(folder)?;
    }
    let listener = TcpListener::bind(args.listen).map_err(unusable)?;
    listener.set_nonblocking(true).map_err(unusable)?;
    let address = listener.local_addr().map_err(unusable)?;
    let guard = Arc::new(Guard::new(&args, address)?);
    let interrupt = Interrupt::watch().map_err(unusable)?;
    let queue = Arc::new(Queue::new(args.queue as usize));
    let worker = Worker { args: args.clone(), queue: queue.clone(), interrupt: interrupt.clone() };
    let (ready, opened) = mpsc::channel();
    let thread = thread::spawn(move || worker.run(&ready));
    let about = match opened.recv() {
        Ok(Err(Error::Cancelled)) if interrupt.signal().is_some() => return Ok(ended(&interrupt)),
        Ok(about) => about?,
        Err(_) => return Ok(WORKER_ENDED.into()),
    };
    let kept = Kept::new(args.keep as usize, args.keep_mb as usize * 1_000_000);
    let bodies = Arc::new(Semaphore::new((BODIES * args.max_body * 1000) as usize));
    let app = App { args: args.clone(), about, queue: queue.clone(), kept, bodies, plain, web_ui };
    let router = router(Arc::new(app), guard);
    let runtime = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(unusable)?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).map_err(unusable)?;
        println!("Listening on http://{address}");
        let time = Duration::from_secs(args.read_timeout.into());
        let most = args.max_connections as usize;
        let serving = tokio::spawn(server::serve(listener, router, most, time));
        while interrupt.signal().is_none() && !thread.is_finished() {
            tokio::time::sleep(LOOK).await;
        }
        serving.abort();
        queue.close();
        let mut waited = Duration::ZERO;
        while !thread.is_finished() && waited < LAST_PICTURE {
            tokio::time::sleep(LOOK).await;
            waited += LOOK;
        }
        tokio::time::sleep(LAST_ANSWERS).await;
        Ok(())
    })?;
    Ok(ended(&interrupt))
}

/// How the program ends: by a signal, or because its worker has ended.
fn ended(interrupt: &Interrupt) -> ExitCode {
    interrupt.signal().map_or(WORKER_ENDED, ExitState::of_signal).into()
}

fn router(app: Arc<App>, guard: Arc<Guard>) -> Router {
    let shape: server::Shape = refused;
    Router::new()
        .merge(openai::routes())
        .merge(sdapi::routes())
        .merge(own::routes())
        .fallback(|uri: axum::http::Uri| async move {
            refused(uri.path(), StatusCode::NOT_FOUND, "There is no such path here.")
        })
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state((guard, shape), server::guarded))
        .with_state(app)
}

/// A refusal in the shape of the API whose path was asked.
fn refused(path: &str, status: StatusCode, text: &str) -> Response {
    let kind = if status == StatusCode::NOT_FOUND { "not_found" } else { "refused" };
    let fault = Fault::new(status, kind, text);
    if path.starts_with("/v1/") {
        openai::refused(&fault)
    } else if path.starts_with("/sdapi/") {
        sdapi::refused(&fault)
    } else {
        own::refused(&fault)
    }
}
