//! The transformer of CLIP's two towers on candle-nn. candle-transformers has one too, but only in
//! the published sizes, because the fields of its config are private.

use crate::models::clip::EncoderConfig;
use crate::ops::Activation;
use candle_core::{D, Result, Tensor};
use candle_nn::{LayerNorm, Linear, Module, VarBuilder, layer_norm, linear, ops};

/// transformers: `CLIPEncoder`.
pub(super) struct Encoder(Vec<Layer>);

impl Encoder {
    /// # Errors
    /// That of candle for a tensor that is missing or has another shape.
    pub(super) fn new(vars: &VarBuilder, config: &EncoderConfig) -> Result<Encoder> {
        let layers = vars.pp("layers");
        let layer = |i| Layer::new(&layers.pp(i), config);
        Ok(Encoder((0..config.num_hidden_layers).map(layer).collect::<Result<_>>()?))
    }

    /// `x` `[b, t, c]`, same shape, through all but the last `skipped` layers; `mask` `[t, t]` is
    /// added to the scores.
    ///
    /// # Errors
    /// That of candle.
    pub(super) fn forward(
        &self,
        mut x: Tensor,
        mask: Option<&Tensor>,
        skipped: usize,
    ) -> Result<Tensor> {
        for layer in &self.0[..self.0.len() - skipped] {
            x = layer.forward(&x, mask)?;
        }
        Ok(x)
    }
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

impl Layer {
    fn new(vars: &VarBuilder, config: &EncoderConfig) -> Result<Layer> {
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

    fn forward(&self, x: &Tensor, mask: Option<&Tensor>) -> Result<Tensor> {
        let x = (x + self.attend(&self.layer_norm1.forward(x)?, mask)?)?;
        let hidden = self.fc1.forward(&self.layer_norm2.forward(&x)?)?;
        &x + self.fc2.forward(&activate(self.activation, &hidden)?)?
    }

    /// softmax(q·kᵀ/√d + mask)·v for each head.
    fn attend(&self, x: &Tensor, mask: Option<&Tensor>) -> Result<Tensor> {
        let (b, t, c) = x.dims3()?;
        let width = c / self.heads;
        // [b, t, c] → [b, heads, t, width]
        let split = |x: Tensor| x.reshape((b, t, self.heads, width))?.transpose(1, 2)?.contiguous();
        let q = split((self.q.forward(x)? * (width as f64).powf(-0.5))?)?;
        let (k, v) = (split(self.k.forward(x)?)?, split(self.v.forward(x)?)?);
        let scores = q.matmul(&k.transpose(D::Minus2, D::Minus1)?.contiguous()?)?;
        let scores = mask.map_or(Ok(scores.clone()), |mask| scores.broadcast_add(mask))?;
        let shares = ops::softmax_last_dim(&scores)?;
        self.out.forward(&shares.matmul(&v)?.transpose(1, 2)?.reshape((b, t, c))?)
    }
}

/// A pointwise function of every element.
///
/// # Errors
/// That of candle.
pub(super) fn activate(activation: Activation, x: &Tensor) -> Result<Tensor> {
    match activation {
        Activation::Identity => Ok(x.clone()),
        Activation::Silu => x.silu(),
        Activation::Gelu => x.gelu_erf(),
        Activation::GeluTanh => x.gelu(),
        Activation::QuickGelu => x * ops::sigmoid(&(x * 1.702)?)?,
        Activation::Relu => x.relu(),
        Activation::Bounded => (x / 3.0)?.tanh()? * 3.0,
        Activation::Signed => x.affine(2.0, -1.0),
        Activation::Unsigned => x.affine(0.5, 0.5),
        Activation::LeakyRelu => x.maximum(&(x * 0.2)?),
    }
}
