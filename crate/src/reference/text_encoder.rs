//! CLIP's text encoder on candle-nn. candle-transformers has one, but only in the published sizes:
//! the fields of its config are private.

use crate::models::clip::TextConfig;
use crate::ops::Activation;
use candle_core::{D, DType, Result, Tensor};
use candle_nn::{
    Embedding, LayerNorm, Linear, Module, VarBuilder, embedding, layer_norm, linear, ops,
};

/// transformers: `CLIPTextModel`.
pub struct TextEncoder {
    tokens: Embedding,
    positions: Embedding,
    layers: Vec<Layer>,
    final_layer_norm: LayerNorm,
}

/// transformers: `CLIPEncoderLayer`.
struct Layer {
    layer_norm1: LayerNorm,
    q: Linear,
    k: Linear,
    v: Linear,
    out: Linear,
    layer_norm2: LayerNorm,
    fc1: Linear,
    fc2: Linear,
    heads: usize,
    activation: Activation,
}

impl TextEncoder {
    pub fn new(vars: &VarBuilder, config: &TextConfig) -> Result<TextEncoder> {
        let prefixed = vars.contains_tensor("text_model.final_layer_norm.weight");
        let vars = if prefixed { vars.pp("text_model") } else { vars.clone() };
        let (c, eps) = (config.hidden_size, f64::from(config.layer_norm_eps));
        let embeddings = vars.pp("embeddings");
        let positions = config.max_position_embeddings;
        let layers = vars.pp("encoder.layers");
        Ok(TextEncoder {
            tokens: embedding(config.vocab_size, c, embeddings.pp("token_embedding"))?,
            positions: embedding(positions, c, embeddings.pp("position_embedding"))?,
            layers: (0..config.num_hidden_layers)
                .map(|i| Layer::new(&layers.pp(i), config))
                .collect::<Result<_>>()?,
            final_layer_norm: layer_norm(c, eps, vars.pp("final_layer_norm"))?,
        })
    }

    /// `ids` `[b, tokens]` → `[b, tokens, c]`.
    pub fn forward(&self, ids: &Tensor) -> Result<Tensor> {
        let tokens = ids.dim(1)?;
        let places = Tensor::arange(0, tokens as u32, ids.device())?;
        let positions = self.positions.forward(&places)?;
        let mut x = self.tokens.forward(ids)?.broadcast_add(&positions)?;
        let mask = causal_mask(tokens, ids)?;
        for layer in &self.layers {
            x = layer.forward(&x, &mask)?;
        }
        self.final_layer_norm.forward(&x)
    }
}

/// `[tokens, tokens]`: −∞ for every key after its query.
fn causal_mask(tokens: usize, like: &Tensor) -> Result<Tensor> {
    let value = |i: usize| if i % tokens > i / tokens { f32::NEG_INFINITY } else { 0.0 };
    let values: Vec<f32> = (0..tokens * tokens).map(value).collect();
    Tensor::from_vec(values, (tokens, tokens), like.device())?.to_dtype(DType::F32)
}

impl Layer {
    fn new(vars: &VarBuilder, config: &TextConfig) -> Result<Layer> {
        let (c, eps) = (config.hidden_size, f64::from(config.layer_norm_eps));
        let (attention, mlp) = (vars.pp("self_attn"), vars.pp("mlp"));
        Ok(Layer {
            layer_norm1: layer_norm(c, eps, vars.pp("layer_norm1"))?,
            q: linear(c, c, attention.pp("q_proj"))?,
            k: linear(c, c, attention.pp("k_proj"))?,
            v: linear(c, c, attention.pp("v_proj"))?,
            out: linear(c, c, attention.pp("out_proj"))?,
            layer_norm2: layer_norm(c, eps, vars.pp("layer_norm2"))?,
            fc1: linear(c, config.intermediate_size, mlp.pp("fc1"))?,
            fc2: linear(config.intermediate_size, c, mlp.pp("fc2"))?,
            heads: config.num_attention_heads,
            activation: config.hidden_act,
        })
    }

    fn forward(&self, x: &Tensor, mask: &Tensor) -> Result<Tensor> {
        let x = (x + self.attend(&self.layer_norm1.forward(x)?, mask)?)?;
        let hidden = self.fc1.forward(&self.layer_norm2.forward(&x)?)?;
        &x + self.fc2.forward(&activate(self.activation, &hidden)?)?
    }

    /// softmax(q·kᵀ/√d + mask)·v for each head.
    fn attend(&self, x: &Tensor, mask: &Tensor) -> Result<Tensor> {
        let (b, t, c) = x.dims3()?;
        let width = c / self.heads;
        // [b, t, c] → [b, heads, t, width]
        let split = |x: Tensor| x.reshape((b, t, self.heads, width))?.transpose(1, 2)?.contiguous();
        let q = split((self.q.forward(x)? * (width as f64).powf(-0.5))?)?;
        let (k, v) = (split(self.k.forward(x)?)?, split(self.v.forward(x)?)?);
        let scores = q.matmul(&k.transpose(D::Minus2, D::Minus1)?.contiguous()?)?;
        let shares = ops::softmax_last_dim(&scores.broadcast_add(mask)?)?;
        self.out.forward(&shares.matmul(&v)?.transpose(1, 2)?.reshape((b, t, c))?)
    }
}

fn activate(activation: Activation, x: &Tensor) -> Result<Tensor> {
    match activation {
        Activation::Identity => Ok(x.clone()),
        Activation::Silu => x.silu(),
        Activation::Gelu => x.gelu_erf(),
        Activation::GeluTanh => x.gelu(),
        Activation::QuickGelu => x * ops::sigmoid(&(x * 1.702)?)?,
    }
}
