//! Reads the body of an answer, or of a local file, piece by piece, with a timeout for stalled
//! connections.

use super::fetch_error::{FetchError, FetchErrorKind};
use super::progress::DownloadProgress;
use super::watch::Watch;
use crate::weights::{Digest, PIECE_BYTES};
use gloo::timers::callback::Timeout;
use js_sys::{Array, Date, Reflect, Uint8Array};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, ReadableStream, ReadableStreamDefaultReader};

/// The slowest allowed speed: at least `bytes` in every window. Only the time spent waiting for the
/// server counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct SlowestSpeed {
    pub window_ms: u32,
    pub bytes: u32,
}

/// A chunk in the browser's memory, with its checksums, which were computed while it arrived.
pub struct Chunk {
    /// `Uint8Array`s, end to end.
    pub parts: Array,
    pub bytes: u64,
    pub sha256: String,
    pub sum: String,
    /// The host that sent it.
    pub host: Option<String>,
}

/// A stream that is being read. Dropping it aborts the request.
pub(super) struct Body {
    reader: ReadableStreamDefaultReader,
    abort: AbortController,
    watch: Rc<Watch>,
    pace: SlowestSpeed,
    /// The host that sends it.
    host: Option<String>,
    /// In the current window: milliseconds of waiting, and bytes received.
    waited: f64,
    came: u64,
    /// Bytes that have arrived and are not taken yet.
    rest: Uint8Array,
    got: u64,
}

impl Drop for Body {
    fn drop(&mut self) {
        self.abort.abort();
        self.watch.end(&self.abort);
    }
}

impl Body {
    /// The body of a request that `abort` aborts, and which is registered with `watch`.
    pub(super) fn new(
        stream: &ReadableStream,
        abort: AbortController,
        watch: Rc<Watch>,
        pace: SlowestSpeed,
        host: Option<String>,
    ) -> Body {
        let reader = stream.get_reader().unchecked_into();
        let rest = Uint8Array::new_with_length(0);
        Body { reader, abort, watch, pace, host, waited: 0.0, came: 0, rest, got: 0 }
    }

    /// The next chunk: exactly `length` bytes; or, if the length is unknown, all bytes, but at most
    /// `most`.
    ///
    /// # Errors
    /// A [`FetchError`]: what went wrong, and where.
    pub(super) async fn chunk(
        &mut self,
        length: Option<u64>,
        most: u64,
        path: &str,
        pace: &RefCell<DownloadProgress>,
    ) -> Result<Chunk, FetchError> {
        let mut bytes = 0;
        let chunk = self.gather(length, most, path, pace, &mut bytes).await;
        pace.borrow_mut().under_way -= bytes;
        chunk.map_err(|kind| FetchError { kind, host: self.host.clone(), first_line: None })
    }

    async fn gather(
        &mut self,
        length: Option<u64>,
        most: u64,
        path: &str,
        pace: &RefCell<DownloadProgress>,
        bytes: &mut u64,
    ) -> Result<Chunk, FetchErrorKind> {
        let (parts, mut digest) = (Array::new(), Digest::default());
        let mut buffer = vec![0; PIECE_BYTES];
        while length.is_none_or(|length| *bytes < length) {
            if self.rest.length() == 0 && !self.receive().await? {
                if length.is_none() {
                    break;
                }
                return Err(FetchErrorKind::Broke { got: *bytes, of: length });
            }
            let wanted = length.map_or(u64::MAX, |length| length - *bytes);
            let take = u64::from(self.rest.length()).min(wanted) as u32;
            let part = self.rest.subarray(0, take);
            self.rest = self.rest.subarray(take, self.rest.length());
            sum(&part, &mut buffer, &mut digest);
            parts.push(&part);
            *bytes += u64::from(take);
            pace.borrow_mut().arrived(path, u64::from(take), &self.watch);
            if *bytes > most {
                let detail = format!("it has more than {most} bytes");
                return Err(FetchErrorKind::Size { detail });
            }
        }
        let (sha256, sum) = digest.finish();
        Ok(Chunk { parts, bytes: *bytes, sha256, sum, host: self.host.clone() })
    }

    /// Waits for the next piece; false at the end.
    async fn receive(&mut self) -> Result<bool, FetchErrorKind> {
        let stalled = Rc::new(Cell::new(false));
        let (flag, abort) = (stalled.clone(), self.abort.clone());
        let clock = Timeout::new(self.pace.window_ms, move || {
            flag.set(true);
            abort.abort();
        });
        let begun = Date::now();
        let read = JsFuture::from(self.reader.read()).await;
        drop(clock);
        self.waited += Date::now() - begun;
        self.watch.check().map_err(|_| FetchErrorKind::Stopped)?;
        let Ok(result) = read else {
            return Err(match stalled.get() {
                true => {
                    FetchErrorKind::Stalled { seconds: f64::from(self.pace.window_ms) / 1000.0 }
                }
                false => FetchErrorKind::Broke { got: self.got, of: None },
            });
        };
        let field = |name| Reflect::get(&result, &JsValue::from_str(name)).unwrap_or_default();
        if field("done").is_truthy() {
            return Ok(false);
        }
        self.rest = field("value").unchecked_into();
        self.got += u64::from(self.rest.length());
        self.came += u64::from(self.rest.length());
        self.keep_pace()?;
        Ok(true)
    }

    /// Fails if the connection is too slow: the timeout for silence starts again with every byte,
    /// so it does not notice this.
    fn keep_pace(&mut self) -> Result<(), FetchErrorKind> {
        if self.waited < f64::from(self.pace.window_ms) {
            return Ok(());
        }
        if self.came < u64::from(self.pace.bytes) {
            let seconds = (self.waited / 100.0).round() / 10.0;
            return Err(FetchErrorKind::Slow { bytes: self.came, seconds });
        }
        (self.waited, self.came) = (0.0, 0);
        Ok(())
    }
}

/// Adds JavaScript's bytes to the checksums, through a small buffer.
pub(super) fn sum(part: &Uint8Array, buffer: &mut [u8], digest: &mut Digest) {
    pieces(part, buffer, |piece| digest.update(piece));
}

/// Passes JavaScript's bytes to `take`, a buffer at a time.
pub(super) fn pieces(part: &Uint8Array, buffer: &mut [u8], mut take: impl FnMut(&[u8])) {
    let mut start = 0;
    while start < part.length() {
        let end = part.length().min(start + buffer.len() as u32);
        let piece = &mut buffer[..(end - start) as usize];
        part.subarray(start, end).copy_to(piece);
        take(piece);
        start = end;
    }
}
