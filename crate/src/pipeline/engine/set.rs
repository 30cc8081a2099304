//! A set of the parts of a model.

use serde::Serialize;

/// Some of the parts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Set {
    pub text_encoder: bool,
    pub unet: bool,
    pub vae: bool,
}

impl Set {
    /// Those of either.
    pub(in crate::pipeline) fn or(self, other: Set) -> Set {
        Set {
            text_encoder: self.text_encoder || other.text_encoder,
            unet: self.unet || other.unet,
            vae: self.vae || other.vae,
        }
    }

    /// In the order of [`PART_NAMES`](crate::pipeline::checkpoint::PART_NAMES).
    pub(super) fn each(self) -> [bool; 3] {
        [self.text_encoder, self.unet, self.vae]
    }
}
