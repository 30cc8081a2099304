//! The operations that a matmul or convolution applies to its sums before it stores them.

use crate::activation::Activation;
use crate::gpu::kernel::Kernel;
use crate::ops::shared;
use crate::shape::Shape;
use crate::tensor::{Channels, Tensor};
use crate::wgsl;

impl Kernel {
    /// Adds the fragment of activations, specialised to `activation`.
    pub(super) fn activation(self, activation: Activation) -> Kernel {
        self.uint("ACTIVATION", activation as u32).with(shared::ACTIVATION)
    }
}

/// `y = activation(x·W + bias + shift) + residual`; or with the activation last, of the whole sum.
#[derive(Clone, Copy, Default)]
pub struct Epilogue<'a> {
    /// `[n]`, f32.
    pub bias: Option<&'a Tensor>,
    /// `n` channels of `[b, …]`: one vector for each element of the batch (the time embedding).
    pub shift: Option<Channels<'a>>,
    /// The activation.
    pub activation: Activation,
    /// The shape of the output.
    pub residual: Option<&'a Tensor>,
    /// Whether the activation is of the sum with the residual.
    pub activation_last: bool,
}

impl Epilogue<'_> {
    /// Panics where a part does not fit an output of `shape`, `[.., n]`, from `x` `[.., k]`.
    pub(super) fn check(&self, x: &Tensor, shape: Shape) {
        let n = shape.channels();
        if let Some(bias) = self.bias {
            assert_eq!(bias.shape().dims(), [n], "bias of {n} outputs");
        }
        if let Some(shift) = self.shift {
            let pictures = [shift.x.shape().rows(), shape.dims()[0]];
            assert_eq!([shift.count, pictures[0]], [n, pictures[1]], "shift of {shape:?}");
            assert_eq!(shift.x.precision(), x.precision(), "shift's precision");
        }
        if let Some(residual) = self.residual {
            assert_eq!(residual.shape().elements(), shape.elements(), "residual of {shape:?}");
            assert_eq!(residual.shape().channels(), n, "residual of {shape:?}");
            assert_eq!(residual.precision(), x.precision(), "residual's precision");
        }
    }

    /// In vec4: the length of a row of the shift, and the first of its channels that are added.
    pub(super) fn shift_row4_and_first4(&self) -> [u32; 2] {
        self.shift.map_or([0; 2], |shift| shift.row4_and_first4())
    }

    /// Adds the constants and the fragment to a kernel.
    pub(super) fn specialise(&self, kernel: Kernel) -> Kernel {
        kernel
            .flag("HAS_BIAS", self.bias.is_some())
            .flag("HAS_SHIFT", self.shift.is_some())
            .flag("HAS_RESIDUAL", self.residual.is_some())
            .flag("ACTIVATION_LAST", self.activation_last)
            .with(wgsl!("shared/epilogue"))
            .activation(self.activation)
    }
}
