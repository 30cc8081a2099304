//! Bytes on their way: the body of an answer, or of a local file, piece by piece, with a clock
//! that ends what has stalled.

use super::progress::DownloadProgress;
use super::trouble::{Fault, Trouble};
use super::watch::Watch;
use crate::weights::{Digest, PIECE_BYTES};
use gloo::timers::callback::Timeout;
use js_sys::{Array, Date, Reflect, Uint8Array};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, ReadableStream, ReadableStreamDefaultReader};

/// How slow a server may be: at least `bytes` in every window, of which only the time counts that
/// was spent waiting for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct SlowestSpeed {
    pub window_ms: u32,
    pub bytes: u32,
}

/// A chunk in the browser's memory, summed while it came.
pub struct Chunk {
    /// `Uint8Array`s, end to end.
    pub parts: Array,
    pub bytes: u64,
    pub sha256: String,
    pub sum: String,
    /// The host that it came from.
    pub edge: Option<String>,
}

/// A stream that is being read. Dropping it ends the transfer.
pub(super) struct Body {
    reader: ReadableStreamDefaultReader,
    abort: AbortController,
    watch: Rc<Watch>,
    pace: SlowestSpeed,
    /// The host that sends it.
    edge: Option<String>,
    /// Of the present window: milliseconds of waiting, and bytes.
    waited: f64,
    came: u64,
    /// What has arrived and is not yet taken.
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
    /// Of a request that `abort` ends, and which `watch` knows.
    pub(super) fn new(
        stream: &ReadableStream,
        abort: AbortController,
        watch: Rc<Watch>,
        pace: SlowestSpeed,
        edge: Option<String>,
    ) -> Body {
        let reader = stream.get_reader().unchecked_into();
        let rest = Uint8Array::new_with_length(0);
        Body { reader, abort, watch, pace, edge, waited: 0.0, came: 0, rest, got: 0 }
    }

    /// The next chunk: exactly `length` bytes, or all that come where that is unknown, and then at
    /// most `most`.
    ///
    /// # Errors
    /// A [`Fault`]: what went wrong, and where.
    pub(super) async fn chunk(
        &mut self,
        length: Option<u64>,
        most: u64,
        path: &str,
        pace: &RefCell<DownloadProgress>,
    ) -> Result<Chunk, Fault> {
        let mut bytes = 0;
        let chunk = self.gather(length, most, path, pace, &mut bytes).await;
        pace.borrow_mut().under_way -= bytes;
        chunk.map_err(|trouble| Fault { trouble, edge: self.edge.clone(), line: None })
    }

    async fn gather(
        &mut self,
        length: Option<u64>,
        most: u64,
        path: &str,
        pace: &RefCell<DownloadProgress>,
        bytes: &mut u64,
    ) -> Result<Chunk, Trouble> {
        let (parts, mut digest) = (Array::new(), Digest::default());
        let mut buffer = vec![0; PIECE_BYTES];
        while length.is_none_or(|length| *bytes < length) {
            if self.rest.length() == 0 && !self.receive().await? {
                if length.is_none() {
                    break;
                }
                return Err(Trouble::Broke { got: *bytes, of: length });
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
                return Err(Trouble::Size { detail });
            }
        }
        let (sha256, sum) = digest.finish();
        Ok(Chunk { parts, bytes: *bytes, sha256, sum, edge: self.edge.clone() })
    }

    /// Waits for the next piece; false at the end.
    async fn receive(&mut self) -> Result<bool, Trouble> {
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
        self.watch.check().map_err(|_| Trouble::Stopped)?;
        let Ok(result) = read else {
            return Err(match stalled.get() {
                true => Trouble::Stalled { seconds: f64::from(self.pace.window_ms) / 1000.0 },
                false => Trouble::Broke { got: self.got, of: None },
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

    /// Ends what trickles: every byte winds up the clock of silence.
    fn keep_pace(&mut self) -> Result<(), Trouble> {
        if self.waited < f64::from(self.pace.window_ms) {
            return Ok(());
        }
        if self.came < u64::from(self.pace.bytes) {
            let seconds = (self.waited / 100.0).round() / 10.0;
            return Err(Trouble::Slow { bytes: self.came, seconds });
        }
        (self.waited, self.came) = (0.0, 0);
        Ok(())
    }
}

/// Adds bytes of JavaScript's to the sums, through a small buffer.
pub(super) fn sum(part: &Uint8Array, buffer: &mut [u8], digest: &mut Digest) {
    pieces(part, buffer, |piece| digest.update(piece));
}

/// Hands bytes of JavaScript's on, a buffer at a time.
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
