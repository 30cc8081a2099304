//! The text encoder: token ids to a context that the UNet attends to.
//!
//! ```text
//! x = token_embedding[ids] + position_embedding
//! each layer:  x = x + self_attn(layer_norm1(x))      a token sees itself and those before it
//!              x = x + mlp(layer_norm2(x))
//! context = final_layer_norm(x)
//! ```
//!
//! Stable Diffusion v1 uses the last layer's states of all 77 tokens, not CLIP's pooled vector.

mod config;

pub use config::TextConfig;

use crate::dtype::Precision;
use crate::error::Result;
use crate::nn::{Attention, Bias, LayerNorm, Mlp, Names, Scope, TokenEmbedding};
use crate::ops::Mask;
use crate::tensor::Tensor;

/// CLIP's text transformer. transformers: `CLIPTextModel`.
pub struct TextEncoder {
    embeddings: TokenEmbedding,
    layers: Vec<Layer>,
    final_layer_norm: LayerNorm,
    positions: usize,
}

impl TextEncoder {
    /// From the root of the checkpoint. Names may or may not begin with `text_model` (transformers
    /// 5 has dropped it).
    ///
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub fn new(scope: &Scope, config: &TextConfig) -> Result<TextEncoder> {
        let bare = scope.at("final_layer_norm").has("weight");
        let prefixed = scope.at("text_model");
        let scope =
            if bare && !prefixed.at("final_layer_norm").has("weight") { scope } else { &prefixed };
        let (vocab, c) = (config.vocab_size, config.hidden_size);
        let positions = config.max_position_embeddings;
        let layers = scope.at("encoder.layers");
        Ok(TextEncoder {
            embeddings: TokenEmbedding::new(&scope.at("embeddings"), vocab, positions, c)?,
            layers: (0..config.num_hidden_layers)
                .map(|i| Layer::new(&layers.at(i), config))
                .collect::<Result<_>>()?,
            final_layer_norm: LayerNorm::new(
                &scope.at("final_layer_norm"),
                c,
                config.layer_norm_eps,
            )?,
            positions,
        })
    }

    /// Tokens of a prompt: 77.
    pub fn positions(&self) -> usize {
        self.positions
    }

    /// `ids`, whole rows of [`TextEncoder::positions`] tokens → `[rows, positions, c]`.
    ///
    /// # Panics
    /// When an id is not below the config's `vocab_size`, or a row is not whole.
    pub fn forward(&self, ids: &[u32], precision: Precision) -> Tensor {
        let mut x = self.embeddings.forward(ids, precision);
        for layer in &self.layers {
            x = layer.forward(&x);
        }
        self.final_layer_norm.forward(&x)
    }
}

/// One layer of the transformer. transformers: `CLIPEncoderLayer`.
struct Layer {
    layer_norm1: LayerNorm,
    self_attn: Attention,
    layer_norm2: LayerNorm,
    mlp: Mlp,
}

impl Layer {
    fn new(scope: &Scope, config: &TextConfig) -> Result<Layer> {
        let (c, heads, eps) =
            (config.hidden_size, config.num_attention_heads, config.layer_norm_eps);
        let attention = scope.at("self_attn");
        Ok(Layer {
            layer_norm1: LayerNorm::new(&scope.at("layer_norm1"), c, eps)?,
            self_attn: Attention::new(&attention, [c, c], heads, &Names::CLIP, Bias::All)?,
            layer_norm2: LayerNorm::new(&scope.at("layer_norm2"), c, eps)?,
            mlp: Mlp::new(&scope.at("mlp"), c, config.intermediate_size, config.hidden_act)?,
        })
    }

    /// `x` `[b, t, c]`, same shape.
    fn forward(&self, x: &Tensor) -> Tensor {
        let x = self.self_attn.forward(&self.layer_norm1.forward(x), Mask::Causal, x);
        self.mlp.forward(&self.layer_norm2.forward(&x), &x)
    }
}
