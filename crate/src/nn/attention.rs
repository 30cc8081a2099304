//! Attention: `out(softmax(q·kᵀ/√d)·v)` with `q = x·Wq`, `k = c·Wk`, `v = c·Wv`, where the context
//! `c` is `x` itself (self-attention) or the prompt (cross-attention).
//!
//! The layers serve all three models; they differ in the names of their four linears, in which of
//! them have biases, and in the mask. Projections of one input (q, k and v of `x`, or k and v of a
//! prompt) are one matrix product. Keys and values of a context can be computed once and used
//! often: the prompt's are the same at every step.

use std::ops::Range;

use super::joined::Joined;
use super::linear::Linear;
use super::scope::Scope;
use crate::error::Result;
use crate::ops::Mask;
use crate::tensor::{Channels, Tensor};

/// The names of the four linears, each with its alternatives: query, key, value, output.
pub struct LinearNames([&'static [&'static str]; 4]);

impl LinearNames {
    /// diffusers: `Attention`.
    pub const DIFFUSERS: LinearNames =
        LinearNames([&["to_q"], &["to_k"], &["to_v"], &["to_out.0"]]);
    /// The VAE's: as above, or those of diffusers' earlier `AttentionBlock` (v1.4 as published).
    pub const VAE: LinearNames = LinearNames([
        &["to_q", "query"],
        &["to_k", "key"],
        &["to_v", "value"],
        &["to_out.0", "proj_attn"],
    ]);
    /// transformers: `CLIPAttention`.
    pub const CLIP: LinearNames =
        LinearNames([&["q_proj"], &["k_proj"], &["v_proj"], &["out_proj"]]);
}

/// Which linears have biases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bias {
    /// All four.
    All,
    /// The last alone.
    Out,
}

/// Self-attention. diffusers: `Attention`; transformers: `CLIPAttention`.
pub struct SelfAttention {
    to_qkv: Linear,
    /// The outputs of `to_qkv` that are q, k and v.
    parts: [Range<usize>; 3],
    to_out: Linear,
    heads: usize,
}

impl SelfAttention {
    /// Over tokens of `c` channels; `heads` divides `c`.
    ///
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub fn new(
        scope: &Scope,
        c: usize,
        heads: usize,
        names: &LinearNames,
        bias: Bias,
    ) -> Result<SelfAttention> {
        let [q, k, v, out] = names.0.map(|names| scope.either(names));
        let mut joined = Joined::new(c, bias == Bias::All);
        let parts = [joined.ask(&q, c)?, joined.ask(&k, c)?, joined.ask(&v, c)?];
        let to_qkv = joined.build().expect("three layers");
        Ok(SelfAttention { to_qkv, parts, to_out: Linear::new(&out, c, c)?, heads })
    }

    /// `attention(x, x) + residual`, `x` `[b, t, c]`, same shape.
    pub fn forward(&self, x: &Tensor, mask: Mask, residual: &Tensor) -> Tensor {
        let values = self.values(x, mask);
        self.to_out.forward_onto(&values, residual)
    }

    /// `attention(x, x)`, `x` `[b, t, c]`, same shape.
    pub fn forward_alone(&self, x: &Tensor, mask: Mask) -> Tensor {
        self.to_out.forward(&self.values(x, mask))
    }

    fn values(&self, x: &Tensor, mask: Mask) -> Tensor {
        let bytes = (x.shape().rows() * self.to_qkv.n() * x.precision().bytes()) as u64;
        if bytes <= x.gpu().limits().binding {
            let qkv = self.to_qkv.forward(x);
            let [q, k, v] =
                self.parts.each_ref().map(|part| Channels::new(&qkv, part.start, part.len()));
            return Tensor::attend(q, k, v, self.heads, mask);
        }
        // One output with all three would not fit a binding.
        let [q, k, v] = self.parts.each_ref().map(|part| self.to_qkv.part(part.clone()).forward(x));
        q.attention(&k, &v, self.heads, mask)
    }
}

/// Keys and values of a context, side by side: `[b, s, channels of k and of v]`, where the channels
/// of v begin at a multiple of [`Weight::JOINT`](crate::weight::Weight::JOINT).
#[derive(Clone)]
pub struct KeyValue(Tensor);

/// Cross-attention: the context may have another number of channels. diffusers: `Attention`.
pub struct CrossAttention {
    to_q: Linear,
    to_kv: Linear,
    /// The outputs of `to_kv` that are k and v.
    parts: [Range<usize>; 2],
    to_out: Linear,
    heads: usize,
}

impl CrossAttention {
    /// Over queries of `c` channels and a context of `c_context`; `heads` divides `c`.
    ///
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub fn new(
        scope: &Scope,
        [c, c_context]: [usize; 2],
        heads: usize,
        names: &LinearNames,
        bias: Bias,
    ) -> Result<CrossAttention> {
        let make_q = match bias {
            Bias::All => Linear::new,
            Bias::Out => Linear::without_bias,
        };
        let [q, k, v, out] = names.0.map(|names| scope.either(names));
        let to_q = make_q(&q, c, c)?;
        let mut joined = Joined::new(c_context, bias == Bias::All);
        let parts = [joined.ask(&k, c)?, joined.ask(&v, c)?];
        let to_kv = joined.build().expect("two layers");
        Ok(CrossAttention { to_q, to_kv, parts, to_out: Linear::new(&out, c, c)?, heads })
    }

    /// Keys and values of `context` `[b, s, c_context]`.
    pub fn key_value(&self, context: &Tensor) -> KeyValue {
        KeyValue(self.to_kv.forward(context))
    }

    /// `attention(x, context) + residual`, `x` `[b, t, c]`, same shape. If the batch of the context
    /// is smaller, b / (its batch) consecutive elements of `x` use the same context.
    pub fn forward(&self, x: &Tensor, to: &KeyValue, residual: &Tensor) -> Tensor {
        let q = self.to_q.forward(x);
        let [k, v] = self.parts.each_ref().map(|part| Channels::new(&to.0, part.start, part.len()));
        let values = Tensor::attend((&q).into(), k, v, self.heads, Mask::None);
        drop(q);
        self.to_out.forward_onto(&values, residual)
    }
}
