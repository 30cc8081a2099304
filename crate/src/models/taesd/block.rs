//! The block of encoder and decoder: three convolutions and a skip.

use crate::activation::Activation;
use crate::error::Result;
use crate::nn::{Conv2d, Scope};
use crate::tensor::Tensor;

/// `relu(conv(act(conv(act(conv(x))))) + x)`. diffusers: `AutoencoderTinyBlock`.
pub(super) struct Block {
    convs: [Conv2d; 3],
    act: Activation,
}

impl Block {
    /// Of `c` channels.
    ///
    /// # Errors
    /// [`Error::MissingTensor`](crate::Error::MissingTensor),
    /// [`Error::TensorShape`](crate::Error::TensorShape).
    pub(super) fn new(scope: &Scope, c: usize, act: Activation) -> Result<Block> {
        // The activations between them are numbered too.
        let conv = |i: usize| Conv2d::new(&scope.at("conv").at(i), c, c, 3);
        Ok(Block { convs: [conv(0)?, conv(2)?, conv(4)?], act })
    }

    /// `x` `[b, h, w, c]`, same shape.
    pub(super) fn forward(&self, x: &Tensor) -> Tensor {
        let [first, second, last] = &self.convs;
        let mut h = first.forward_activated(x, self.act);
        h = second.forward_activated(&h, self.act);
        last.forward_onto_activated(&h, x, Activation::Relu)
    }
}
