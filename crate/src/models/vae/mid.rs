//! The middle of encoder and decoder, at the size of the latents: resnet, attention, resnet.

use super::config::VaeConfig;
use super::resnet::{EPS, resnet};
use crate::error::Result;
use crate::nn::{Bias, GroupNorm, LinearNames, ResnetBlock, Scope, SelfAttention};
use crate::ops::Mask;
use crate::tensor::Tensor;

/// The middle, as wide as the lowest level. diffusers: `UNetMidBlock2D`.
pub(super) struct MidBlock {
    resnets: [ResnetBlock; 2],
    attention: Option<PixelAttention>,
}

impl MidBlock {
    /// # Errors
    /// [`Error::MissingTensor`](crate::Error::MissingTensor),
    /// [`Error::TensorShape`](crate::Error::TensorShape).
    pub(super) fn new(scope: &Scope, config: &VaeConfig) -> Result<MidBlock> {
        let c = *config.block_out_channels.last().expect("a config has levels");
        let resnets = scope.at("resnets");
        let attention = || PixelAttention::new(&scope.at("attentions.0"), config, c);
        Ok(MidBlock {
            resnets: [
                resnet(&resnets.at(0), config, [c, c])?,
                resnet(&resnets.at(1), config, [c, c])?,
            ],
            attention: config.mid_block_add_attention.then(attention).transpose()?,
        })
    }

    /// `x` `[b, h, w, c]`, same shape.
    pub(super) fn forward(&self, x: &Tensor) -> Tensor {
        let mut x = self.resnets[0].forward(x, None);
        if let Some(attention) = &self.attention {
            x = attention.forward(&x);
        }
        self.resnets[1].forward(&x, None)
    }
}

/// Self-attention of all pixels, with one head of all channels: `x + attention(group_norm(x))`.
/// diffusers: `Attention` with its own norm and residual, once `AttentionBlock`.
struct PixelAttention {
    group_norm: GroupNorm,
    attention: SelfAttention,
}

impl PixelAttention {
    fn new(scope: &Scope, config: &VaeConfig, c: usize) -> Result<PixelAttention> {
        let norm = scope.at("group_norm");
        Ok(PixelAttention {
            group_norm: GroupNorm::new(&norm, c, config.norm_num_groups, EPS)?,
            attention: SelfAttention::new(scope, c, 1, &LinearNames::VAE, Bias::All)?,
        })
    }

    /// `x` `[b, h, w, c]`, same shape.
    fn forward(&self, x: &Tensor) -> Tensor {
        let [b, h, w, c] = x.shape().image();
        let tokens = self.group_norm.forward(x).reshape([b, h * w, c]);
        let residual = x.reshape([b, h * w, c]);
        self.attention.forward(&tokens, Mask::None, &residual).reshape([b, h, w, c])
    }
}
