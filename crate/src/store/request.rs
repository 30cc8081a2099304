//! One request for a piece of a file, and the judgement of its answer.
//!
//! Ranges are asked for with both ends, the one form that browsers send to other sites without
//! asking them first. The HTTP cache is bypassed: it would keep a second copy of every byte.

use super::body::{Body, SlowestSpeed};
use super::refusal::{Violations, first_line, why_unreachable};
use super::trouble::{Fault, Trouble};
use super::watch::Watch;
use crate::weights::answer::{content_range, retry_seconds, same_etag};
use crate::weights::origin;
use gloo::net::http::{Request, Response};
use js_sys::Date;
use std::ops::Range;
use std::rc::Rc;
use web_sys::{AbortController, ReferrerPolicy, RequestCache, RequestCredentials};

/// No server's wish for patience is heard beyond this: five minutes, as long as the longest
/// window of a known publisher's limit.
const RETRY_AFTER_MAX: f64 = 300.0;

/// What is asked.
pub(super) struct Ask<'a> {
    pub url: &'a str,
    /// Bytes; none for the whole file.
    pub range: Option<Range<u64>>,
    /// The file's size, where it is known; and its version with the host that named it, where
    /// nothing tells more.
    pub bytes: Option<u64>,
    pub version: Option<&'a Version>,
    /// Whether an address may answer, besides the host of `url`.
    pub allows: &'a dyn Fn(&str) -> bool,
    pub pace: SlowestSpeed,
}

/// What a server calls a version of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    pub host: String,
    pub etag: String,
}

/// An answer that may be read.
pub(super) struct Answer {
    pub body: Body,
    /// Whether it is the whole file though a range was asked for.
    pub whole: bool,
    pub version: Option<Version>,
}

/// Asks, and judges the answer by its head.
///
/// # Errors
/// A [`Fault`]: what went wrong, and where.
pub(super) async fn request(ask: &Ask<'_>, watch: &Rc<Watch>) -> Result<Answer, Fault> {
    let abort = AbortController::new().map_err(|_| Trouble::Unreachable)?;
    watch.begin(&abort);
    let answer = ask_and_judge(ask, &abort, watch).await;
    if answer.is_err() {
        abort.abort();
        watch.end(&abort);
    }
    answer
}

async fn ask_and_judge(
    ask: &Ask<'_>,
    abort: &AbortController,
    watch: &Rc<Watch>,
) -> Result<Answer, Fault> {
    let response = send(ask, abort).await;
    watch.check().map_err(|_| Trouble::Stopped)?;
    let response =
        response.map_err(|trouble| Fault { trouble, edge: host_of(ask.url), line: None })?;
    let edge = host_of(&response.url()).or_else(|| host_of(ask.url));
    match judge(ask, &response, edge.as_deref()) {
        Ok((whole, version)) => {
            let stream = response.body().ok_or(Trouble::Broke { got: 0, of: None })?;
            let body = Body::new(&stream, abort.clone(), watch.clone(), ask.pace, edge);
            Ok(Answer { body, whole, version })
        }
        Err(trouble) => {
            let telling = response.status() >= 400;
            let line = if telling { first_line(&response).await } else { None };
            Err(Fault { trouble, edge, line })
        }
    }
}

async fn send(ask: &Ask<'_>, abort: &AbortController) -> Result<Response, Trouble> {
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
        return Err(Trouble::Stalled { seconds: (waited / 1000.0).round() });
    }
    if violations.tell_of(ask.url).await {
        return Err(Trouble::Blocked);
    }
    Err(why_unreachable(ask.url).await)
}

/// Whether it is the whole file; its version.
fn judge(
    ask: &Ask,
    response: &Response,
    edge: Option<&str>,
) -> Result<(bool, Option<Version>), Trouble> {
    let header = |name| response.headers().get(name).unwrap_or_default();
    let url = response.url();
    if let Some(host) = origin(&url)
        && origin(ask.url).is_some_and(|own| own != host)
        && !(ask.allows)(&url)
    {
        return Err(Trouble::Foreign { host: host.to_owned() });
    }
    let status = response.status();
    let page = header("content-type").starts_with("text/html");
    let encoding = header("content-encoding");
    let encoded = !(encoding.is_empty() || encoding == "identity");
    let whole = match status {
        200 | 206 if page => return Err(Trouble::Page),
        206 if encoded => return Err(Trouble::Encoded { encoding }),
        200 => ask.range.is_some(),
        206 if ask.range.is_some() => false,
        429 | 503 => {
            let retry_after = retry_after(&header("retry-after"));
            return Err(Trouble::Busy { status, retry_after });
        }
        _ => return Err(Trouble::Status(status)),
    };
    let told = match status {
        206 => range_told(ask, header("content-range"))?,
        // The length of a compressed answer is not that of the file.
        _ if !encoded => header("content-length").parse().ok(),
        _ => None,
    };
    if let (Some(told), Some(known)) = (told, ask.bytes)
        && told != known
    {
        let detail = format!("it has {told} bytes instead of {known}");
        return Err(Trouble::Size { detail });
    }
    let etag = Some(header("etag")).filter(|etag| !etag.is_empty());
    let version = etag.zip(edge).map(|(etag, host)| Version { host: host.to_owned(), etag });
    // One host's name for a version says nothing of another's.
    if let (Some(now), Some(before)) = (&version, ask.version)
        && now.host == before.host
        && !same_etag(&now.etag, &before.etag)
    {
        return Err(Trouble::Changed);
    }
    Ok((whole, version))
}

/// The file's size, as the head of a range tells it.
fn range_told(ask: &Ask, told: String) -> Result<Option<u64>, Trouble> {
    // Another site's header may be hidden; then the sums must tell.
    if told.is_empty() {
        return Ok(None);
    }
    match content_range(&told) {
        Some((first, bytes)) if Some(first) == ask.range.as_ref().map(|r| r.start) => Ok(bytes),
        _ => Err(Trouble::WrongRange { told }),
    }
}

/// Seconds, or a date; neither for ever.
fn retry_after(header: &str) -> Option<f64> {
    let seconds = retry_seconds(header).or_else(|| {
        let date = Date::parse(header);
        (!date.is_nan()).then(|| (date - Date::now()) / 1000.0)
    });
    seconds.map(|seconds| seconds.clamp(0.0, RETRY_AFTER_MAX))
}

/// The host of an address, with its port.
fn host_of(address: &str) -> Option<String> {
    let origin = origin(address)?;
    origin.split_once("://").map(|(_, host)| host.to_owned())
}
