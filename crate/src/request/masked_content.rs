//! What the masked part of a picture begins with, where a run has a mask.
//!
//! diffusers' inpainting pipelines have only `original`; AUTOMATIC1111's web UI calls the other
//! one "latent noise".

use crate::error::{Error, Result};
use std::str::FromStr;

/// What the part of the start picture that a mask marks begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MaskedContent {
    /// The picture there, as noisy as the first step expects.
    #[default]
    Original,
    /// Noise alone.
    Noise,
}

impl MaskedContent {
    /// All of them.
    pub const ALL: [MaskedContent; 2] = [MaskedContent::Original, MaskedContent::Noise];

    /// The name in requests.
    pub fn name(self) -> &'static str {
        match self {
            MaskedContent::Original => "original",
            MaskedContent::Noise => "noise",
        }
    }
}

impl FromStr for MaskedContent {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let found = MaskedContent::ALL.into_iter().find(|one| one.name() == name);
        found.ok_or_else(|| {
            let reason = format!("must be original or noise, not `{name}`");
            Error::Request { field: "masked content", reason }
        })
    }
}
