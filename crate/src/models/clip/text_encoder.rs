//! The text encoder: turns token ids into the context that the UNet attends to.
//!
//! ```text
//! x = token_embedding[ids] + position_embedding
//! context = final_layer_norm(encoder(x))              with a causal mask
//! ```
//!
//! Stable Diffusion v1 uses the last layer's states of all 77 tokens, not CLIP's pooled vector.

use super::config::TextConfig;
use super::encoder::Encoder;
use crate::dtype::Precision;
use crate::error::Result;
use crate::nn::{LayerNorm, Scope, TokenEmbedding};
use crate::ops::Mask;
use crate::tensor::Tensor;

/// CLIP's text transformer. transformers: `CLIPTextModel`.
pub struct TextEncoder {
    embeddings: TokenEmbedding,
    encoder: Encoder,
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
        let (vocab, c) = (config.vocab_size, config.encoder.hidden_size);
        let positions = config.max_position_embeddings;
        Ok(TextEncoder {
            embeddings: TokenEmbedding::new(&scope.at("embeddings"), vocab, positions, c)?,
            encoder: Encoder::new(&scope.at("encoder"), &config.encoder)?,
            final_layer_norm: LayerNorm::new(
                &scope.at("final_layer_norm"),
                c,
                config.encoder.layer_norm_eps,
            )?,
            positions,
        })
    }

    /// The same encoder with these further rows `[n, c]`, or none, behind those of its token
    /// embedding: the vectors of textual inversions, whose ids begin at the config's `vocab_size`.
    ///
    /// # Panics
    /// When they are not whole rows.
    #[must_use]
    pub fn with_rows(mut self, rows: &[f32]) -> TextEncoder {
        self.embeddings.set_rows(rows);
        self
    }

    /// Tokens of a prompt: 77.
    pub fn positions(&self) -> usize {
        self.positions
    }

    /// `ids`, rows of [`TextEncoder::positions`] tokens each → `[rows, positions, c]`.
    ///
    /// # Panics
    /// When an id is not below the config's `vocab_size` and the further rows, or a row of ids is
    /// incomplete.
    pub fn forward(&self, ids: &[u32], precision: Precision) -> Tensor {
        self.forward_without(ids, precision, 0)
    }

    /// [`TextEncoder::forward`] without the last `skipped` layers, but with the final norm: `[rows,
    /// positions, c]`.
    ///
    /// # Panics
    /// As [`TextEncoder::forward`], or when there are fewer layers.
    pub fn forward_without(&self, ids: &[u32], precision: Precision, skipped: usize) -> Tensor {
        let x = self.embeddings.forward(ids, precision);
        self.final_layer_norm.forward(&self.encoder.forward(x, Mask::Causal, skipped))
    }
}
