//! How fast it goes, and how long it will take.

use super::watch::{Event, Watch};
use js_sys::Date;

/// Between two events: a screen needs no more.
const EVERY_MS: f64 = 200.0;
/// The speed is that of about the last so many milliseconds.
const MEMORY_MS: f64 = 5000.0;

/// Bytes of a call, as they come.
pub(super) struct DownloadProgress {
    /// Stored and verified.
    pub done: u64,
    pub total: u64,
    /// Arrived, but not yet a whole chunk.
    pub under_way: u64,
    since: u64,
    measured: f64,
    told: f64,
    speed: f64,
}

impl DownloadProgress {
    /// With `done` of `total` there already.
    pub(super) fn new(done: u64, total: u64) -> DownloadProgress {
        let now = Date::now();
        DownloadProgress {
            done,
            total,
            under_way: 0,
            since: 0,
            measured: now,
            told: 0.0,
            speed: 0.0,
        }
    }

    /// These many have come; tells the watch, if it is time.
    pub(super) fn arrived(&mut self, path: &str, bytes: u64, watch: &Watch) {
        self.since += bytes;
        self.under_way += bytes;
        let now = Date::now();
        if now - self.told < EVERY_MS {
            return;
        }
        let elapsed = (now - self.measured).max(1.0);
        let speed = self.since as f64 / elapsed * 1000.0;
        let weight = if self.speed == 0.0 { 1.0 } else { 1.0 - (-elapsed / MEMORY_MS).exp() };
        self.speed += (speed - self.speed) * weight;
        (self.since, self.measured) = (0, now);
        self.tell(path, watch);
    }

    /// Tells the watch at once.
    pub(super) fn tell(&mut self, path: &str, watch: &Watch) {
        self.told = Date::now();
        let bytes_done = (self.done + self.under_way).min(self.total);
        let left = self.total - bytes_done;
        watch.tell(&Event::Fetching {
            path: path.to_owned(),
            bytes_done,
            bytes_total: self.total,
            bytes_per_second: self.speed,
            seconds_left: (self.speed > 0.0).then(|| left as f64 / self.speed),
        });
    }
}
