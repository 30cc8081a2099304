//! The encoder, from a picture to the distribution of its latents:
//!
//! ```text
//! x = conv_in(picture)
//! each level:  x = resnets(x); downsample, padded with zeros after the last row and column only
//! mean, logvar = the halves of quant_conv(conv_out(silu(conv_norm_out(mid(x)))))
//! ```
//!
//! The last convolution is loaded as two halves, so that mean and logvar are two tensors.

use std::ops::Range;

use super::config::VaeConfig;
use super::mid::MidBlock;
use super::resnet::{EPS, resnet};
use crate::error::Result;
use crate::nn::{Conv2d, Downsample, GroupNorm, Linear, ResnetBlock, Scope};
use crate::tensor::Tensor;

/// The normal distribution of a picture's latents: `z = mean + e^(logvar/2) · noise`, both
/// `[b, h, w, latent_channels]`; logvar is not yet clamped (diffusers: to −30…20).
pub struct Posterior {
    /// `[b, h, w, latent_channels]`
    pub mean: Tensor,
    /// The logarithm of the variance, `[b, h, w, latent_channels]`.
    pub logvar: Tensor,
}

/// The encoder of a VAE. diffusers: `Encoder`, and `AutoencoderKL`'s `quant_conv`.
pub struct Encoder {
    conv_in: Conv2d,
    down_blocks: Vec<DownBlock>,
    mid_block: MidBlock,
    conv_norm_out: GroupNorm,
    out: Out,
}

/// The layers that compute mean and logvar.
enum Out {
    /// `conv_out`, then the halves of `quant_conv`.
    Quant { conv_out: Conv2d, halves: [Linear; 2] },
    /// The halves of `conv_out`.
    Direct { halves: [Conv2d; 2] },
}

impl Encoder {
    /// From the root of the checkpoint.
    ///
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub fn new(root: &Scope, config: &VaeConfig) -> Result<Encoder> {
        let scope = root.at("encoder");
        let channels = &config.block_out_channels;
        let (top, lowest) = (channels[0], *channels.last().expect("a config has levels"));
        let block = |i: usize| DownBlock::new(&scope.at("down_blocks").at(i), config, i);
        let norm_out = scope.at("conv_norm_out");
        Ok(Encoder {
            conv_in: Conv2d::new(&scope.at("conv_in"), VaeConfig::PICTURE, top, 3)?,
            down_blocks: (0..channels.len()).map(block).collect::<Result<_>>()?,
            mid_block: MidBlock::new(&scope.at("mid_block"), config)?,
            conv_norm_out: GroupNorm::new(&norm_out, lowest, config.norm_num_groups, EPS)?,
            out: Out::new(root, &scope.at("conv_out"), config, lowest)?,
        })
    }

    /// `picture` `[b, h, w, 4]` in −1…1 (the fourth channel is not used), its sides multiples of
    /// [`VaeConfig::factor`] → the distribution of its latents, not scaled.
    pub fn forward(&self, picture: &Tensor) -> Posterior {
        let mut x = self.conv_in.forward(picture);
        for block in &self.down_blocks {
            x = block.forward(x);
        }
        let x = self.mid_block.forward(&x);
        self.out.forward(&self.conv_norm_out.forward_silu(&x))
    }
}

impl Out {
    fn new(root: &Scope, conv_out: &Scope, config: &VaeConfig, c: usize) -> Result<Out> {
        let z = config.latent_channels;
        let both: [Range<usize>; 2] = [0..z, z..2 * z];
        if config.use_quant_conv {
            let quant_conv = root.at("quant_conv");
            let conv_out = Conv2d::new(conv_out, c, 2 * z, 3)?;
            let [mean, logvar] =
                both.map(|half| Linear::pointwise_part(&quant_conv, 2 * z, 2 * z, half));
            return Ok(Out::Quant { conv_out, halves: [mean?, logvar?] });
        }
        let [mean, logvar] = both.map(|half| Conv2d::part(conv_out, c, 2 * z, 3, half));
        Ok(Out::Direct { halves: [mean?, logvar?] })
    }

    fn forward(&self, x: &Tensor) -> Posterior {
        let [mean, logvar] = match self {
            Out::Quant { conv_out, halves } => {
                let moments = conv_out.forward(x);
                halves.each_ref().map(|half| half.forward(&moments))
            }
            Out::Direct { halves } => halves.each_ref().map(|half| half.forward(x)),
        };
        Posterior { mean, logvar }
    }
}

/// One level of the encoder. diffusers: `DownEncoderBlock2D`.
struct DownBlock {
    resnets: Vec<ResnetBlock>,
    downsampler: Option<Downsample>,
}

impl DownBlock {
    /// Level `index`; the lowest one has no downsampling.
    fn new(scope: &Scope, config: &VaeConfig, index: usize) -> Result<DownBlock> {
        let channels = &config.block_out_channels;
        let (own, above) = (channels[index], channels[index.saturating_sub(1)]);
        let one = |i: usize| {
            let c_in = if i == 0 { above } else { own };
            resnet(&scope.at("resnets").at(i), config, [c_in, own])
        };
        let downsampler = || Downsample::new(&scope.at("downsamplers.0"), own, [0, 1]);
        Ok(DownBlock {
            resnets: (0..config.layers_per_block).map(one).collect::<Result<_>>()?,
            downsampler: (index + 1 < channels.len()).then(downsampler).transpose()?,
        })
    }

    /// `x` `[b, h, w, c_above]` → `[b, h/2, w/2, c]`, or the same height and width at the lowest.
    fn forward(&self, mut x: Tensor) -> Tensor {
        for resnet in &self.resnets {
            x = resnet.forward(&x, None);
        }
        match &self.downsampler {
            Some(downsampler) => downsampler.forward(&x),
            None => x,
        }
    }
}
