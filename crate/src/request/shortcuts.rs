//! Shortcuts: what a request may leave out to be faster. Each of them changes the picture, so all
//! are off by default, and a picture's file says which it was made with.
//!
//! ```text
//! guidance_interval     the negative prompt is evaluated only in this part of the run
//! cache_interval        most of the UNet is evaluated only once in so many evaluations
//! token_merging_ratio   self-attention at the highest resolution has fewer tokens
//! ```
//!
//! [`EvaluationKind`](crate::diffusion::EvaluationKind) says what they do.

use super::field::{Field, FieldInfo, FieldType, of_type};
use super::value::{Entry, FieldValue, Given};
use crate::diffusion::{Plan, Schedule};
use serde::{Deserialize, Serialize};

const WHOLE: [f64; 2] = [0.0, 1.0];

/// At most 3 of each 2 × 2 tokens are merged, so that one is left.
const MERGING_MAX: f64 = 0.75;

/// The largest cache interval: with a larger one, nearly no evaluation would compute the whole
/// UNet.
const CACHE_INTERVAL_MAX: u32 = 100;

fn is_whole(interval: &[f64; 2]) -> bool {
    *interval == WHOLE
}

fn is_zero(ratio: &f64) -> bool {
    *ratio == 0.0
}

fn is_one(interval: &u32) -> bool {
    *interval == 1
}

/// The description of a shortcut of this type.
const fn shortcut(kind: FieldType) -> FieldInfo {
    of_type(kind).faster()
}

// The numbers are the fields' places in the infotext.
request_fields! {
    /// The fields of a [`Request`](super::Request) that make it faster, and change its picture.
    /// Those that are off are not written, so that older versions can read the rest.
    #[derive(Copy)]
    pub struct Shortcuts {
        /// The part of the run that is guided, from noise alone (0) to the image (1). Elsewhere the
        /// prompt is followed without guidance, at half the work.
        #[serde(skip_serializing_if = "is_whole")]
        guidance_interval: [f64; 2] = WHOLE,
            shortcut(FieldType::Interval).infotext_if_changed(15, "Guidance interval");
        /// Every so many evaluations the UNet is evaluated whole; the others take what its deep
        /// layers made from the last of those. 1 is always.
        #[serde(skip_serializing_if = "is_one")]
        cache_interval: u32 = 1,
            shortcut(FieldType::Whole(1, CACHE_INTERVAL_MAX))
                .unit("evaluations").infotext_if_changed(16, "Cache interval");
        /// The share of the tokens of the highest resolution that is merged into others for their
        /// self-attention, to three digits; 0 is none. Only on the graphics adapter.
        #[serde(skip_serializing_if = "is_zero")]
        token_merging_ratio: f64 = 0.0,
            shortcut(FieldType::Number(0.0, MERGING_MAX))
                .infotext_if_changed(17, "Token merging ratio");
    }
}

impl Shortcuts {
    /// The table of these fields, in their order.
    pub const FIELDS: &[Field] = Self::OWN;

    /// Whether any shortcut is on.
    pub fn any(&self) -> bool {
        *self != Shortcuts::default()
    }

    /// The plan with these shortcuts.
    pub fn apply(&self, plan: Plan, schedule: &Schedule) -> Plan {
        let guided = plan.guided_within(self.guidance_interval, schedule.num_train_timesteps());
        let merged_per_mille = (1000.0 * self.token_merging_ratio).round() as u32;
        guided.cached(self.cache_interval as usize).merging(merged_per_mille)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::request::{Allowed, Request};

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
            let allowed = Allowed {
                factor: 8,
                size: [512, 512],
                samplers: &["ddim"],
                text_layers: 12,
                embeds_guidance: false,
            };
            let read = Request::from_json(json).and_then(|request| request.validate(&allowed));
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
