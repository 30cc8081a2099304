//! Floor 2: one op per kernel, same name: check shapes, choose a specialisation, record a dispatch.
//! Ops are methods of [`Tensor`](crate::tensor::Tensor); a wrong shape panics.

use crate::dtype::Precision;
use crate::gpu::Gpu;
use crate::tensor::Tensor;
use crate::weight::{Table, Weight};

/// A pointwise function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Activation {
    /// x
    #[default]
    Identity,
    /// x · σ(x)
    Silu,
    /// x · Φ(x), exact (by erf): torch's default `gelu`.
    Gelu,
    /// The tanh approximation of gelu: torch's `gelu(approximate="tanh")`.
    GeluTanh,
    /// x · σ(1.702 x): OpenAI CLIP's.
    QuickGelu,
}

/// What a matmul or convolution does to its sums before it stores them:
/// `y = activation(x·W + bias + shift) + residual`.
#[derive(Clone, Copy, Default)]
pub struct Epilogue<'a> {
    /// `[n]`, f32.
    pub bias: Option<&'a Tensor>,
    /// `[b, n]`: one vector for each picture of the batch (the time embedding).
    pub shift: Option<&'a Tensor>,
    /// The pointwise function.
    pub activation: Activation,
    /// The output's shape.
    pub residual: Option<&'a Tensor>,
}

/// The window of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Height and width of the kernel.
    pub kernel: usize,
    /// Step of the window.
    pub stride: usize,
    /// Zeros before the first and after the last row and column.
    pub padding: [usize; 2],
    /// Read the input as if it were resized to this height and width (nearest neighbour) first.
    pub resize: Option<[usize; 2]>,
}

/// Which keys a query may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mask {
    /// All.
    None,
    /// Those at or before its own position.
    Causal,
}

/// One term of [`Tensor::combine`]: `coefficient · x`, from the batch index `first` on; where the
/// output's batch is larger than what `x` has from there, `x` repeats.
#[derive(Clone, Copy)]
pub struct Term<'a> {
    pub x: &'a Tensor,
    pub first: usize,
    pub coefficient: f32,
}

impl Tensor {
    /// `[.., k] → [.., n]`: `activation(x·W + bias + shift) + residual`. Also every 1×1 convolution.
    pub fn matmul(&self, _weight: &Weight, _epilogue: Epilogue<'_>) -> Tensor {
        todo!()
    }

    /// `[b, h, w, c] → [b, h', w', n]`; `weight.k()` is kernel² · c in the order (ky, kx, c).
    pub fn conv2d(&self, _weight: &Weight, _window: Window, _epilogue: Epilogue<'_>) -> Tensor {
        todo!()
    }

    /// Normalises each of `groups` groups of channels of each picture over its pixels.
    pub fn group_norm(
        &self,
        _groups: usize,
        _gamma: &Tensor,
        _beta: &Tensor,
        _eps: f32,
        _activation: Activation,
    ) -> Tensor {
        todo!()
    }

    /// Normalises each row over its channels.
    pub fn layer_norm(&self, _gamma: &Tensor, _beta: &Tensor, _eps: f32) -> Tensor {
        todo!()
    }

    /// `softmax(q·kᵀ/√d)·v` for each head: q `[b, t, heads·d]`, k and v `[b, s, heads·d]`. k and v
    /// may have fewer pictures than q: they repeat (as in [`Term`]).
    pub fn attention(&self, _k: &Tensor, _v: &Tensor, _heads: usize, _mask: Mask) -> Tensor {
        todo!()
    }

    /// `[.., 2c] → [.., c]`: `a · gelu(g)`, a the first half of the channels, g the second.
    pub fn geglu(&self, _gelu: Activation) -> Tensor {
        todo!()
    }

    /// The function at every element.
    pub fn activate(&self, _activation: Activation) -> Tensor {
        todo!()
    }

    /// The sum of two tensors of one shape.
    pub fn add(&self, _other: &Tensor) -> Tensor {
        todo!()
    }

    /// The channels of both, one after the other.
    pub fn concat(&self, _other: &Tensor) -> Tensor {
        todo!()
    }

    /// `[b, h, w, c] → [b, height, width, c]`, nearest neighbour.
    pub fn resize(&self, _height: usize, _width: usize) -> Tensor {
        todo!()
    }

    /// `Σ coefficient · x`, at most five terms: guidance, every sampler step, a cast. The output has
    /// the terms' shape but for the batch. Terms may differ in precision.
    pub fn combine(_batch: usize, _precision: Precision, _terms: &[Term<'_>]) -> Tensor {
        todo!()
    }

    /// Rows of the table by id, plus a row of positions: `[b, t, c]`, where ids are b·t numbers.
    pub fn embedding(
        _gpu: &Gpu,
        _table: &Table,
        _ids: &[u32],
        _positions: &Tensor,
        _precision: Precision,
    ) -> Tensor {
        todo!()
    }

    /// A decoded picture `[1, h, w, 4]` in −1…1 (the fourth channel is padding) to RGBA8 bytes,
    /// row-major: submits, waits, reads back.
    pub async fn to_rgba(&self) -> crate::error::Result<Vec<u8>> {
        todo!()
    }
}
