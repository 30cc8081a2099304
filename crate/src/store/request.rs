//! One request for a range of a file, and the checks of its answer.
//!
//! Ranges have both ends, the only form that browsers send to other sites without a preflight
//! request. The HTTP cache is bypassed, because it would store a second copy of every byte.

use super::body::{Body, SlowestSpeed};
use super::fetch_error::{FetchError, FetchErrorKind};
use super::refusal::{Violations, first_line, why_unreachable};
use super::watch::Watch;
use crate::weights::answer::{content_range, retry_seconds, same_etag};
use crate::weights::origin;
use gloo::net::http::{Request, Response};
use js_sys::Date;
use std::ops::Range;
use std::rc::Rc;
use web_sys::{AbortController, ReferrerPolicy, RequestCache, RequestCredentials};

/// The longest wait that a server's `Retry-After` can cause, in seconds: five minutes, the longest
/// rate-limit window of a known publisher.
const RETRY_AFTER_MAX: f64 = 300.0;

/// A request.
pub(super) struct Ask<'a> {
    pub url: &'a str,
    /// The range in bytes; `None` for the whole file.
    pub range: Option<Range<u64>>,
    /// The file's size, if it is known; and its version (etag and host), if no hash is known.
    pub bytes: Option<u64>,
    pub version: Option<&'a Version>,
    /// Whether an answer may come from a URL, besides the host of `url`.
    pub allows: &'a dyn Fn(&str) -> bool,
    pub pace: SlowestSpeed,
}

/// A server's version (etag) of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    pub host: String,
    pub etag: String,
}

/// An answer whose headers are right.
pub(super) struct Answer {
    pub body: Body,
    /// Whether it is the whole file although a range was requested.
    pub whole: bool,
    pub version: Option<Version>,
}

/// Sends the request and checks the answer's headers.
///
/// # Errors
/// A [`FetchError`]: what went wrong, and where.
pub(super) async fn request(ask: &Ask<'_>, watch: &Rc<Watch>) -> Result<Answer, FetchError> {
    let abort = AbortController::new().map_err(|_| FetchErrorKind::Unreachable)?;
    watch.begin(&abort);
    let answer = ask_and_check(ask, &abort, watch).await;
    if answer.is_err() {
        abort.abort();
        watch.end(&abort);
    }
    answer
}

async fn ask_and_check(
    ask: &Ask<'_>,
    abort: &AbortController,
    watch: &Rc<Watch>,
) -> Result<Answer, FetchError> {
    let response = send(ask, abort).await;
    watch.check().map_err(|_| FetchErrorKind::Stopped)?;
    let response =
        response.map_err(|kind| FetchError { kind, host: host_of(ask.url), first_line: None })?;
    let host = host_of(&response.url()).or_else(|| host_of(ask.url));
    match check_answer(ask, &response, host.as_deref()) {
        Ok((whole, version)) => {
            let stream = response.body().ok_or(FetchErrorKind::Broke { got: 0, of: None })?;
            let body = Body::new(&stream, abort.clone(), watch.clone(), ask.pace, host);
            Ok(Answer { body, whole, version })
        }
        Err(kind) => {
            let telling = response.status() >= 400;
            let line = if telling { first_line(&response).await } else { None };
            Err(FetchError { kind, host, first_line: line })
        }
    }
}

async fn send(ask: &Ask<'_>, abort: &AbortController) -> Result<Response, FetchErrorKind> {
    let mut request = Request::get(ask.url)
        .cache(RequestCache::NoStore)
        .credentials(RequestCredentials::Omit)
        .referrer_policy(ReferrerPolicy::NoReferrer)
        .abort_signal(Some(&abort.signal()));
    if let Some(range) = &ask.range {
        request = request.header("Range", &format!("bytes={}-{}", range.start, range.end - 1));
    }
    let stalled = gloo::timers::callback::Timeout::new(ask.pace.window_ms, {
        let abort = abort.clone();
        move || abort.abort()
    });
    let violations = Violations::listen();
    let begun = Date::now();
    let response = request.send().await;
    drop(stalled);
    if let Ok(response) = response {
        return Ok(response);
    }
    let waited = Date::now() - begun;
    if abort.signal().aborted() {
        return Err(FetchErrorKind::Stalled { seconds: (waited / 1000.0).round() });
    }
    if violations.tell_of(ask.url).await {
        return Err(FetchErrorKind::Blocked);
    }
    Err(why_unreachable(ask.url).await)
}

/// Checks the answer's headers. Returns whether it is the whole file, and its version.
fn check_answer(
    ask: &Ask,
    response: &Response,
    host: Option<&str>,
) -> Result<(bool, Option<Version>), FetchErrorKind> {
    let header = |name| response.headers().get(name).unwrap_or_default();
    let url = response.url();
    if let Some(host) = origin(&url)
        && origin(ask.url).is_some_and(|own| own != host)
        && !(ask.allows)(&url)
    {
        return Err(FetchErrorKind::Foreign { host: host.to_owned() });
    }
    let status = response.status();
    let page = header("content-type").starts_with("text/html");
    let encoding = header("content-encoding");
    let encoded = !(encoding.is_empty() || encoding == "identity");
    let whole = match status {
        200 | 206 if page => return Err(FetchErrorKind::Page),
        206 if encoded => return Err(FetchErrorKind::Encoded { encoding }),
        200 => ask.range.is_some(),
        206 if ask.range.is_some() => false,
        429 | 503 => {
            let retry_after = retry_after(&header("retry-after"));
            return Err(FetchErrorKind::Busy { status, retry_after });
        }
        _ => return Err(FetchErrorKind::Status(status)),
    };
    let told = match status {
        206 => range_told(ask, header("content-range"))?,
        // The content length of a compressed answer is not the file's size.
        _ if !encoded => header("content-length").parse().ok(),
        _ => None,
    };
    if let (Some(told), Some(known)) = (told, ask.bytes)
        && told != known
    {
        let detail = format!("it has {told} bytes instead of {known}");
        return Err(FetchErrorKind::Size { detail });
    }
    let etag = Some(header("etag")).filter(|etag| !etag.is_empty());
    let version = etag.zip(host).map(|(etag, host)| Version { host: host.to_owned(), etag });
    // Etags of different hosts cannot be compared.
    if let (Some(now), Some(before)) = (&version, ask.version)
        && now.host == before.host
        && !same_etag(&now.etag, &before.etag)
    {
        return Err(FetchErrorKind::Changed);
    }
    Ok((whole, version))
}

/// The file's size, from the `Content-Range` of a partial answer.
fn range_told(ask: &Ask, told: String) -> Result<Option<u64>, FetchErrorKind> {
    // Another site's header may be hidden; then the checksums are enough.
    if told.is_empty() {
        return Ok(None);
    }
    match content_range(&told) {
        Some((first, bytes)) if Some(first) == ask.range.as_ref().map(|r| r.start) => Ok(bytes),
        _ => Err(FetchErrorKind::WrongRange { told }),
    }
}

/// `Retry-After` in seconds, from a number or a date, limited to [`RETRY_AFTER_MAX`].
fn retry_after(header: &str) -> Option<f64> {
    let seconds = retry_seconds(header).or_else(|| {
        let date = Date::parse(header);
        (!date.is_nan()).then(|| (date - Date::now()) / 1000.0)
    });
    seconds.map(|seconds| seconds.clamp(0.0, RETRY_AFTER_MAX))
}

/// The host of a URL, with its port.
fn host_of(address: &str) -> Option<String> {
    let origin = origin(address)?;
    origin.split_once("://").map(|(_, host)| host.to_owned())
}
