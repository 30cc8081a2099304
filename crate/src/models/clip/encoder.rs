//! The transformer of CLIP's two towers: the text encoder and the vision tower differ in their
//! sizes and in the mask.
//!
//! ```text
//! each layer:  x = x + self_attn(layer_norm1(x))
//!              x = x + mlp(layer_norm2(x))
//! ```

use super::config::EncoderConfig;
use crate::error::Result;
use crate::nn::{Bias, LayerNorm, LinearNames, Mlp, Scope, SelfAttention};
use crate::ops::Mask;
use crate::tensor::Tensor;

/// Layers one after the other. transformers: `CLIPEncoder`.
pub(super) struct Encoder {
    layers: Vec<Layer>,
}

impl Encoder {
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub(super) fn new(scope: &Scope, config: &EncoderConfig) -> Result<Encoder> {
        let layers = scope.at("layers");
        let layer = |i| Layer::new(&layers.at(i), config);
        Ok(Encoder { layers: (0..config.num_hidden_layers).map(layer).collect::<Result<_>>()? })
    }

    /// `x` `[b, t, c]`, same shape, through all but the last `skipped` layers.
    pub(super) fn forward(&self, mut x: Tensor, mask: Mask, skipped: usize) -> Tensor {
        for layer in &self.layers[..self.layers.len() - skipped] {
            x = layer.forward(&x, mask);
        }
        x
    }
}

/// One layer of the transformer. transformers: `CLIPEncoderLayer`.
struct Layer {
    layer_norm1: LayerNorm,
    self_attn: SelfAttention,
    layer_norm2: LayerNorm,
    mlp: Mlp,
}

impl Layer {
    fn new(scope: &Scope, config: &EncoderConfig) -> Result<Layer> {
        let (c, heads, eps) =
            (config.hidden_size, config.num_attention_heads, config.layer_norm_eps);
        let attention = scope.at("self_attn");
        Ok(Layer {
            layer_norm1: LayerNorm::new(&scope.at("layer_norm1"), c, eps)?,
            self_attn: SelfAttention::new(&attention, c, heads, &LinearNames::CLIP, Bias::All)?,
            layer_norm2: LayerNorm::new(&scope.at("layer_norm2"), c, eps)?,
            mlp: Mlp::new(&scope.at("mlp"), c, config.intermediate_size, config.hidden_act)?,
        })
    }

    /// `x` `[b, t, c]`, same shape.
    fn forward(&self, x: &Tensor, mask: Mask) -> Tensor {
        let x = self.self_attn.forward(&self.layer_norm1.forward(x), mask, x);
        self.mlp.forward(&self.layer_norm2.forward(&x), &x)
    }
}
