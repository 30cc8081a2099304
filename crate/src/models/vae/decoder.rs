//! The decoder, from latents to a picture:
//!
//! ```text
//! x = mid(conv_in(post_quant_conv(z)))
//! each level, from the lowest:  x = resnets(x); upsample
//! picture = conv_out(silu(conv_norm_out(x)))
//! ```
//!
//! Where memory is too small for whole tensors of the upper levels, these are computed in bands of
//! rows, see [`Decoder::forward_in_bands`]. A group norm needs the statistics of all bands, so a
//! resnet then takes two passes:
//!
//! ```text
//! each band:  h = conv1(silu(norm1(x)))                  for the statistics of norm2; h is dropped
//! each band:  h again; y = conv2(silu(norm2(h))) + x     y replaces x
//! ```

use super::bands::{BandOptions, Bands, FeatureMap};
use super::config::VaeConfig;
use super::mid::MidBlock;
use super::resnet::{EPS, resnet};
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
    ///
    /// # Errors
    /// [`Error::MissingTensor`](crate::Error::MissingTensor),
    /// [`Error::TensorShape`](crate::Error::TensorShape).
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
        let mut x = self.middle(z);
        for block in &self.up_blocks {
            x = block.forward(x);
            // The next level's tensors are four times as large, so it cannot reuse this level's
            // buffers.
            x.gpu().trim();
        }
        let normed = self.conv_norm_out.forward_silu(&x);
        drop(x);
        self.conv_out.forward(&normed)
    }

    /// The layers before the first level.
    fn middle(&self, z: &Tensor) -> Tensor {
        let x = match &self.post_quant_conv {
            Some(conv) => self.conv_in.forward(&conv.forward(z)),
            None => self.conv_in.forward(z),
        };
        self.mid_block.forward(&x)
    }

    /// The same for one picture, `z` `[1, h, w, latent_channels]`, with a peak of memory that is
    /// little more than the last level's output. The lower levels, whose tensors have at most a
    /// quarter of its size, are computed whole, the others in bands. The upsampled input of a level
    /// is stored only if it is not larger than the last level's output.
    ///
    /// # Errors
    /// Those of the device and of [`BandOptions::between`].
    pub(super) async fn forward_in_bands(
        &self,
        z: &Tensor,
        options: &BandOptions<'_>,
    ) -> Result<Tensor> {
        let [_, h, w, _] = z.shape().image();
        let last_level_elements = {
            let levels = self.up_blocks.len() - 1;
            ((h * w) << (2 * levels)) * self.up_blocks[levels].channels()[1]
        };
        let mut x = self.middle(z);
        options.wait().await?;
        options.gpu.trim();
        let (mut level, mut upsampler) = (0, None::<&Upsample>);
        while let Some(block) = self.up_blocks.get(level) {
            let largest =
                ((h * w) << (2 * level)) * block.channels().into_iter().max().unwrap_or(0);
            if 4 * largest > last_level_elements {
                break;
            }
            if let Some(upsampler) = upsampler {
                x = upsampler.double(&x);
            }
            x = block.resnets.iter().fold(x, |x, resnet| resnet.forward(&x, None));
            options.wait().await?;
            options.gpu.trim();
            (level, upsampler) = (level + 1, block.upsampler.as_ref());
        }
        let mut bands = Bands::cut(&x, options);
        drop(x);
        for block in &self.up_blocks[level..] {
            options.wait().await?;
            options.gpu.trim();
            let [c, _] = block.channels();
            let mut feature_map = match upsampler {
                Some(upsampler) => FeatureMap::Upsampled(bands, upsampler),
                None => FeatureMap::Stored(bands),
            };
            let [height, width] = feature_map.sides();
            if height * width * c <= last_level_elements
                && matches!(feature_map, FeatureMap::Upsampled(..))
            {
                feature_map = FeatureMap::Stored(feature_map.map(c, options, Tensor::clone).await?);
                options.gpu.trim();
            }
            for resnet in &block.resnets {
                feature_map = FeatureMap::Stored(through(resnet, feature_map, options).await?);
            }
            let FeatureMap::Stored(made) = feature_map else { unreachable!("a level has resnets") };
            (bands, upsampler) = (made, block.upsampler.as_ref());
        }
        let (feature_map, norm) = (FeatureMap::Stored(bands), &self.conv_norm_out);
        let stats = feature_map.stats(norm, options).await?;
        let out = |x: &Tensor| self.conv_out.forward(&norm.forward_silu_by(x, &stats));
        let made = feature_map.map(VaeConfig::PICTURE.next_multiple_of(4), options, out).await?;
        options.gpu.trim();
        Ok(made.join(options.gpu))
    }
}

/// A resnet over a feature map in bands.
async fn through(
    resnet: &ResnetBlock,
    x: FeatureMap<'_>,
    options: &BandOptions<'_>,
) -> Result<Bands> {
    let [norm1, norm2] = resnet.norms();
    let stats1 = x.stats(norm1, options).await?;
    let first = |x: &Tensor| resnet.forward_first(x, &stats1);
    let stats2 = x.stats_of(norm2, options, first).await?;
    let second = |x: &Tensor| resnet.forward_second(x, first(x), &stats2);
    x.map(resnet.channels()[1], options, second).await
}

/// One level of the decoder. diffusers: `UpDecoderBlock2D`.
struct UpBlock {
    resnets: Vec<ResnetBlock>,
    upsampler: Option<Upsample>,
}

impl UpBlock {
    /// Channels of the input and of the output.
    fn channels(&self) -> [usize; 2] {
        let [first, last] = [self.resnets.first(), self.resnets.last()].map(|resnet| {
            resnet.expect("a level has one resnet more than `layers_per_block`").channels()
        });
        [first[0], last[1]]
    }

    /// Level `index`, counted from the lowest; the highest one has no upsampling.
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

    /// `x` `[b, h, w, c_below]` → `[b, 2h, 2w, c]`, or the same height and width at the highest.
    fn forward(&self, mut x: Tensor) -> Tensor {
        for resnet in &self.resnets {
            x = resnet.forward(&x, None);
        }
        if let Some(upsampler) = &self.upsampler {
            x = upsampler.double(&x);
        }
        x
    }
}
