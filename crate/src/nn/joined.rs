//! Several linear layers with the same input as one matrix: the queries, keys and values of an
//! attention; the projections of the timestep for all resnets of a UNet. One dispatch computes all
//! outputs, and the input is read once.
//!
//! Each layer's outputs begin at a multiple of [`Weight::JOINT`]; the outputs between layers are
//! zero.

use std::ops::Range;

use super::linear::Linear;
use super::scope::Scope;
use crate::dtype::WeightType;
use crate::error::Result;
use crate::tensor::Tensor;
use crate::weight::Weight;

/// Linear layers of `k` inputs, which are added one by one.
pub struct Joined {
    k: usize,
    has_bias: bool,
    layers: Vec<Layer>,
}

struct Layer {
    scope: Scope,
    n: usize,
    /// Its range of the joined outputs.
    outputs: Range<usize>,
    weight_type: WeightType,
}

impl Joined {
    /// No layers yet; each will have `k` inputs, and all have biases or none has.
    pub fn new(k: usize, has_bias: bool) -> Joined {
        Joined { k, has_bias, layers: Vec::new() }
    }

    /// Adds the layer at `scope`: weights `[n, k]` and biases `[n]`. Returns its range of the
    /// joined outputs.
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

    /// All of them as one layer; `None` if no layer was added.
    pub fn build(self) -> Option<Linear> {
        let first = self.layers.first()?;
        let gpu = first.scope.gpu();
        // Layers of different types are stored as the type that keeps all their values.
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
