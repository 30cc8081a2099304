//! The resnet of the VAE's encoder, decoder and middle.

use super::config::VaeConfig;
use crate::error::Result;
use crate::nn::{ResnetBlock, Scope};

/// ε of every group norm of the VAE, a constant in diffusers' code.
pub(super) const EPS: f32 = 1e-6;

/// A resnet of the VAE, without time embedding.
///
/// # Errors
/// [`Error::MissingTensor`](crate::Error::MissingTensor),
/// [`Error::TensorShape`](crate::Error::TensorShape).
pub(super) fn resnet(
    scope: &Scope,
    config: &VaeConfig,
    channels: [usize; 2],
) -> Result<ResnetBlock> {
    ResnetBlock::new(scope, channels, None, config.norm_num_groups, EPS)
}
