//! A ControlNet on candle, from the blocks of the UNet's reference.

use super::CHECKED;
use super::time_embedding::TimeEmbedding;
use super::unet::{Block, ResnetWithTransformer, down_path, middle};
use super::weights::Weights;
use crate::models::controlnet::ControlNetConfig;
use crate::models::unet::Residuals;
use crate::models::vae::VaeConfig;
use candle_core::{Result, Tensor};
use candle_nn::{Conv2d, Conv2dConfig, VarBuilder, conv2d, ops};

const SAME: Conv2dConfig =
    Conv2dConfig { padding: 1, stride: 1, dilation: 1, groups: 1, cudnn_fwd_algo: None };
const HALVE: Conv2dConfig = Conv2dConfig { stride: 2, ..SAME };

/// diffusers: `ControlNetModel`.
pub struct ControlNet {
    conv_in: Conv2d,
    time_embedding: TimeEmbedding,
    /// The convolutions of the picture; the last has no activation after it.
    hint: Vec<Conv2d>,
    down: Vec<Block>,
    mid: Vec<ResnetWithTransformer>,
    zero_convs: Vec<Conv2d>,
    zero_mid: Conv2d,
    downsample_padding: [usize; 2],
    cache_branch: usize,
}

impl ControlNet {
    /// From its weights.
    ///
    /// # Errors
    /// [`BadFile`](crate::Error::BadFile) for weights that do not fit the config.
    pub fn open(weights: Weights, config: &ControlNetConfig) -> crate::Result<ControlNet> {
        weights.build(|vars| ControlNet::new(&vars, config))
    }

    fn new(vars: &VarBuilder, config: &ControlNetConfig) -> Result<ControlNet> {
        let unet = &config.unet;
        let first = unet.levels[0].channels;
        let (down, skips) = down_path(&vars.pp("down_blocks"), unet)?;
        let point = |c: usize, vars| conv2d(c, c, 1, Conv2dConfig::default(), vars);
        let zero = vars.pp("controlnet_down_blocks");
        let zero_convs = skips.iter().enumerate().map(|(i, c)| point(*c, zero.pp(i)));
        let last = skips[skips.len() - 1];
        Ok(ControlNet {
            conv_in: conv2d(unet.in_channels, first, 3, SAME, vars.pp("conv_in"))?,
            time_embedding: TimeEmbedding::new(&vars.pp("time_embedding"), unet)?,
            hint: hint(&vars.pp("controlnet_cond_embedding"), &config.conditioning, first)?,
            mid: middle(&vars.pp("mid_block"), unet)?,
            zero_convs: zero_convs.collect::<Result<_>>()?,
            zero_mid: point(last, vars.pp("controlnet_mid_block"))?,
            down,
            downsample_padding: unet.downsample_padding,
            cache_branch: unet.cache_branch(),
        })
    }

    /// A picture `[1, 3, h, w]` in 0…1 → its hint `[1, c, h/f, w/f]`.
    pub fn hint(&self, picture: &Tensor) -> Tensor {
        let (last, others) = self.hint.split_last().expect("two convolutions at least");
        let see = || {
            let mut x = picture.clone();
            for conv in others {
                x = ops::silu(&x.apply(conv)?)?;
            }
            x.apply(last)
        };
        see().expect(CHECKED)
    }

    /// The number of the UNet's skips, each of which has a residual.
    pub fn skips(&self) -> usize {
        self.zero_convs.len()
    }

    /// Scaled `latents` `[b, c, h, w]`, `hint` `[1, c, h, w]`, `context` `[b, tokens, d]` → what is
    /// added to the UNet's skips and its middle, not yet scaled; of the `outermost` layers alone,
    /// if the UNet evaluates only these.
    ///
    /// # Errors
    /// candle's, where shapes do not fit.
    pub fn forward(
        &self,
        (latents, hint): (&Tensor, &Tensor),
        timestep: f64,
        context: &Tensor,
        outermost: bool,
    ) -> Result<Residuals<Tensor>> {
        let time = self.time_embedding.forward(timestep, None, latents.dim(0)?)?;
        let mut x = latents.apply(&self.conv_in)?.broadcast_add(hint)?;
        let mut skips = vec![x.clone()];
        if outermost {
            let branch = ..self.cache_branch;
            self.down[0].forward_layers(branch, x, &time, context, &mut skips, None)?;
            return Ok(Residuals { skips: self.zeroed(&skips)?, ..Residuals::default() });
        }
        for block in &self.down {
            let padding = self.downsample_padding;
            x = block.forward_down(padding, x, &time, context, &mut skips, None)?;
        }
        for stage in &self.mid {
            x = stage.forward(&x, &time, context)?;
        }
        let mid = Some(x.apply(&self.zero_mid)?);
        Ok(Residuals { skips: self.zeroed(&skips)?, mid, down: Vec::new() })
    }

    fn zeroed(&self, skips: &[Tensor]) -> Result<Vec<Tensor>> {
        skips.iter().zip(&self.zero_convs).map(|(skip, conv)| skip.apply(conv)).collect()
    }
}

/// diffusers: `ControlNetConditioningEmbedding`.
fn hint(vars: &VarBuilder, channels: &[usize], c: usize) -> Result<Vec<Conv2d>> {
    let mut convs = vec![conv2d(VaeConfig::PICTURE, channels[0], 3, SAME, vars.pp("conv_in"))?];
    for (i, pair) in channels.windows(2).enumerate() {
        let block = |j: usize| vars.pp("blocks").pp(2 * i + j);
        convs.push(conv2d(pair[0], pair[0], 3, SAME, block(0))?);
        convs.push(conv2d(pair[0], pair[1], 3, HALVE, block(1))?);
    }
    convs.push(conv2d(channels[channels.len() - 1], c, 3, SAME, vars.pp("conv_out"))?);
    Ok(convs)
}
