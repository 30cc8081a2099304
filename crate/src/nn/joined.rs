//! Several linear layers over one input as one matrix: the queries, keys and values of an
//! attention; the projections of the time for all resnets of a UNet. One dispatch makes all their
//! outputs, and the input is read once.
//!
//! Each layer's outputs begin at a multiple of [`Weight::JOINT`]; what lies between is zero.

use std::ops::Range;

use super::linear::Linear;
use super::scope::Scope;
use crate::dtype::WeightType;
use crate::error::Result;
use crate::tensor::Tensor;
use crate::weight::Weight;

/// Linear layers of `k` inputs, asked for one by one.
pub struct Joined {
    k: usize,
    has_bias: bool,
    layers: Vec<Layer>,
}

struct Layer {
    scope: Scope,
    n: usize,
    /// Its outputs among those of all.
    outputs: Range<usize>,
    weight_type: WeightType,
}

impl Joined {
    /// None yet, of `k` inputs each, all with biases or all without.
    pub fn new(k: usize, has_bias: bool) -> Joined {
        Joined { k, has_bias, layers: Vec::new() }
    }

    /// Adds the layer at `scope`: weights `[n, k]` and biases `[n]`. Returns which of the outputs
    /// will be its own.
    ///
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub fn ask(&mut self, scope: &Scope, n: usize) -> Result<Range<usize>> {
        let weight_type = scope.check_linear(self.k, n, self.has_bias)?;
        let first = self.outputs();
        let outputs = first..first + n.next_multiple_of(Weight::JOINT);
        self.layers.push(Layer { scope: scope.clone(), n, outputs, weight_type });
        Ok(first..first + n)
    }

    fn outputs(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.outputs.end)
    }

    /// All of them as one layer; none when nothing was asked for.
    pub fn build(self) -> Option<Linear> {
        let first = self.layers.first()?;
        let gpu = first.scope.gpu();
        // Layers of different types take the one that loses nothing.
        let same = self.layers.iter().all(|layer| layer.weight_type == first.weight_type);
        let weight_type = if same { first.weight_type } else { WeightType::F32 };
        let n = self.outputs();
        let weight = Weight::empty(gpu, self.k, n, weight_type);
        let bias = self.has_bias.then(|| Tensor::weights(gpu, [n]));
        for Layer { scope, n, outputs, .. } in &self.layers {
            scope.request_linear(*n, &weight, bias.as_ref(), outputs);
        }
        Some(Linear::from_parts(weight, bias))
    }
}
