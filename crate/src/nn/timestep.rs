//! The timestep as a vector: sines and cosines of it at frequencies from 1 down to 1/10000, then
//! two linears. All blocks of the UNet apply a silu to it first, so the silu is applied once, here.
//!
//! A latent consistency model has the guidance scale as an input, in the same form:
//! `x = sinusoid(timestep) + cond_proj(guidance_embedding(guidance_scale))`.

use super::linear::Linear;
use super::scope::Scope;
use crate::error::Result;
use crate::ops::Activation;
use crate::tensor::Tensor;

/// The longest period of the sinusoids, in units of 2π timesteps (diffusers' `max_period`).
const MAX_PERIOD: f64 = 10_000.0;

/// `[cos(t·ωᵢ)…, sin(t·ωᵢ)…]`, `ωᵢ = 10000^(−i / (c/2 − freq_shift))`; sines first unless
/// `flip_sin_to_cos`. diffusers: `Timesteps`, in f32 and in its order of roundings: at t = 999 an
/// ulp of a frequency moves the angle by 6e-5.
pub fn sinusoid(timestep: f64, c: usize, flip_sin_to_cos: bool, freq_shift: f64) -> Vec<f32> {
    let half = c / 2;
    let angle = |i: usize| {
        let exponent = -MAX_PERIOD.ln() as f32 * i as f32 / (half as f64 - freq_shift) as f32;
        let frequency = f64::from(exponent).exp() as f32;
        f64::from(timestep as f32 * frequency)
    };
    let sines = (0..half).map(|i| angle(i).sin() as f32);
    let cosines = (0..half).map(|i| angle(i).cos() as f32);
    if flip_sin_to_cos { cosines.chain(sines).collect() } else { sines.chain(cosines).collect() }
}

/// `[sin(w·ωᵢ)…, cos(w·ωᵢ)…]`, `w = 1000·(guidance_scale − 1)`, `ωᵢ = 10000^(−i / (c/2 − 1))`, `c`
/// an even number from 4 on. diffusers: `get_guidance_scale_embedding` of its
/// `LatentConsistencyModelPipeline`, in f32 and in its order of roundings: at a scale of 8.5 an ulp
/// of a frequency moves the angle by 4e-4.
pub fn guidance_embedding(guidance_scale: f64, c: usize) -> Vec<f32> {
    let half = c / 2;
    let w = (guidance_scale - 1.0) as f32 * 1000.0;
    let step = MAX_PERIOD.ln() as f32 / (half - 1) as f32;
    let angle = |i: usize| {
        let frequency = f64::from(i as f32 * -step).exp() as f32;
        f64::from(w * frequency)
    };
    let sines = (0..half).map(|i| angle(i).sin() as f32);
    sines.chain((0..half).map(|i| angle(i).cos() as f32)).collect()
}

/// `silu(W₂·silu(W₁·(x + W₀·cond) + b₁) + b₂)`. diffusers: `TimestepEmbedding`, with the silu that
/// every `ResnetBlock2D` puts on it; W₀ is its `cond_proj`.
pub struct TimestepEmbedding {
    cond_proj: Option<Linear>,
    linear_1: Linear,
    linear_2: Linear,
}

impl TimestepEmbedding {
    /// From a sinusoid of `c` channels to `c_time`; with a condition of `c_cond` channels where the
    /// model has one.
    ///
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub fn new(
        scope: &Scope,
        c: usize,
        c_time: usize,
        c_cond: Option<usize>,
    ) -> Result<TimestepEmbedding> {
        let cond_proj = |c_cond| Linear::without_bias(&scope.at("cond_proj"), c_cond, c);
        Ok(TimestepEmbedding {
            cond_proj: c_cond.map(cond_proj).transpose()?,
            linear_1: Linear::new(&scope.at("linear_1"), c, c_time)?,
            linear_2: Linear::new(&scope.at("linear_2"), c_time, c_time)?,
        })
    }

    /// `x` `[b, c]`, `cond` `[b, c_cond] → [b, c_time]`. Without a condition nothing is added, as
    /// in diffusers.
    ///
    /// # Panics
    /// For a condition that the model does not have.
    pub fn forward(&self, x: &Tensor, cond: Option<&Tensor>) -> Tensor {
        let conditioned = cond.map(|cond| {
            self.cond_proj.as_ref().expect("a model with a condition").forward_onto(cond, x)
        });
        let x = conditioned.as_ref().unwrap_or(x);
        let h = self.linear_1.forward_activated(x, Activation::Silu);
        self.linear_2.forward_activated(&h, Activation::Silu)
    }
}
