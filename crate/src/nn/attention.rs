//! Attention: `out(softmax(q·kᵀ/√d)·v)` with `q = x·Wq`, `k = c·Wk`, `v = c·Wv`, where the context
//! `c` is `x` itself (self-attention) or the prompt (cross-attention).
//!
//! One layer serves all three models; they differ in the names of its four linears, in which of
//! them have biases, and in the mask. Keys and values of a context can be made once and used often:
//! the prompt's are the same at every step.

use super::linear::Linear;
use super::scope::Scope;
use crate::error::Result;
use crate::ops::Mask;
use crate::tensor::Tensor;

/// What the four linears are called, each with its alternatives: query, key, value, output.
pub struct Names([&'static [&'static str]; 4]);

impl Names {
    /// diffusers: `Attention`.
    pub const DIFFUSERS: Names = Names([&["to_q"], &["to_k"], &["to_v"], &["to_out.0"]]);
    /// The VAE's: as above, or as diffusers' earlier `AttentionBlock` had them (v1.4 as published).
    pub const VAE: Names = Names([
        &["to_q", "query"],
        &["to_k", "key"],
        &["to_v", "value"],
        &["to_out.0", "proj_attn"],
    ]);
    /// transformers: `CLIPAttention`.
    pub const CLIP: Names = Names([&["q_proj"], &["k_proj"], &["v_proj"], &["out_proj"]]);
}

/// Which linears have biases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bias {
    /// All four.
    All,
    /// The last alone.
    Out,
}

/// Keys and values of a context, both `[b, s, c]`.
#[derive(Clone)]
pub struct KeyValue {
    k: Tensor,
    v: Tensor,
}

/// Multi-head attention. diffusers: `Attention`; transformers: `CLIPAttention`.
pub struct Attention {
    to_q: Linear,
    to_k: Linear,
    to_v: Linear,
    to_out: Linear,
    heads: usize,
}

impl Attention {
    /// Over queries of `c` channels and a context of `c_context`; `heads` divides `c`.
    ///
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub fn new(
        scope: &Scope,
        [c, c_context]: [usize; 2],
        heads: usize,
        names: &Names,
        bias: Bias,
    ) -> Result<Attention> {
        let inner = match bias {
            Bias::All => Linear::new,
            Bias::Out => Linear::without_bias,
        };
        let [q, k, v, out] = names.0.map(|names| scope.either(names));
        Ok(Attention {
            to_q: inner(&q, c, c)?,
            to_k: inner(&k, c_context, c)?,
            to_v: inner(&v, c_context, c)?,
            to_out: Linear::new(&out, c, c)?,
            heads,
        })
    }

    /// Keys and values of `context` `[b, s, c_context]`.
    pub fn key_value(&self, context: &Tensor) -> KeyValue {
        KeyValue { k: self.to_k.forward(context), v: self.to_v.forward(context) }
    }

    /// `attention(x, x) + residual`, `x` `[b, t, c]`, same shape.
    pub fn forward(&self, x: &Tensor, mask: Mask, residual: &Tensor) -> Tensor {
        self.forward_to(x, &self.key_value(x), mask, residual)
    }

    /// `attention(x, context) + residual`, `x` `[b, t, c]`, same shape. A context of fewer pictures
    /// than `x` repeats.
    pub fn forward_to(&self, x: &Tensor, to: &KeyValue, mask: Mask, residual: &Tensor) -> Tensor {
        let q = self.to_q.forward(x);
        let values = q.attention(&to.k, &to.v, self.heads, mask);
        drop(q);
        self.to_out.forward_onto(&values, residual)
    }
}
