//! The up path: each resnet gets `x` with the latest skip concatenated to its channels. Then `x` is
//! upsampled to the size of the next skip. That is the doubled size, or one less where the down
//! path rounded up.

use super::config::UnetConfig;
use super::context::Remaining;
use super::transformer::Transformer;
use crate::error::Result;
use crate::nn::{Joined, KeyValue, ResnetBlock, Scope, Upsample};
use crate::tensor::Tensor;
use std::ops::Range;

/// One level of the up path. diffusers: `CrossAttnUpBlock2D`, and without attention `UpBlock2D`.
pub(super) struct UpBlock {
    resnets: Vec<ResnetBlock>,
    attentions: Vec<Transformer>,
    upsampler: Option<Upsample>,
}

impl UpBlock {
    /// Level `index`; the highest one has no upsampling.
    ///
    /// # Errors
    /// [`Error::MissingTensor`](crate::Error::MissingTensor),
    /// [`Error::TensorShape`](crate::Error::TensorShape).
    pub(super) fn new(
        scope: &Scope,
        config: &UnetConfig,
        index: usize,
        times: &mut Joined,
    ) -> Result<UpBlock> {
        let level = &config.levels[index];
        let groups = config.norm_num_groups;
        let channels = config.up_channels(index);
        let mut resnet = |(i, channels): (usize, &[usize; 2])| {
            let scope = scope.at("resnets").at(i);
            ResnetBlock::new(&scope, *channels, Some(&mut *times), groups, config.norm_eps)
        };
        let attention = |i: usize| Transformer::new(&scope.at("attentions").at(i), config, level);
        let attentions = if level.up_attention { channels.len() } else { 0 };
        let upsampler = || Upsample::new(&scope.at("upsamplers.0"), level.channels);
        Ok(UpBlock {
            resnets: channels.iter().enumerate().map(&mut resnet).collect::<Result<_>>()?,
            attentions: (0..attentions).map(attention).collect::<Result<_>>()?,
            upsampler: (index > 0).then(upsampler).transpose()?,
        })
    }

    /// The keys and values of `context` `[b, tokens, cross_attention_dim]` for each attention.
    pub(super) fn prepare(&self, context: &Tensor) -> impl Iterator<Item = KeyValue> {
        self.attentions.iter().flat_map(|attention| attention.prepare(context))
    }

    /// `x` `[b, h, w, c_below]` → `[b, h', w', c]`; `skips` shrinks by one tensor for each resnet.
    /// `freeu` are the scales of [`FreeU::of_block`](crate::diffusion::FreeU::of_block).
    pub(super) fn forward(
        &self,
        mut x: Tensor,
        shifts: &Tensor,
        context: &mut Remaining<'_>,
        skips: &mut Vec<Tensor>,
        freeu: Option<[f32; 2]>,
    ) -> Tensor {
        x = self.forward_layers(0..self.layers(), x, shifts, context, skips, freeu);
        if let Some(upsampler) = &self.upsampler {
            let next = skips.last().expect("the level above has kept tensors");
            let [_, height, width, _] = next.shape().image();
            x = upsampler.forward(&x, [height, width]);
        }
        x
    }

    /// The number of resnets.
    pub(super) fn layers(&self) -> usize {
        self.resnets.len()
    }

    /// The resnets `layers` with their transformers, `x` `[b, h, w, c_in]` → `[b, h, w, c]`:
    /// `skips` shrinks by one tensor, of the same height and width, for each.
    pub(super) fn forward_layers(
        &self,
        layers: Range<usize>,
        mut x: Tensor,
        shifts: &Tensor,
        context: &mut Remaining<'_>,
        skips: &mut Vec<Tensor>,
        freeu: Option<[f32; 2]>,
    ) -> Tensor {
        for i in layers {
            // Assigned to `x`, so that the old `x` and the skip are dropped before the resnet runs.
            let skip = skips.pop().expect("as many were kept as are joined");
            x = match freeu {
                Some(scales) => x.concat_freeu(&skip, scales),
                None => x.concat(&skip),
            };
            drop(skip);
            x = self.resnets[i].forward(&x, Some(shifts));
            if let Some(attention) = self.attentions.get(i) {
                x = attention.forward(&x, context);
            }
        }
        x
    }
}
