//! The middle, at the lowest resolution: resnet, transformer, resnet.

use super::config::UnetConfig;
use super::context::Remaining;
use super::transformer::Transformer;
use crate::error::Result;
use crate::nn::{Joined, KeyValue, ResnetBlock, Scope};
use crate::tensor::Tensor;

/// The middle, as wide as the lowest level. diffusers: `UNetMidBlock2DCrossAttn`.
pub(in crate::models) struct MidBlock {
    resnets: [ResnetBlock; 2],
    attention: Transformer,
}

impl MidBlock {
    /// # Errors
    /// [`Error::MissingTensor`](crate::Error::MissingTensor),
    /// [`Error::TensorShape`](crate::Error::TensorShape).
    pub(in crate::models) fn new(
        scope: &Scope,
        config: &UnetConfig,
        times: &mut Joined,
    ) -> Result<MidBlock> {
        let level = config.levels.last().expect("a config has levels");
        let c = level.channels;
        let (groups, eps) = (config.norm_num_groups, config.norm_eps);
        let mut resnet = |i: usize| {
            let scope = scope.at("resnets").at(i);
            ResnetBlock::new(&scope, [c, c], Some(&mut *times), groups, eps)
        };
        Ok(MidBlock {
            resnets: [resnet(0)?, resnet(1)?],
            attention: Transformer::new(&scope.at("attentions.0"), config, level)?,
        })
    }

    /// The keys and values of `context` `[b, tokens, cross_attention_dim]`.
    pub(in crate::models) fn prepare(&self, context: &Tensor) -> impl Iterator<Item = KeyValue> {
        self.attention.prepare(context)
    }

    /// `x` `[b, h, w, c]`, same shape.
    pub(in crate::models) fn forward(
        &self,
        x: &Tensor,
        shifts: &Tensor,
        context: &mut Remaining<'_>,
    ) -> Tensor {
        let x = self.resnets[0].forward(x, Some(shifts));
        let x = self.attention.forward(&x, context);
        self.resnets[1].forward(&x, Some(shifts))
    }
}
