//! Floor 2: a tensor on the GPU: a buffer, a precision and a shape. A clone is a handle to the same
//! buffer; when the last handle drops, the buffer serves a later op. Always contiguous, channels last.

use crate::dtype::{Precision, WeightType};
use crate::error::Result;
use crate::gpu::Gpu;
use crate::shape::Shape;

/// Activations, or small f32 parameters (biases, scales of norms). Its channels (the last
/// dimension) are a multiple of four: everything on the GPU is read by four.
#[derive(Clone)]
pub struct Tensor {
    gpu: Gpu,
    precision: Precision,
    shape: Shape,
}

impl Tensor {
    /// An uninitialised tensor.
    pub fn empty(_gpu: &Gpu, _shape: impl Into<Shape>, _precision: Precision) -> Tensor {
        todo!()
    }

    /// Uploads `values`, row-major.
    ///
    /// # Panics
    /// When the number of values is not the shape's.
    pub fn from_f32(
        _gpu: &Gpu,
        _values: &[f32],
        _shape: impl Into<Shape>,
        _precision: Precision,
    ) -> Tensor {
        todo!()
    }

    /// Submits, waits, and reads the tensor back, row-major.
    pub async fn to_f32(&self) -> Result<Vec<f32>> {
        todo!()
    }

    /// The device that holds it.
    pub fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// The shape.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// How its elements are stored.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The same buffer under another shape with as many elements.
    pub fn reshape(&self, _shape: impl Into<Shape>) -> Tensor {
        todo!()
    }
}

/// The weights of a linear layer or a convolution: `k` inputs by `n` outputs, in panels of
/// [`Weight::PANEL`] outputs so that any 32 rows of a checkpoint's `[n, k]` matrix are one piece.
#[derive(Clone)]
pub struct Weight {
    k: usize,
    n: usize,
    weight_type: WeightType,
}

impl Weight {
    /// Outputs of a panel.
    pub const PANEL: usize = 32;

    /// Uninitialised weights of `n` outputs (a multiple of four) from `k` inputs (a multiple of four).
    pub fn empty(_gpu: &Gpu, _k: usize, _n: usize, _weight_type: WeightType) -> Weight {
        todo!()
    }

    /// Writes the rows (outputs) `first..`, each of `k` values in input order. `first` is a multiple
    /// of [`Weight::PANEL`]; the number of rows is too, unless they reach the last.
    pub fn write(&self, _first: usize, _rows: &[f32]) {
        todo!()
    }

    /// Inputs.
    pub fn k(&self) -> usize {
        self.k
    }

    /// Outputs.
    pub fn n(&self) -> usize {
        self.n
    }

    /// How they are stored.
    pub fn weight_type(&self) -> WeightType {
        self.weight_type
    }
}

/// A table of `rows` rows of `c` values: token embeddings.
#[derive(Clone)]
pub struct Table {
    rows: usize,
    c: usize,
}

impl Table {
    /// An uninitialised table.
    pub fn empty(_gpu: &Gpu, _rows: usize, _c: usize, _weight_type: WeightType) -> Table {
        todo!()
    }

    /// Writes the rows `first..`.
    pub fn write(&self, _first: usize, _rows: &[f32]) {
        todo!()
    }

    /// Rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Values of a row.
    pub fn c(&self) -> usize {
        self.c
    }
}
