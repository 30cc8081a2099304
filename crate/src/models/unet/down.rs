//! The down path: the resnets of a level, each followed by a transformer if the level has
//! attention, and a downsampling convolution. Every output is kept as a skip for the up path.

use super::config::UnetConfig;
use super::context::Remaining;
use super::transformer::Transformer;
use crate::error::Result;
use crate::nn::{Downsample, Joined, KeyValue, ResnetBlock, Scope};
use crate::tensor::Tensor;
use std::ops::Range;

/// One level of the down path. diffusers: `CrossAttnDownBlock2D`, and without attention
/// `DownBlock2D`.
pub(in crate::models) struct DownBlock {
    resnets: Vec<ResnetBlock>,
    attentions: Vec<Transformer>,
    downsampler: Option<Downsample>,
}

impl DownBlock {
    /// Level `index`; the lowest one has no downsampling.
    ///
    /// # Errors
    /// [`Error::MissingTensor`](crate::Error::MissingTensor),
    /// [`Error::TensorShape`](crate::Error::TensorShape).
    pub(in crate::models) fn new(
        scope: &Scope,
        config: &UnetConfig,
        index: usize,
        times: &mut Joined,
    ) -> Result<DownBlock> {
        let level = &config.levels[index];
        let from_above = config.levels[index.saturating_sub(1)].channels;
        let groups = config.norm_num_groups;
        let mut resnet = |i: usize| {
            let c_in = if i == 0 { from_above } else { level.channels };
            let scope = scope.at("resnets").at(i);
            let channels = [c_in, level.channels];
            ResnetBlock::new(&scope, channels, Some(&mut *times), groups, config.norm_eps)
        };
        let attention = |i: usize| Transformer::new(&scope.at("attentions").at(i), config, level);
        let attentions = if level.down_attention { level.layers } else { 0 };
        let downsampler = || {
            let scope = scope.at("downsamplers.0");
            Downsample::new(&scope, level.channels, config.downsample_padding)
        };
        Ok(DownBlock {
            resnets: (0..level.layers).map(&mut resnet).collect::<Result<_>>()?,
            attentions: (0..attentions).map(attention).collect::<Result<_>>()?,
            downsampler: (index + 1 < config.levels.len()).then(downsampler).transpose()?,
        })
    }

    /// The keys and values of `context` `[b, tokens, cross_attention_dim]` for each attention.
    pub(in crate::models) fn prepare(&self, context: &Tensor) -> impl Iterator<Item = KeyValue> {
        self.attentions.iter().flat_map(|attention| attention.prepare(context))
    }

    /// `x` `[b, h, w, c_in]` → `[b, ⌈h/2⌉, ⌈w/2⌉, c]`, or the same height and width at the lowest
    /// level. `skips` grows by one tensor for each resnet and one for the downsampling. A
    /// T2I-Adapter's residual is added before the downsampling if the level has transformers,
    /// otherwise after it, and has the size that `x` has there.
    pub(in crate::models) fn forward(
        &self,
        mut x: Tensor,
        shifts: &Tensor,
        context: &mut Remaining<'_>,
        skips: &mut Vec<Tensor>,
        t2i_residual: Option<&Tensor>,
    ) -> Tensor {
        x = self.forward_layers(0..self.resnets.len(), x, shifts, context, skips, t2i_residual);
        if let Some(downsampler) = &self.downsampler {
            x = downsampler.forward(&x);
            skips.push(x.clone());
        }
        if let Some(t2i_residual) = t2i_residual.filter(|_| self.attentions.is_empty()) {
            // In diffusers the level's output and its last skip are one tensor, so the skip changes
            // too.
            x = x.add(t2i_residual);
            *skips.last_mut().expect("a level has resnets") = x.clone();
        }
        x
    }

    /// The resnets `layers` with their transformers, `x` `[b, h, w, c_in]` → `[b, h, w, c]`:
    /// `skips` grows by one tensor of that shape for each.
    pub(in crate::models) fn forward_layers(
        &self,
        layers: Range<usize>,
        mut x: Tensor,
        shifts: &Tensor,
        context: &mut Remaining<'_>,
        skips: &mut Vec<Tensor>,
        t2i_residual: Option<&Tensor>,
    ) -> Tensor {
        for i in layers {
            x = self.resnets[i].forward(&x, Some(shifts));
            if let Some(attention) = self.attentions.get(i) {
                x = attention.forward(&x, context);
                if let Some(t2i_residual) = t2i_residual.filter(|_| i + 1 == self.attentions.len())
                {
                    x = x.add(t2i_residual);
                }
            }
            skips.push(x.clone());
        }
        x
    }
}
