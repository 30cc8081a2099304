//! The VAE's encoder, from candle-transformers' blocks. candle's own encoder only returns samples,
//! with noise of its own; here the noise must be the request's.

use crate::models::vae::VaeConfig;
use candle_core::{Result, Tensor};
use candle_nn::{Conv2d, Conv2dConfig, GroupNorm, VarBuilder, conv2d, group_norm, ops};
use candle_transformers::models::stable_diffusion::unet_2d_blocks::{
    DownEncoderBlock2D, DownEncoderBlock2DConfig, UNetMidBlock2D, UNetMidBlock2DConfig,
};

/// ε of every group norm.
const EPS: f64 = 1e-6;
const SAME: Conv2dConfig =
    Conv2dConfig { padding: 1, stride: 1, dilation: 1, groups: 1, cudnn_fwd_algo: None };

/// diffusers: `Encoder`, and `AutoencoderKL`'s `quant_conv`.
pub(super) struct VaeEncoder {
    conv_in: Conv2d,
    down_blocks: Vec<DownEncoderBlock2D>,
    mid_block: UNetMidBlock2D,
    conv_norm_out: GroupNorm,
    conv_out: Conv2d,
    quant_conv: Option<Conv2d>,
}

impl VaeEncoder {
    /// From the root of the checkpoint.
    ///
    /// # Errors
    /// That of candle for a tensor that is missing or has another shape.
    pub(super) fn new(root: &VarBuilder, config: &VaeConfig) -> Result<VaeEncoder> {
        let vars = root.pp("encoder");
        let (channels, groups) = (&config.block_out_channels, config.norm_num_groups);
        let (top, lowest) = (channels[0], channels[channels.len() - 1]);
        let block = |i: usize| {
            let block = DownEncoderBlock2DConfig {
                num_layers: config.layers_per_block,
                resnet_eps: EPS,
                resnet_groups: groups,
                output_scale_factor: 1.0,
                add_downsample: i + 1 < channels.len(),
                // With 0 candle pads with zeros after the last row and column only.
                downsample_padding: 0,
            };
            let vars = vars.pp("down_blocks").pp(i);
            DownEncoderBlock2D::new(vars, channels[i.saturating_sub(1)], channels[i], block)
        };
        let mid = UNetMidBlock2DConfig {
            resnet_eps: EPS,
            resnet_groups: Some(groups),
            attn_num_head_channels: None,
            ..UNetMidBlock2DConfig::default()
        };
        let moments = 2 * config.latent_channels;
        let quant_conv =
            || conv2d(moments, moments, 1, Conv2dConfig::default(), root.pp("quant_conv"));
        Ok(VaeEncoder {
            conv_in: conv2d(VaeConfig::PICTURE, top, 3, SAME, vars.pp("conv_in"))?,
            down_blocks: (0..channels.len()).map(block).collect::<Result<_>>()?,
            mid_block: UNetMidBlock2D::new(vars.pp("mid_block"), lowest, None, mid)?,
            conv_norm_out: group_norm(groups, lowest, EPS, vars.pp("conv_norm_out"))?,
            conv_out: conv2d(lowest, moments, 3, SAME, vars.pp("conv_out"))?,
            quant_conv: config.use_quant_conv.then(quant_conv).transpose()?,
        })
    }

    /// `picture` `[1, 3, h, w]` in −1…1 → mean and logvar in one tensor, `[1, 2·c, h/factor,
    /// w/factor]`.
    ///
    /// # Errors
    /// That of candle.
    pub(super) fn forward(&self, picture: &Tensor) -> Result<Tensor> {
        let mut x = picture.apply(&self.conv_in)?;
        for block in &self.down_blocks {
            x = x.apply(block)?;
        }
        let x = self.mid_block.forward(&x, None)?.apply(&self.conv_norm_out)?;
        let x = ops::silu(&x)?.apply(&self.conv_out)?;
        match &self.quant_conv {
            Some(quant_conv) => x.apply(quant_conv),
            None => Ok(x),
        }
    }
}
