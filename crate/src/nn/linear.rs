//! A linear layer, `y = x·Wᵀ + b`. With channels last a 1×1 convolution is the same.

use std::ops::Range;

use super::scope::Scope;
use crate::error::Result;
use crate::ops::{Activation, Epilogue};
use crate::tensor::Tensor;
use crate::weight::Weight;

/// `[.., k] → [.., n]`. torch: `Linear`, and `Conv2d` with a kernel of one pixel.
pub struct Linear {
    weight: Weight,
    bias: Option<Tensor>,
}

impl Linear {
    /// Weights `[n, k]` and biases `[n]`.
    ///
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub fn new(scope: &Scope, k: usize, n: usize) -> Result<Linear> {
        let weight = scope.linear_weight("weight", k, n)?;
        Ok(Linear { weight, bias: Some(scope.vector("bias", n)?) })
    }

    /// Weights `[n, k]` only.
    ///
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub fn without_bias(scope: &Scope, k: usize, n: usize) -> Result<Linear> {
        Ok(Linear { weight: scope.linear_weight("weight", k, n)?, bias: None })
    }

    /// A 1×1 convolution: weights `[c_out, c_in, 1, 1]` and biases; channels are padded to a
    /// multiple of four.
    ///
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub fn pointwise(scope: &Scope, c_in: usize, c_out: usize) -> Result<Linear> {
        Linear::pointwise_part(scope, c_in, c_out, 0..c_out)
    }

    /// The outputs `rows` of a 1×1 convolution.
    ///
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub fn pointwise_part(
        scope: &Scope,
        c_in: usize,
        c_out: usize,
        rows: Range<usize>,
    ) -> Result<Linear> {
        let weight = scope.conv_weight("weight", c_in, c_out, 1, rows.clone())?;
        Ok(Linear { weight, bias: Some(scope.vector_part("bias", c_out, rows)?) })
    }

    /// From weights and biases `[n]` that exist already.
    pub(super) fn from_parts(weight: Weight, bias: Option<Tensor>) -> Linear {
        Linear { weight, bias }
    }

    /// Outputs.
    pub(super) fn n(&self) -> usize {
        self.weight.n()
    }

    /// A layer of some of the outputs, with the same buffers; the range begins at a multiple of
    /// [`Weight::JOINT`].
    pub(super) fn part(&self, outputs: Range<usize>) -> Linear {
        let bias = self.bias.as_ref().map(|bias| bias.part(outputs.clone()));
        Linear { weight: self.weight.part(outputs), bias }
    }

    /// `x` `[.., k] → [.., n]`.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        x.matmul(&self.weight, self.epilogue())
    }

    /// `activation(x·Wᵀ + b)`, `x` `[.., k] → [.., n]`.
    pub fn forward_activated(&self, x: &Tensor, activation: Activation) -> Tensor {
        x.matmul(&self.weight, Epilogue { activation, ..self.epilogue() })
    }

    /// `a · activation(g)`, where a is the first half of `x·Wᵀ + b` and g the second:
    /// `[.., k] → [.., n/2]`.
    pub fn forward_gated(&self, x: &Tensor, activation: Activation) -> Tensor {
        x.matmul_gated(&self.weight, self.bias.as_ref(), activation)
    }

    /// `x·Wᵀ + b + residual`, `x` `[.., k]` and `residual` `[.., n] → [.., n]`.
    pub fn forward_onto(&self, x: &Tensor, residual: &Tensor) -> Tensor {
        x.matmul(&self.weight, Epilogue { residual: Some(residual), ..self.epilogue() })
    }

    fn epilogue(&self) -> Epilogue<'_> {
        Epilogue { bias: self.bias.as_ref(), ..Epilogue::default() }
    }
}
