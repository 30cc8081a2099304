//! CLIP's text encoder on candle-nn.

use super::encoder::Encoder;
use crate::models::clip::TextConfig;
use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{Embedding, LayerNorm, Module, VarBuilder, embedding, layer_norm};

/// transformers: `CLIPTextModel`.
pub(super) struct TextEncoder {
    tokens: Embedding,
    /// The vectors of textual inversions `[n, c]`, whose ids follow those of `tokens`.
    learned: Option<Embedding>,
    positions: Embedding,
    encoder: Encoder,
    final_layer_norm: LayerNorm,
}

impl TextEncoder {
    /// # Errors
    /// That of candle for a tensor that is missing or has another shape.
    pub(super) fn new(vars: &VarBuilder, config: &TextConfig) -> Result<TextEncoder> {
        let prefixed = vars.contains_tensor("text_model.final_layer_norm.weight");
        let vars = if prefixed { vars.pp("text_model") } else { vars.clone() };
        let (c, eps) = (config.encoder.hidden_size, f64::from(config.encoder.layer_norm_eps));
        let embeddings = vars.pp("embeddings");
        let positions = config.max_position_embeddings;
        Ok(TextEncoder {
            tokens: embedding(config.vocab_size, c, embeddings.pp("token_embedding"))?,
            learned: None,
            positions: embedding(positions, c, embeddings.pp("position_embedding"))?,
            encoder: Encoder::new(&vars.pp("encoder"), &config.encoder)?,
            final_layer_norm: layer_norm(c, eps, vars.pp("final_layer_norm"))?,
        })
    }

    /// The same encoder with the vectors `[n, c]` of textual inversions.
    ///
    /// # Errors
    /// That of candle for vectors of another width.
    pub(super) fn set_rows(&mut self, rows: &[f32]) -> Result<()> {
        let c = self.tokens.hidden_size();
        self.learned = None;
        if !rows.is_empty() {
            let rows = Tensor::from_slice(rows, (rows.len() / c, c), &Device::Cpu)?;
            self.learned = Some(Embedding::new(rows, c));
        }
        Ok(())
    }

    /// `ids` `[b, tokens]` → `[b, tokens, c]`: rows of the table, or learned ones.
    fn embed(&self, ids: &Tensor) -> Result<Tensor> {
        let Some(learned) = &self.learned else { return self.tokens.forward(ids) };
        let vocab = self.tokens.embeddings().dim(0)? as u32;
        let known = self.tokens.forward(&ids.minimum(vocab - 1)?)?;
        let behind = ids.maximum(vocab)?.broadcast_sub(&Tensor::new(vocab, ids.device())?)?;
        let is_learned = ids.ge(vocab)?.unsqueeze(2)?.broadcast_as(known.shape())?;
        is_learned.where_cond(&learned.forward(&behind)?, &known)
    }

    /// `ids` `[b, tokens]` → `[b, tokens, c]`, without the last `skipped` layers.
    ///
    /// # Errors
    /// That of candle.
    pub(super) fn forward(&self, ids: &Tensor, skipped: usize) -> Result<Tensor> {
        let tokens = ids.dim(1)?;
        let places = Tensor::arange(0, tokens as u32, ids.device())?;
        let positions = self.positions.forward(&places)?;
        let x = self.embed(ids)?.broadcast_add(&positions)?;
        let mask = causal_mask(tokens, ids)?;
        self.final_layer_norm.forward(&self.encoder.forward(x, Some(&mask), skipped)?)
    }
}

/// `[tokens, tokens]`: −∞ for every key after the query, 0 for the others.
fn causal_mask(tokens: usize, like: &Tensor) -> Result<Tensor> {
    let value = |i: usize| if i % tokens > i / tokens { f32::NEG_INFINITY } else { 0.0 };
    let values: Vec<f32> = (0..tokens * tokens).map(value).collect();
    Tensor::from_vec(values, (tokens, tokens), like.device())?.to_dtype(DType::F32)
}
