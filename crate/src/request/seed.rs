//! A request's seed in JSON: a string of digits, since JavaScript's numbers are exact only up to
//! 2⁵³. A number is accepted too.

use serde::{Deserialize, Deserializer, Serializer};

/// As a string of digits.
///
/// # Errors
/// That of the serializer.
pub(super) fn to_string<S: Serializer>(seed: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(seed)
}

/// From a string of digits, or from a number.
///
/// # Errors
/// That of the deserializer for anything but a whole number of 64 bits, or its digits.
pub(super) fn from_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Seed {
        Text(String),
        Number(u64),
    }
    match Seed::deserialize(deserializer)? {
        Seed::Number(seed) => Ok(seed),
        Seed::Text(text) => text.trim().parse().map_err(serde::de::Error::custom),
    }
}
