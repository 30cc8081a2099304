//! One request for a piece of a file, and the judgement of its answer.
//!
//! Ranges are asked for with both ends, the one form that browsers send to other sites without
//! asking them first. The HTTP cache is bypassed: it would keep a second copy of every byte.

use super::body::Body;
use super::trouble::Trouble;
use super::watch::Watch;
use crate::weights::origin;
use gloo::net::http::{Request, Response};
use js_sys::{Date, Reflect};
use std::ops::Range;
use std::rc::Rc;
use web_sys::{AbortController, ReferrerPolicy, RequestCache, RequestCredentials, RequestMode};

/// What is asked.
pub struct Ask<'a> {
    pub url: &'a str,
    /// Bytes; none for the whole file.
    pub range: Option<Range<u64>>,
    /// The file's size and version, where they are known.
    pub bytes: Option<u64>,
    pub etag: Option<&'a str>,
    /// Origins that may answer, besides that of `url`.
    pub hosts: &'a [String],
    pub stall_ms: u32,
}

/// An answer that may be read.
pub struct Answer {
    pub body: Body,
    /// Whether it is the whole file though a range was asked for.
    pub whole: bool,
    pub etag: Option<String>,
}

/// Asks, and judges the answer by its head.
pub async fn request(ask: &Ask<'_>, watch: &Rc<Watch>) -> Result<Answer, Trouble> {
    let abort = AbortController::new().map_err(|_| Trouble::Unreachable)?;
    watch.begin(&abort);
    let response = send(ask, &abort).await;
    let stopped = watch.check().map_err(|_| Trouble::Stopped);
    let judged = stopped.and(response).and_then(|response| {
        let (whole, etag) = judge(ask, &response)?;
        let stream = response.body().ok_or(Trouble::Broke { got: 0, of: None })?;
        Ok((stream, whole, etag))
    });
    match judged {
        Ok((stream, whole, etag)) => {
            let body = Body::new(&stream, abort, watch.clone(), ask.stall_ms);
            Ok(Answer { body, whole, etag })
        }
        Err(trouble) => {
            abort.abort();
            watch.end(&abort);
            Err(trouble)
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
    let stalled = gloo::timers::callback::Timeout::new(ask.stall_ms, {
        let abort = abort.clone();
        move || abort.abort()
    });
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
    Err(why_unreachable(ask.url).await)
}

/// A browser hides why there was no answer; this much it can be asked.
async fn why_unreachable(url: &str) -> Trouble {
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into()).unwrap_or_default();
    let online = Reflect::get(&navigator, &"onLine".into()).unwrap_or_default();
    if online.is_falsy() {
        return Trouble::Offline;
    }
    // An answer that may not be read shows that there is a server.
    let probe = Request::get(url)
        .mode(RequestMode::NoCors)
        .cache(RequestCache::NoStore)
        .credentials(RequestCredentials::Omit)
        .referrer_policy(ReferrerPolicy::NoReferrer)
        .method(gloo::net::http::Method::HEAD);
    match probe.send().await {
        Ok(response) if response.status() == 0 => Trouble::Cors,
        _ => Trouble::Unreachable,
    }
}

/// Whether it is the whole file; its version.
fn judge(ask: &Ask, response: &Response) -> Result<(bool, Option<String>), Trouble> {
    let header = |name| response.headers().get(name).unwrap_or_default();
    let host = origin(&response.url()).map(str::to_owned);
    let allowed = |host: &str| {
        origin(ask.url).is_none_or(|own| own == host) || ask.hosts.iter().any(|h| h == host)
    };
    if let Some(host) = host.filter(|host| !allowed(host)) {
        return Err(Trouble::Foreign { host });
    }
    let status = response.status();
    let page = header("content-type").starts_with("text/html");
    let whole = match status {
        200 | 206 if page => return Err(Trouble::Page),
        200 => ask.range.is_some(),
        206 if ask.range.is_some() => false,
        416 => return Err(Trouble::Changed { detail: "it is shorter now".into() }),
        429 | 503 => {
            let retry_after = retry_after(&header("retry-after"));
            return Err(Trouble::Busy { status, retry_after });
        }
        _ => return Err(Trouble::Status(status)),
    };
    let told = match status {
        206 => {
            let told = header("content-range");
            // Another site's header may be hidden; then the sums must tell.
            match content_range(&told) {
                None if told.is_empty() => None,
                Some((first, bytes)) if Some(first) == ask.range.as_ref().map(|r| r.start) => bytes,
                _ => return Err(Trouble::Changed { detail: format!("it sent {told}") }),
            }
        }
        // The length of a compressed answer is not that of the file.
        _ if header("content-encoding").is_empty() => header("content-length").parse().ok(),
        _ => None,
    };
    if let (Some(told), Some(known)) = (told, ask.bytes)
        && told != known
    {
        let detail = format!("it has {told} bytes instead of {known}");
        return Err(Trouble::Changed { detail });
    }
    let etag = Some(header("etag")).filter(|etag| !etag.is_empty());
    if let (Some(now), Some(before)) = (etag.as_deref(), ask.etag)
        && now != before
    {
        return Err(Trouble::Changed { detail: "the server calls it another version".into() });
    }
    Ok((whole, etag))
}

/// First byte and size of `bytes 0-99/1000`; the size may be `*`.
fn content_range(header: &str) -> Option<(u64, Option<u64>)> {
    let (range, size) = header.strip_prefix("bytes ")?.split_once('/')?;
    let (first, _) = range.split_once('-')?;
    Some((first.trim().parse().ok()?, size.trim().parse().ok()))
}

/// Seconds, or a date.
fn retry_after(header: &str) -> Option<f64> {
    let seconds = header.parse().ok().or_else(|| {
        let date = Date::parse(header);
        (!date.is_nan()).then(|| (date - Date::now()) / 1000.0)
    });
    seconds.map(|seconds: f64| seconds.max(0.0))
}
