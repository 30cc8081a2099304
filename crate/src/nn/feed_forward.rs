//! The feed-forward layers of transformers: two linears with an activation between them.

use super::linear::Linear;
use super::scope::Scope;
use crate::error::Result;
use crate::ops::Activation;
use crate::tensor::Tensor;

/// `W₂·(a · gelu(g)) + b₂` with `[a, g] = W₁·x + b₁`, with four times as many channels inside; the
/// gelu is the exact one (erf). diffusers: `FeedForward` with `geglu`.
pub struct GatedFeedForward {
    proj: Linear,
    out: Linear,
    gelu: Activation,
}

impl GatedFeedForward {
    /// The ratio of the channels inside the layer to those of its input (diffusers' `mult`).
    const MULT: usize = 4;

    /// Over `c` channels; the linears are `net.0.proj` and `net.2` (`net.1` is dropout).
    ///
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub fn new(scope: &Scope, c: usize) -> Result<GatedFeedForward> {
        let net = scope.at("net");
        Ok(GatedFeedForward {
            proj: Linear::new(&net.at("0.proj"), c, 2 * Self::MULT * c)?,
            out: Linear::new(&net.at(2), Self::MULT * c, c)?,
            gelu: Activation::Gelu,
        })
    }

    /// The layer of `x` plus `residual`, `x` `[b, t, c]`, same shape.
    pub fn forward(&self, x: &Tensor, residual: &Tensor) -> Tensor {
        let gated = self.proj.forward_gated(x, self.gelu);
        self.out.forward_onto(&gated, residual)
    }
}

/// `W₂·f(W₁·x + b₁) + b₂`. transformers: `CLIPMLP`.
pub struct Mlp {
    fc1: Linear,
    fc2: Linear,
    activation: Activation,
}

impl Mlp {
    /// Over `c` channels, `inner` inside.
    ///
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub fn new(scope: &Scope, c: usize, inner: usize, activation: Activation) -> Result<Mlp> {
        let fc1 = Linear::new(&scope.at("fc1"), c, inner)?;
        Ok(Mlp { fc1, fc2: Linear::new(&scope.at("fc2"), inner, c)?, activation })
    }

    /// The layer of `x` plus `residual`, `x` `[b, t, c]`, same shape.
    pub fn forward(&self, x: &Tensor, residual: &Tensor) -> Tensor {
        let inner = self.fc1.forward_activated(x, self.activation);
        self.fc2.forward_onto(&inner, residual)
    }
}
