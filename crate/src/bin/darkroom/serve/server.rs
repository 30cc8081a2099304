//! Accepts connections: so many at once, each with a bounded time for a request's head, and for a
//! client to read what is sent to it.

use super::guard::Guard;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_REQUEST_HEADERS, CONNECTION, ORIGIN, VARY, WWW_AUTHENTICATE,
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
use tokio_io_timeout::TimeoutStream;

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
            let mut stream = TimeoutStream::new(stream);
            stream.set_write_timeout(Some(time));
            let stream = TokioIo::new(Box::pin(stream));
            // An error is that of a client: it is gone, reads nothing, or does not speak HTTP.
            http.serve_connection(stream, service).await.ok();
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
    // Clients send headers of their own, such as those of their version: none of them says who may
    // ask.
    let names = request.headers().get(ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let mut answer = match guard.check(&method, request.headers()) {
        Ok(()) if method == Method::OPTIONS => StatusCode::NO_CONTENT.into_response(),
        Ok(()) => next.run(request).await,
        Err((status, text)) => {
            let mut refused = shape(&path, status, text);
            // Who may not ask keeps no connection.
            refused.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            refused
        }
    };
    let allowed = origin.filter(|origin| origin.to_str().is_ok_and(|o| guard.allowed(o).is_some()));
    let headers = answer.headers_mut();
    if let Some(origin) = allowed {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        let methods = HeaderValue::from_static("GET, POST, DELETE");
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
        let usual = || HeaderValue::from_static("authorization, content-type");
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names.unwrap_or_else(usual));
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
