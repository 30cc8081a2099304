//! The download of one file: a stream, and its position.

use crate::error::{Error, Result};
use gloo::net::http::{Request, Response};
use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, ReadableStreamDefaultReader};

/// A running download. Dropping it aborts the request.
pub(super) struct Download {
    path: String,
    /// `None` for an empty file.
    reader: Option<ReadableStreamDefaultReader>,
    /// Bytes that have arrived and are not taken yet.
    chunk: Uint8Array,
    /// The position in the file of the next byte.
    position: u64,
    abort: AbortController,
}

impl Drop for Download {
    fn drop(&mut self) {
        self.abort.abort();
    }
}

impl Download {
    /// Requests the file at `address` from `start` to its end; `path` is its name in messages. Also
    /// returns the file's size, if the answer has it. A server that ignores ranges answers from the
    /// beginning: see [`Download::position`].
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::Source`] for any other answer.
    pub(super) async fn open(
        address: &str,
        path: &str,
        start: u64,
    ) -> Result<(Download, Option<u64>)> {
        let abort =
            AbortController::new().map_err(|e| fault(path, format!("no request: {}", text(&e))))?;
        let response = Request::get(address)
            .header("Range", &format!("bytes={start}-"))
            .abort_signal(Some(&abort.signal()))
            .send()
            .await
            .map_err(|error| fault(path, format!("the server could not be reached: {error}")))?;
        let (position, size) = check_answer(path, &response, start)?;
        let reader = match (response.status(), response.body()) {
            (416, _) | (_, None) => None,
            (_, Some(body)) => Some(body.get_reader().unchecked_into()),
        };
        let chunk = Uint8Array::new_with_length(0);
        Ok((Download { path: path.to_owned(), reader, chunk, position, abort }, size))
    }

    /// The position in the file of the next byte.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Whether the stream is of `path`, and byte `start` is at most `skip_max` bytes ahead.
    pub(super) fn reaches(&self, path: &str, start: u64, skip_max: u64) -> bool {
        self.path == path && start.checked_sub(self.position).is_some_and(|gap| gap <= skip_max)
    }

    /// Takes exactly `count` bytes and appends them to `sink`, or drops them.
    ///
    /// # Errors
    /// [`Error::Source`] where the connection ends too early.
    pub(super) async fn take(&mut self, count: u64, mut sink: Option<&mut Vec<u8>>) -> Result<()> {
        let mut left = count;
        while left > 0 {
            if self.chunk.length() == 0 && !self.receive().await? {
                let reason = format!("it ended after {} bytes, too early", self.position);
                return Err(fault(&self.path, reason));
            }
            let length = left.min(u64::from(self.chunk.length())) as u32;
            if let Some(sink) = &mut sink {
                let start = sink.len();
                sink.resize(start + length as usize, 0);
                self.chunk.subarray(0, length).copy_to(&mut sink[start..]);
            }
            self.chunk = self.chunk.subarray(length, self.chunk.length());
            self.position += u64::from(length);
            left -= u64::from(length);
        }
        Ok(())
    }

    /// Reads to the end, and returns the file's size.
    ///
    /// # Errors
    /// [`Error::Source`] where the connection is lost.
    pub(super) async fn count(&mut self) -> Result<u64> {
        loop {
            self.position += u64::from(self.chunk.length());
            self.chunk = Uint8Array::new_with_length(0);
            if !self.receive().await? {
                return Ok(self.position);
            }
        }
    }

    /// Waits for the next chunk; false at the end.
    async fn receive(&mut self) -> Result<bool> {
        let Some(reader) = &self.reader else { return Ok(false) };
        let result = JsFuture::from(reader.read()).await.map_err(|error| {
            let reason =
                format!("the connection broke after {} bytes: {}", self.position, text(&error));
            fault(&self.path, reason)
        })?;
        let field = |name| Reflect::get(&result, &JsValue::from_str(name)).unwrap_or_default();
        if field("done").is_truthy() {
            return Ok(false);
        }
        self.chunk = field("value").unchecked_into();
        Ok(true)
    }
}

/// Checks an answer. Returns the position of its first byte, and the file's size, if the answer has
/// it.
fn check_answer(path: &str, response: &Response, start: u64) -> Result<(u64, Option<u64>)> {
    let header = |name| response.headers().get(name).unwrap_or_default();
    let missing = |reason: String| Error::NotFound { path: path.to_owned(), reason };
    let status = response.status();
    let size = match status {
        200 | 206 if header("content-type").starts_with("text/html") => {
            let reason = "the server answers with a web page in its place".to_owned();
            return Err(missing(format!("{reason}, {}", response.url())));
        }
        // The content length of a compressed answer is not the file's size.
        200 if header("content-encoding").is_empty() => header("content-length").parse().ok(),
        200 => None,
        206 => {
            let told = header("content-range");
            let range = content_range(&told).filter(|(first, _)| *first == start);
            return range.ok_or_else(|| fault(path, wrong_range(&told, start)));
        }
        416 if start == 0 => Some(0),
        404 | 410 => {
            return Err(missing(format!("the server answers {status} at {}", response.url())));
        }
        _ => return Err(fault(path, format!("the server answers {status}"))),
    };
    Ok((0, size))
}

/// The error's text for an answer whose Content-Range does not begin at `start`, or is not visible.
fn wrong_range(told: &str, start: u64) -> String {
    if told.is_empty() {
        return "the server does not say which bytes it sends: its answer has no Content-Range, or \
                does not show it to pages of other sites (Access-Control-Expose-Headers)"
            .into();
    }
    format!("the server sent other bytes ({told}) than those from byte {start}")
}

/// First byte and size of `bytes 0-99/1000`; the size may be `*`.
fn content_range(header: &str) -> Option<(u64, Option<u64>)> {
    let (range, size) = header.strip_prefix("bytes ")?.split_once('/')?;
    let (first, _) = range.split_once('-')?;
    Some((first.trim().parse().ok()?, size.trim().parse().ok()))
}

/// The text of a JavaScript error.
fn text(error: &JsValue) -> String {
    match error.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => format!("{error:?}"),
    }
}

/// The error of reading `path`.
pub(super) fn fault(path: &str, reason: String) -> Error {
    Error::Source { path: path.to_owned(), reason }
}
