//! What a request may leave out to be faster. None of it gives the picture of the whole run, so
//! each is off until someone asks for it, and a picture tells which it was made with.
//!
//! ```text
//! guidance_interval     the negative prompt is evaluated on this part of the way only
//! cache_interval        most of the UNet is evaluated every so many times only
//! token_merging_ratio   self-attention is of fewer tokens where there are most
//! ```
//!
//! What they do is told in [`Kind`](crate::diffusion::Kind).

use crate::diffusion::{Plan, Schedule};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The fields of a [`Request`](super::Request) that make it faster and its picture another. Those
/// that are off are not written, so that older versions can read the rest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Shortcuts {
    /// Where the run is guided, from start to end, in parts of the way from noise alone (0) to the
    /// picture (1). Elsewhere the prompt is followed without guidance, at half the work.
    #[serde(skip_serializing_if = "is_whole")]
    pub guidance_interval: [f64; 2],
    /// Every so many evaluations the UNet is evaluated whole; the others take what its deep layers
    /// made from the last of those. 1 is always.
    #[serde(skip_serializing_if = "is_one")]
    pub cache_interval: u32,
    /// The share of the tokens of the highest resolution that is merged into others for their
    /// self-attention, to three digits; 0 is none. Only on the graphics adapter.
    #[serde(skip_serializing_if = "is_zero")]
    pub token_merging_ratio: f64,
}

const WHOLE: [f64; 2] = [0.0, 1.0];

/// Of each 2 × 2 tokens one is left.
const MERGING_MAX: f64 = 0.75;

/// More evaluations than this no run has, and nobody wants a picture of one whole one.
const CACHE_INTERVAL_MAX: u32 = 100;

const INTERVAL_REASON: &str =
    "must be two numbers from 0 to 1, where guidance starts and ends, as in [0.2, 0.8]";
const CACHE_REASON: &str = "must be a whole number from 1 (off) to 100";
const MERGING_REASON: &str = "must be a number from 0 (off) to 0.75";

fn is_whole(interval: &[f64; 2]) -> bool {
    *interval == WHOLE
}

fn is_zero(ratio: &f64) -> bool {
    *ratio == 0.0
}

fn is_one(interval: &u32) -> bool {
    *interval == 1
}

impl Default for Shortcuts {
    /// None: the exact picture.
    fn default() -> Self {
        Shortcuts { guidance_interval: WHOLE, cache_interval: 1, token_merging_ratio: 0.0 }
    }
}

impl Shortcuts {
    /// Whether anything is left out.
    pub fn any(&self) -> bool {
        *self != Shortcuts::default()
    }

    /// Reads a field of a request's JSON; false for a name that is none of these.
    ///
    /// # Errors
    /// [`Error::Request`] for a value that does not fit.
    pub(super) fn read(&mut self, name: &str, value: &Value) -> Result<bool> {
        match name {
            "guidance_interval" => {
                self.guidance_interval = field("guidance interval", INTERVAL_REASON, value)?;
            }
            "cache_interval" => {
                self.cache_interval = field("cache interval", CACHE_REASON, value)?;
            }
            "token_merging_ratio" => {
                self.token_merging_ratio = field("token merging ratio", MERGING_REASON, value)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Checks every field; the first wrong one is the error.
    ///
    /// # Errors
    /// [`Error::Request`] with the name of the field.
    pub(super) fn validate(&self) -> Result<()> {
        let [start, end] = self.guidance_interval;
        if !(0.0..=1.0).contains(&start) || !(0.0..=1.0).contains(&end) {
            let reason = format!("{INTERVAL_REASON}, not [{start}, {end}]");
            return refuse("guidance interval", reason);
        }
        if start >= end {
            let reason = format!("must start before it ends, unlike [{start}, {end}]");
            return refuse("guidance interval", reason);
        }
        if !(1..=CACHE_INTERVAL_MAX).contains(&self.cache_interval) {
            let reason = format!("{CACHE_REASON}, not {}", self.cache_interval);
            return refuse("cache interval", reason);
        }
        let ratio = self.token_merging_ratio;
        if !(0.0..=MERGING_MAX).contains(&ratio) {
            return refuse("token merging ratio", format!("{MERGING_REASON}, not {ratio}"));
        }
        Ok(())
    }

    /// The plan with what is left out of it.
    pub fn apply(&self, plan: Plan, schedule: &Schedule) -> Plan {
        let guided = plan.guided_within(self.guidance_interval, schedule.trained());
        let merged = (1000.0 * self.token_merging_ratio).round() as u32;
        guided.cached(self.cache_interval as usize).merging(merged)
    }

    /// Those that are on, by name, as a picture tells them.
    pub fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut fields = Vec::new();
        let [start, end] = self.guidance_interval;
        if !is_whole(&self.guidance_interval) {
            fields.push(("Guidance interval", format!("{start}-{end}")));
        }
        if self.cache_interval != 1 {
            fields.push(("Cache interval", self.cache_interval.to_string()));
        }
        if self.token_merging_ratio != 0.0 {
            fields.push(("Token merging ratio", self.token_merging_ratio.to_string()));
        }
        fields
    }
}

fn refuse(field: &'static str, reason: String) -> Result<()> {
    Err(Error::Request { field, reason })
}

fn field<T: serde::de::DeserializeOwned>(
    field: &'static str,
    reason: &str,
    value: &Value,
) -> Result<T> {
    T::deserialize(value).map_err(|_| Error::Request { field, reason: reason.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Request;

    #[test]
    fn they_travel_with_the_request_when_they_are_on() {
        let exact = serde_json::to_string(&Request::default()).unwrap();
        assert!(!exact.contains("interval") && !exact.contains("merging"), "{exact}");
        let json = r#"{"guidance_interval": [0.1, 0.75], "cache_interval": 3,
            "token_merging_ratio": 0.5}"#;
        let request = Request::from_json(json).unwrap();
        let Shortcuts { guidance_interval, cache_interval, token_merging_ratio } =
            request.shortcuts;
        assert_eq!((guidance_interval, cache_interval), ([0.1, 0.75], 3));
        assert_eq!(token_merging_ratio, 0.5);
        assert!(request.shortcuts.any() && !Request::default().shortcuts.any());
        let written = serde_json::to_string(&request).unwrap();
        assert_eq!(Request::from_json(&written), Ok(request.clone()));
        assert_eq!(serde_json::from_str::<Request>(&written).unwrap(), request);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let wrong = |json: &str| {
            let read = Request::from_json(json).and_then(|request| request.shortcuts.validate());
            match read {
                Err(Error::Request { field, .. }) => field,
                other => panic!("{json}: {other:?}"),
            }
        };
        for value in ["[0, 1, 0]", "0.5", "[0.5]", "[-0.1, 1]", "[0, 1.5]", "[0.5, 0.5]", "null"] {
            assert_eq!(wrong(&format!(r#"{{"guidance_interval": {value}}}"#)), "guidance interval");
        }
        for value in ["0", "101", "-1", "1.5", "\"2\""] {
            assert_eq!(wrong(&format!(r#"{{"cache_interval": {value}}}"#)), "cache interval");
        }
        for value in ["-0.1", "0.8", "true"] {
            let json = format!(r#"{{"token_merging_ratio": {value}}}"#);
            assert_eq!(wrong(&json), "token merging ratio");
        }
    }
}
