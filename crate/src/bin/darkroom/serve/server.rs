//! Accepts connections: so many at once, each with a bounded time for a request's head.

use super::guard::Guard;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ORIGIN, VARY, WWW_AUTHENTICATE,
};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// The pause after an accept that failed, such as for want of file handles.
const PAUSE: Duration = Duration::from_millis(100);

/// The shape that an API gives a refused request.
pub(super) type Shape = fn(&str, StatusCode, &str) -> Response;

/// Serves until it is dropped.
pub(super) async fn serve(listener: TcpListener, router: Router, most: usize, time: Duration) {
    let places = Arc::new(Semaphore::new(most));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(time);
            // An error is that of a client: it is gone, or does not speak HTTP.
            http.serve_connection(TokioIo::new(stream), service).await.ok();
            drop(place);
        });
    }
}

/// Looks at every request first, writes a line of it to the log, and tells pages that they may
/// read the answer.
pub(super) async fn guarded(
    State((guard, shape)): State<(Arc<Guard>, Shape)>,
    request: Request,
    next: Next,
) -> Response {
    let start = Instant::now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let origin = request.headers().get(ORIGIN).cloned();
    let mut answer = match guard.check(&method, request.headers()) {
        Ok(()) if method == Method::OPTIONS => StatusCode::NO_CONTENT.into_response(),
        Ok(()) => next.run(request).await,
        Err((status, text)) => shape(&path, status, text),
    };
    let allowed = origin.filter(|origin| origin.to_str().is_ok_and(|o| guard.allowed(o).is_some()));
    let headers = answer.headers_mut();
    if let Some(origin) = allowed {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        let methods = HeaderValue::from_static("GET, POST, DELETE");
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
        let names = HeaderValue::from_static("authorization, content-type");
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names);
        headers.insert(VARY, HeaderValue::from_static("origin"));
    }
    if answer.status() == StatusCode::UNAUTHORIZED {
        let scheme = HeaderValue::from_static("Bearer");
        answer.headers_mut().insert(WWW_AUTHENTICATE, scheme);
    }
    let seconds = start.elapsed().as_secs_f64();
    crate::progress::Reporter::Text
        .say(&format!("{method} {path} {} {seconds:.2} s", answer.status().as_u16()));
    answer
}
