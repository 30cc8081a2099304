//! What follows the sums of a matmul or a convolution, on both sides.

use super::maths::activation;
use super::{Array, Case};
use darkroom::Precision;
use darkroom::gpu::Gpu;
use darkroom::ops::{Activation, Epilogue};
use darkroom::tensor::Channels;

/// Channels of others before those of a shift, and four come after.
const SHIFT_FIRST: usize = 8;

/// The numbers of an [`Epilogue`].
#[derive(Clone, Default)]
pub(crate) struct Ends {
    bias: Option<Array>,
    shift: Option<Array>,
    activation: Activation,
    residual: Option<Array>,
    activation_last: bool,
}

impl Ends {
    /// A bias only: what most layers have.
    pub(crate) fn bias(case: &Case, n: usize) -> Ends {
        Ends { bias: Some(case.parameters("bias", [n])), ..Ends::default() }
    }

    /// Any of them, for an output of this shape.
    pub(crate) fn some<const N: usize>(
        case: &Case,
        shape: [usize; N],
        [bias, shift, residual]: [bool; 3],
        activation: Activation,
    ) -> Ends {
        let (b, n) = (shape[0], shape[N - 1]);
        Ends {
            bias: bias.then(|| case.parameters("bias", [n])),
            shift: shift.then(|| case.activations("shift", [b, SHIFT_FIRST + n + 4])),
            activation,
            residual: residual.then(|| case.activations("residual", shape)),
            activation_last: false,
        }
    }

    /// The same with the activation after the residual.
    pub(crate) fn activated_last(self) -> Ends {
        Ends { activation_last: true, ..self }
    }

    /// `activation(sum + bias + shift) + residual` at one place of the output, or
    /// `activation(sum + bias + shift + residual)`.
    pub(crate) fn apply<const N: usize>(&self, sum: f64, at: [usize; N]) -> f64 {
        let (b, j) = (at[0], at[N - 1]);
        let bias = self.bias.as_ref().map_or(0.0, |bias| bias.at([j]));
        let shift = self.shift.as_ref().map_or(0.0, |shift| shift.at([b, SHIFT_FIRST + j]));
        let residual = self.residual.as_ref().map_or(0.0, |residual| residual.at(at));
        if self.activation_last {
            return activation(self.activation, sum + bias + shift + residual);
        }
        activation(self.activation, sum + bias + shift) + residual
    }

    /// Uploads them and calls the op.
    pub(crate) fn on<T>(&self, gpu: &Gpu, op: impl FnOnce(Epilogue<'_>) -> T) -> T {
        let tensor = |array: &Option<Array>| array.as_ref().map(|array| array.on(gpu));
        let (bias, shift, residual) =
            (tensor(&self.bias), tensor(&self.shift), tensor(&self.residual));
        op(Epilogue {
            bias: bias.as_ref(),
            shift: shift.as_ref().map(|shift| {
                let n = shift.shape().channels() - SHIFT_FIRST - 4;
                Channels::new(shift, SHIFT_FIRST, n)
            }),
            activation: self.activation,
            residual: residual.as_ref(),
            activation_last: self.activation_last,
        })
    }
}

/// Every choice of bias, shift and residual, and every function: each pair is a kernel to compile,
/// so not every pair of them, and in f16 only none and all.
pub(crate) fn epilogues(precision: Precision) -> impl Iterator<Item = ([bool; 3], Activation)> {
    let chosen = move |&i: &usize| precision == Precision::F32 || i == 0 || i == 7;
    (0..10).filter(chosen).map(|i| {
        let bits = i % 8;
        ([bits & 1 > 0, bits & 2 > 0, bits & 4 > 0], ACTIVATIONS[(i + 2) % 5])
    })
}

/// All pointwise functions.
pub(crate) const ACTIVATIONS: [Activation; 10] = [
    Activation::Identity,
    Activation::Silu,
    Activation::Gelu,
    Activation::GeluTanh,
    Activation::QuickGelu,
    Activation::Relu,
    Activation::Bounded,
    Activation::Signed,
    Activation::Unsigned,
    Activation::LeakyRelu,
];
