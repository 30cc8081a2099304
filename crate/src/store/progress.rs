//! The progress of a download: its speed, and the remaining time.

use super::watch::{Event, Watch};
use js_sys::Date;

/// The shortest time between two progress events.
const EVERY_MS: f64 = 200.0;
/// The speed is averaged over about the last so many milliseconds.
const MEMORY_MS: f64 = 5000.0;

/// The progress of a call.
pub(super) struct DownloadProgress {
    /// Bytes that are stored and verified.
    pub done: u64,
    pub total: u64,
    /// Bytes that have arrived in chunks that are not complete yet.
    pub under_way: u64,
    /// Bytes that have arrived since the speed was measured.
    bytes_since_measured: u64,
    /// When the speed was measured last, in milliseconds.
    measured_at_ms: f64,
    /// When the last event was sent, in milliseconds.
    reported_at_ms: f64,
    /// The averaged speed; 0 before the first measurement.
    bytes_per_second: f64,
}

impl DownloadProgress {
    /// Starts with `done` of `total` bytes.
    pub(super) fn new(done: u64, total: u64) -> DownloadProgress {
        let now = Date::now();
        DownloadProgress {
            done,
            total,
            under_way: 0,
            bytes_since_measured: 0,
            measured_at_ms: now,
            reported_at_ms: 0.0,
            bytes_per_second: 0.0,
        }
    }

    /// Counts bytes that have arrived; sends an event, if the last one was long enough ago.
    pub(super) fn arrived(&mut self, path: &str, bytes: u64, watch: &Watch) {
        self.bytes_since_measured += bytes;
        self.under_way += bytes;
        let now = Date::now();
        if now - self.reported_at_ms < EVERY_MS {
            return;
        }
        let elapsed = (now - self.measured_at_ms).max(1.0);
        let speed = self.bytes_since_measured as f64 / elapsed * 1000.0;
        let weight =
            if self.bytes_per_second == 0.0 { 1.0 } else { 1.0 - (-elapsed / MEMORY_MS).exp() };
        self.bytes_per_second += (speed - self.bytes_per_second) * weight;
        (self.bytes_since_measured, self.measured_at_ms) = (0, now);
        self.tell(path, watch);
    }

    /// Sends an event now.
    pub(super) fn tell(&mut self, path: &str, watch: &Watch) {
        self.reported_at_ms = Date::now();
        let bytes_done = (self.done + self.under_way).min(self.total);
        let left = self.total - bytes_done;
        watch.tell(&Event::Fetching {
            path: path.to_owned(),
            bytes_done,
            bytes_total: self.total,
            bytes_per_second: self.bytes_per_second,
            seconds_left: (self.bytes_per_second > 0.0)
                .then(|| left as f64 / self.bytes_per_second),
        });
    }
}
