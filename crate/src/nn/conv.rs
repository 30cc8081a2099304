//! Convolutions over `[b, h, w, c]`, and those that downsample and upsample.

use std::ops::Range;

use super::scope::Scope;
use crate::activation::Activation;
use crate::error::Result;
use crate::ops::{Epilogue, Window};
use crate::tensor::{Channels, Tensor};
use crate::weight::Weight;

/// `[b, h, w, c_in] → [b, h', w', c_out]`. torch: `Conv2d`.
pub struct Conv2d {
    weight: Weight,
    bias: Option<Tensor>,
    window: Window,
}

impl Conv2d {
    /// Weights `[c_out, c_in, kernel, kernel]` and biases `[c_out]`, with an odd kernel and the
    /// padding that keeps height and width; channels are padded to a multiple of four.
    ///
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub fn new(scope: &Scope, c_in: usize, c_out: usize, kernel: usize) -> Result<Conv2d> {
        Conv2d::part(scope, c_in, c_out, kernel, 0..c_out)
    }

    /// The output channels `rows` of such a convolution.
    ///
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub fn part(
        scope: &Scope,
        c_in: usize,
        c_out: usize,
        kernel: usize,
        rows: Range<usize>,
    ) -> Result<Conv2d> {
        let border = (kernel - 1) / 2;
        Ok(Conv2d {
            weight: scope.conv_weight("weight", c_in, c_out, kernel, rows.clone())?,
            bias: Some(scope.vector_part("bias", c_out, rows)?),
            window: Window { kernel, stride: 1, padding: [border; 2], resize: None },
        })
    }

    /// The same without biases.
    ///
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub fn unbiased(scope: &Scope, c_in: usize, c_out: usize, kernel: usize) -> Result<Conv2d> {
        let border = (kernel - 1) / 2;
        Ok(Conv2d {
            weight: scope.conv_weight("weight", c_in, c_out, kernel, 0..c_out)?,
            bias: None,
            window: Window { kernel, stride: 1, padding: [border; 2], resize: None },
        })
    }

    /// The same convolution with another stride.
    #[must_use]
    pub fn with_stride(self, stride: usize) -> Conv2d {
        Conv2d { window: Window { stride, ..self.window }, ..self }
    }

    /// Weights `[c_out, c_in, size, size]` only: a stride of `size`, so that each patch of the
    /// input becomes one pixel.
    ///
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub fn patches(scope: &Scope, c_in: usize, c_out: usize, size: usize) -> Result<Conv2d> {
        let weight = scope.conv_weight("weight", c_in, c_out, size, 0..c_out)?;
        let window = Window { kernel: size, stride: size, padding: [0; 2], resize: None };
        Ok(Conv2d { weight, bias: None, window })
    }

    /// `x` `[b, h, w, c_in] → [b, h', w', c_out]`.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        x.conv2d(&self.weight, self.window, self.epilogue())
    }

    /// The convolution plus one vector for each element of the batch: `shift`, c_out channels of
    /// `[b, …]`.
    pub fn forward_shifted(&self, x: &Tensor, shift: Option<Channels<'_>>) -> Tensor {
        x.conv2d(&self.weight, self.window, Epilogue { shift, ..self.epilogue() })
    }

    /// The convolution plus `residual` `[b, h', w', c_out]`.
    pub fn forward_onto(&self, x: &Tensor, residual: &Tensor) -> Tensor {
        let residual = Some(residual);
        x.conv2d(&self.weight, self.window, Epilogue { residual, ..self.epilogue() })
    }

    /// `activation(conv(x))`, `x` `[b, h, w, c_in] → [b, h', w', c_out]`.
    pub fn forward_activated(&self, x: &Tensor, activation: Activation) -> Tensor {
        x.conv2d(&self.weight, self.window, Epilogue { activation, ..self.epilogue() })
    }

    /// `activation(conv(x) + residual)`, `residual` `[b, h', w', c_out]`.
    pub fn forward_onto_activated(
        &self,
        x: &Tensor,
        residual: &Tensor,
        activation: Activation,
    ) -> Tensor {
        let ends = Epilogue {
            residual: Some(residual),
            activation,
            activation_last: true,
            ..self.epilogue()
        };
        x.conv2d(&self.weight, self.window, ends)
    }

    /// The convolution of `x` `[b, h, w, c_in]` as if it had been resized to twice its height and
    /// width (nearest neighbour): `[b, 2h, 2w, c_out]`.
    pub fn forward_doubled(&self, x: &Tensor) -> Tensor {
        self.forward_doubled_activated(x, Activation::Identity)
    }

    /// `activation` of [`Conv2d::forward_doubled`]: `[b, h, w, c_in] → [b, 2h, 2w, c_out]`.
    pub fn forward_doubled_activated(&self, x: &Tensor, activation: Activation) -> Tensor {
        let [_, height, width, _] = x.shape().image();
        let window = Window { resize: Some([2 * height, 2 * width]), ..self.window };
        x.conv2d(&self.weight, window, Epilogue { activation, ..self.epilogue() })
    }

    fn epilogue(&self) -> Epilogue<'_> {
        Epilogue { bias: self.bias.as_ref(), ..Epilogue::default() }
    }
}

/// Halves height and width by a 3×3 convolution with stride two. diffusers: `Downsample2D`.
pub struct Downsample {
    conv: Conv2d,
}

impl Downsample {
    /// `padding`: zeros before the first and after the last row and column. `[1, 1]` in v1.4's
    /// UNet; `[0, 1]` in the VAE, where diffusers pads one side only.
    ///
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub fn new(scope: &Scope, c: usize, padding: [usize; 2]) -> Result<Downsample> {
        let conv = Conv2d::new(&scope.at("conv"), c, c, 3)?;
        let window = Window { stride: 2, padding, ..conv.window };
        Ok(Downsample { conv: Conv2d { window, ..conv } })
    }

    /// `x` `[b, h, w, c] → [b, ⌈h/2⌉, ⌈w/2⌉, c]` (for padding `[1, 1]`).
    pub fn forward(&self, x: &Tensor) -> Tensor {
        self.conv.forward(x)
    }
}

/// Resizes by nearest neighbour, then a 3×3 convolution. The resized input is never stored: the
/// convolution computes its pixels from those of `x`. diffusers: `Upsample2D`.
pub struct Upsample {
    conv: Conv2d,
}

impl Upsample {
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub fn new(scope: &Scope, c: usize) -> Result<Upsample> {
        Ok(Upsample { conv: Conv2d::new(&scope.at("conv"), c, c, 3)? })
    }

    /// `x` `[b, h, w, c] → [b, height, width, c]`.
    pub fn forward(&self, x: &Tensor, [height, width]: [usize; 2]) -> Tensor {
        let window = Window { resize: Some([height, width]), ..self.conv.window };
        x.conv2d(&self.conv.weight, window, self.conv.epilogue())
    }

    /// `x` `[b, h, w, c] → [b, 2h, 2w, c]`.
    pub fn double(&self, x: &Tensor) -> Tensor {
        let [_, height, width, _] = x.shape().image();
        self.forward(x, [2 * height, 2 * width])
    }
}
