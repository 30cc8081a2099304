//! Normalisation: `y = (x − mean) / √(variance + ε) · γ + β`, over all pixels of a group of
//! channels or over the channels of a token. Always computed in f32.

use super::scope::Scope;
use crate::error::Result;
use crate::gpu::Gpu;
use crate::ops::{Activation, Affine, GroupStats};
use crate::tensor::Tensor;

/// Normalises over all pixels of a group of channels. torch: `GroupNorm`.
pub struct GroupNorm {
    weight: Tensor,
    bias: Tensor,
    groups: usize,
    eps: f32,
}

impl GroupNorm {
    /// Scales and biases `[c]`; `groups` divides `c`.
    ///
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub fn new(scope: &Scope, c: usize, groups: usize, eps: f32) -> Result<GroupNorm> {
        assert_eq!(c % groups, 0, "{groups} groups of {c} channels");
        let (weight, bias) = (scope.vector("weight", c)?, scope.vector("bias", c)?);
        Ok(GroupNorm { weight, bias, groups, eps })
    }

    /// `x` `[b, h, w, c]`, same shape.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        self.forward_activated(x, Activation::Identity)
    }

    /// `silu(norm(x))`, in one pass; `x` `[b, h, w, c]`, same shape.
    pub fn forward_silu(&self, x: &Tensor) -> Tensor {
        self.forward_activated(x, Activation::Silu)
    }

    /// Empty statistics for an input in bands of so many pixels each.
    pub fn stats(&self, gpu: &Gpu, bands: impl Iterator<Item = usize>) -> GroupStats {
        GroupStats::new(gpu, [self.groups, self.weight.shape().channels()], bands)
    }

    /// [`GroupNorm::forward_silu`] of some rows of an input, with the statistics of the whole
    /// input: `x` `[1, rows, w, c]`, same shape.
    pub fn forward_silu_by(&self, x: &Tensor, stats: &GroupStats) -> Tensor {
        let (gamma, beta, activation) = (&self.weight, &self.bias, Activation::Silu);
        x.group_norm_by(stats, &Affine { gamma, beta, eps: self.eps, activation })
    }

    fn forward_activated(&self, x: &Tensor, activation: Activation) -> Tensor {
        x.group_norm(self.groups, &self.weight, &self.bias, self.eps, activation)
    }
}

/// Normalises over the channels of each token. torch: `LayerNorm`.
pub struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
    eps: f32,
}

impl LayerNorm {
    /// Scales and biases `[c]`.
    ///
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub fn new(scope: &Scope, c: usize, eps: f32) -> Result<LayerNorm> {
        let (weight, bias) = (scope.vector("weight", c)?, scope.vector("bias", c)?);
        Ok(LayerNorm { weight, bias, eps })
    }

    /// `x` `[.., c]`, same shape.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        x.layer_norm(&self.weight, &self.bias, self.eps)
    }
}
