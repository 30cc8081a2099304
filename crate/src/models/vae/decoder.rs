//! Latents to a picture:
//!
//! ```text
//! x = mid(conv_in(post_quant_conv(z)))
//! each level, from the lowest:  x = resnets(x); then double it
//! picture = conv_out(silu(conv_norm_out(x)))
//! ```

use super::config::VaeConfig;
use super::mid::MidBlock;
use super::{EPS, resnet};
use crate::error::Result;
use crate::nn::{Conv2d, GroupNorm, Linear, ResnetBlock, Scope, Upsample};
use crate::tensor::Tensor;

/// The decoder of a VAE. diffusers: `Decoder`, and `AutoencoderKL`'s `post_quant_conv`.
pub(super) struct Decoder {
    post_quant_conv: Option<Linear>,
    conv_in: Conv2d,
    mid_block: MidBlock,
    up_blocks: Vec<UpBlock>,
    conv_norm_out: GroupNorm,
    conv_out: Conv2d,
}

impl Decoder {
    /// From the root of the checkpoint.
    pub(super) fn new(root: &Scope, config: &VaeConfig) -> Result<Decoder> {
        let scope = root.at("decoder");
        let channels = &config.block_out_channels;
        let (top, lowest) = (channels[0], *channels.last().expect("a config has levels"));
        let z = config.latent_channels;
        let post_quant = || Linear::pointwise(&root.at("post_quant_conv"), z, z);
        let block = |i: usize| UpBlock::new(&scope.at("up_blocks").at(i), config, i);
        let norm_out = scope.at("conv_norm_out");
        Ok(Decoder {
            post_quant_conv: config.use_post_quant_conv.then(post_quant).transpose()?,
            conv_in: Conv2d::new(&scope.at("conv_in"), z, lowest, 3)?,
            mid_block: MidBlock::new(&scope.at("mid_block"), config)?,
            up_blocks: (0..channels.len()).map(block).collect::<Result<_>>()?,
            conv_norm_out: GroupNorm::new(&norm_out, top, config.norm_num_groups, EPS)?,
            conv_out: Conv2d::new(&scope.at("conv_out"), top, VaeConfig::PICTURE, 3)?,
        })
    }

    /// `z` `[b, h, w, latent_channels]` → `[b, factor·h, factor·w, 4]`, the fourth channel zero.
    pub(super) fn forward(&self, z: &Tensor) -> Tensor {
        let mut x = match &self.post_quant_conv {
            Some(conv) => self.conv_in.forward(&conv.forward(z)),
            None => self.conv_in.forward(z),
        };
        x = self.mid_block.forward(&x);
        for block in &self.up_blocks {
            x = block.forward(x);
            // The next level's tensors are four times as large: none of this level's serves it.
            x.gpu().trim();
        }
        let normed = self.conv_norm_out.forward_silu(&x);
        drop(x);
        self.conv_out.forward(&normed)
    }
}

/// One level on the way up. diffusers: `UpDecoderBlock2D`.
struct UpBlock {
    resnets: Vec<ResnetBlock>,
    upsampler: Option<Upsample>,
}

impl UpBlock {
    /// The level `index`, counted from the lowest; the highest is not doubled.
    fn new(scope: &Scope, config: &VaeConfig, index: usize) -> Result<UpBlock> {
        let channels = &config.block_out_channels;
        let last = channels.len() - 1;
        let own = channels[last - index];
        let below = channels[(last - index + 1).min(last)];
        let one = |i: usize| {
            let c_in = if i == 0 { below } else { own };
            resnet(&scope.at("resnets").at(i), config, [c_in, own])
        };
        let upsampler = || Upsample::new(&scope.at("upsamplers.0"), own);
        Ok(UpBlock {
            resnets: (0..=config.layers_per_block).map(one).collect::<Result<_>>()?,
            upsampler: (index < last).then(upsampler).transpose()?,
        })
    }

    /// `x` `[b, h, w, c_below]` → `[b, 2h, 2w, c]`, or the same height and width at the top.
    fn forward(&self, mut x: Tensor) -> Tensor {
        for resnet in &self.resnets {
            x = resnet.forward(&x, None);
        }
        if let Some(upsampler) = &self.upsampler {
            let [_, h, w, _] = x.shape().image();
            x = upsampler.forward(&x, [2 * h, 2 * w]);
        }
        x
    }
}
