//! The transformer of the UNet: its tokens are the pixels of a level, which attend to each other
//! and then to the prompt.
//!
//! ```text
//! h = proj_in(norm(x))
//! each block:  h = h + attn1(norm1(h), norm1(h))
//!              h = h + attn2(norm2(h), context)
//!              h = h + ff(norm3(h))
//! y = proj_out(h) + x
//! ```
//!
//! On request similar tokens of the highest resolution are merged before self-attention, by their
//! similarity in h. Afterwards each of them gets the output of the token that it was merged into.

use super::config::{Level, UnetConfig};
use super::context::Remaining;
use crate::error::Result;
use crate::nn::{
    Bias, CrossAttention, GatedFeedForward, GroupNorm, KeyValue, LayerNorm, Linear, LinearNames,
    Scope, SelfAttention,
};
use crate::ops::{Mask, TokenMerge};
use crate::tensor::Tensor;

/// ε of a transformer's group norm; the config's `norm_eps` is only for the resnets.
const GROUP_NORM_EPS: f32 = 1e-6;
/// ε of its layer norms: torch's default.
const LAYER_NORM_EPS: f32 = 1e-5;

/// Transformer blocks over the pixels of a level. diffusers: `Transformer2DModel`.
pub(super) struct Transformer {
    norm: GroupNorm,
    proj_in: Linear,
    transformer_blocks: Vec<TransformerBlock>,
    proj_out: Linear,
}

impl Transformer {
    /// The transformer of `level`.
    ///
    /// # Errors
    /// [`Error::MissingTensor`](crate::Error::MissingTensor),
    /// [`Error::TensorShape`](crate::Error::TensorShape).
    pub(super) fn new(scope: &Scope, config: &UnetConfig, level: &Level) -> Result<Transformer> {
        let (c, groups) = (level.channels, config.norm_num_groups);
        let blocks = scope.at("transformer_blocks");
        let proj = if config.use_linear_projection { Linear::new } else { Linear::pointwise };
        Ok(Transformer {
            norm: GroupNorm::new(&scope.at("norm"), c, groups, GROUP_NORM_EPS)?,
            proj_in: proj(&scope.at("proj_in"), c, c)?,
            transformer_blocks: (0..level.transformer_layers)
                .map(|i| TransformerBlock::new(&blocks.at(i), config, level))
                .collect::<Result<_>>()?,
            proj_out: proj(&scope.at("proj_out"), c, c)?,
        })
    }

    /// The keys and values of `context` `[b, tokens, cross_attention_dim]` for each block.
    pub(super) fn prepare(&self, context: &Tensor) -> impl Iterator<Item = KeyValue> {
        self.transformer_blocks.iter().map(|block| block.attn2.key_value(context))
    }

    /// `x` `[b, h, w, c]`, same shape.
    pub(super) fn forward(&self, x: &Tensor, context: &mut Remaining<'_>) -> Tensor {
        let [b, h, w, c] = x.shape().image();
        let mut tokens = self.proj_in.forward(&self.norm.forward(x)).reshape([b, h * w, c]);
        for block in &self.transformer_blocks {
            tokens = block.forward(&tokens, [h, w], context);
        }
        self.proj_out.forward_onto(&tokens.reshape([b, h, w, c]), x)
    }
}

/// Self-attention, cross-attention, feed-forward. diffusers: `BasicTransformerBlock`.
struct TransformerBlock {
    norm1: LayerNorm,
    attn1: SelfAttention,
    norm2: LayerNorm,
    attn2: CrossAttention,
    norm3: LayerNorm,
    ff: GatedFeedForward,
}

impl TransformerBlock {
    fn new(scope: &Scope, config: &UnetConfig, level: &Level) -> Result<TransformerBlock> {
        let (c, heads, c_context) = (level.channels, level.heads, config.cross_attention_dim);
        let norm = |name: &str| LayerNorm::new(&scope.at(name), c, LAYER_NORM_EPS);
        let (attn1, attn2) = (scope.at("attn1"), scope.at("attn2"));
        let names = &LinearNames::DIFFUSERS;
        Ok(TransformerBlock {
            norm1: norm("norm1")?,
            attn1: SelfAttention::new(&attn1, c, heads, names, Bias::Out)?,
            norm2: norm("norm2")?,
            attn2: CrossAttention::new(&attn2, [c, c_context], heads, names, Bias::Out)?,
            norm3: norm("norm3")?,
            ff: GatedFeedForward::new(&scope.at("ff"), c)?,
        })
    }

    /// `x` `[b, t, c]`, where t = h · w of `size`; same shape.
    fn forward(&self, x: &Tensor, size: [usize; 2], context: &mut Remaining<'_>) -> Tensor {
        let merged = context.merged(size);
        let context = context.key_values.next().expect("the context is this model's");
        let mut x = match merged {
            0 => self.attn1.forward(&self.norm1.forward(x), Mask::None, x),
            _ => self.attend_merged(x, size, merged),
        };
        x = self.attn2.forward(&self.norm2.forward(&x), context, &x);
        self.ff.forward(&self.norm3.forward(&x), &x)
    }

    /// Self-attention after `merged` of the tokens are merged into others.
    fn attend_merged(&self, x: &Tensor, size: [usize; 2], merged: usize) -> Tensor {
        let merge = TokenMerge::choose(x, size, merged);
        let left = merge.merge(&self.norm1.forward(x));
        merge.undo(&self.attn1.forward_alone(&left, Mask::None), x)
    }
}
