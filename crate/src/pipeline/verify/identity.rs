//! Decides whether a checkpoint is Stable Diffusion v1.4, from its contents and not from its name.
//!
//! The configs must be v1.4's, and so must the UNet's first convolution: v1.1 to v1.5 and all
//! models fine-tuned from them have the same shapes, but other values there. The published digest
//! is of the f32 values; for a checkpoint in f16 or a quantised type it cannot be used, and the
//! pictures are compared instead.

use crate::error::{Error, Result};
use crate::models::clip::TextConfig;
use crate::models::sd_v1_4;
use crate::models::unet::UnetConfig;
use crate::models::vae::VaeConfig;
use crate::pipeline::checkpoint::Files;
use crate::weights::{Source, sha256};

/// SHA-256 of `conv_in.weight` `[320, 4, 3, 3]` as little-endian f32, row-major, of
/// CompVis/stable-diffusion-v1-4: the file `unet/conv_in.weight` of its export to ONNX.
const CONV_IN: &str = "7bf03b261c92b2ed03e7f7d426e8c852468dcfdc98b350259ca56a4edf173980";

/// Whether a checkpoint is v1.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Identity {
    /// It is v1.4, by the digest.
    V1_4,
    /// It has v1.4's topology, but other or rounded values.
    Likely,
    /// Another model.
    Other,
}

impl Identity {
    /// Reads the configs and the first convolution, and decides.
    ///
    /// # Errors
    /// Those of the source.
    pub(super) async fn of(files: &Files, source: &dyn Source) -> Result<Identity> {
        if !has_topology(files) {
            return Ok(Identity::Other);
        }
        if files.is_changed() {
            return Ok(Identity::Likely);
        }
        let digest = match files.load_unet_tensor(source, "conv_in.weight").await {
            Ok(values) => digest(&values),
            Err(Error::MissingTensor { .. }) => return Ok(Identity::Likely),
            Err(error) => return Err(error),
        };
        Ok(if digest == CONV_IN { Identity::V1_4 } else { Identity::Likely })
    }
}

fn has_topology(files: &Files) -> bool {
    let text_encoder = TextConfig::parse("", sd_v1_4::TEXT_ENCODER);
    let unet = UnetConfig::parse("", sd_v1_4::UNET);
    let vae = VaeConfig::parse("", sd_v1_4::VAE);
    text_encoder.as_ref() == Ok(&files.text_encoder)
        && unet.as_ref() == Ok(&files.unet)
        && vae.as_ref() == Ok(&files.vae)
}

/// SHA-256, in hexadecimal.
fn digest(values: &[f32]) -> String {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    sha256(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `hashlib.sha256(numpy.arange(3, dtype="<f4").tobytes()).hexdigest()`
    #[test]
    fn the_digest_is_of_little_endian_floats() {
        let known = "75664b4da1c08de9e8fad52303cc458b3e420edde6591e58761e138cc5e3f163";
        assert_eq!(digest(&[0.0, 1.0, 2.0]), known);
        assert_eq!(CONV_IN.len(), known.len());
    }
}
