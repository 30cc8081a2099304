//! Floor 2: a tensor on the GPU: a buffer, a precision and a shape. A clone is a handle to the same
//! buffer; when the last handle drops, the buffer serves a later op. Always contiguous, channels
//! last.

use crate::dtype::Precision;
use crate::error::Result;
use crate::gpu::recording::Binding;
use crate::gpu::{Buffer, Gpu};
use crate::shape::Shape;
use half::f16;
use std::rc::Rc;

/// Activations, or small f32 parameters (biases, scales of norms). Its channels (the last
/// dimension) are a multiple of four: everything on the GPU is read by four.
#[derive(Clone)]
pub struct Tensor {
    gpu: Gpu,
    buffer: Rc<Buffer>,
    precision: Precision,
    shape: Shape,
}

impl Tensor {
    /// An uninitialised tensor, to be written by a kernel.
    ///
    /// # Panics
    /// When the channels are not a multiple of four.
    pub fn empty(gpu: &Gpu, shape: impl Into<Shape>, precision: Precision) -> Tensor {
        let shape = shape.into();
        assert_eq!(shape.channels() % 4, 0, "channels come by four, got {shape:?}");
        let buffer = Rc::new(gpu.alloc((shape.elements() * precision.bytes()) as u64));
        Tensor { gpu: gpu.clone(), buffer, precision, shape }
    }

    /// Uploads `values`, row-major.
    ///
    /// # Panics
    /// When the number of values is not the shape's, or the channels are not a multiple of four.
    pub fn from_f32(
        gpu: &Gpu,
        values: &[f32],
        shape: impl Into<Shape>,
        precision: Precision,
    ) -> Tensor {
        let tensor = Tensor::for_host(gpu, shape, precision);
        tensor.write(values);
        tensor
    }

    /// An uninitialised tensor that [`Tensor::write`] may fill at once.
    pub fn for_host(gpu: &Gpu, shape: impl Into<Shape>, precision: Precision) -> Tensor {
        let shape = shape.into();
        assert_eq!(shape.channels() % 4, 0, "channels come by four, got {shape:?}");
        let bytes = (shape.elements() * precision.bytes()) as u64;
        let buffer = Rc::new(gpu.alloc_for_host(bytes));
        Tensor { gpu: gpu.clone(), buffer, precision, shape }
    }

    /// Writes all values of a tensor made by [`Tensor::for_host`], before any op has used it.
    pub fn write(&self, values: &[f32]) {
        assert_eq!(values.len(), self.shape.elements(), "values for {:?}", self.shape);
        match self.precision {
            Precision::F32 => self.gpu.write(&self.buffer, 0, bytemuck::cast_slice(values)),
            Precision::F16 => {
                let halves: Vec<f16> = values.iter().map(|&v| f16::from_f32(v)).collect();
                self.gpu.write(&self.buffer, 0, bytemuck::cast_slice(&halves));
            }
        }
    }

    /// Submits, waits, and reads the tensor back, row-major; zeros on a dry device.
    pub async fn to_f32(&self) -> Result<Vec<f32>> {
        let bytes = self.gpu.read(&self.buffer, self.bytes()).await?;
        Ok(match self.precision {
            Precision::F32 => bytemuck::pod_collect_to_vec(&bytes),
            Precision::F16 => {
                let halves: Vec<f16> = bytemuck::pod_collect_to_vec(&bytes);
                halves.into_iter().map(f16::to_f32).collect()
            }
        })
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

    /// Bytes of all elements.
    pub fn bytes(&self) -> u64 {
        (self.shape.elements() * self.precision.bytes()) as u64
    }

    /// Bytes of one row (pixel or token).
    pub fn row_bytes(&self) -> u64 {
        (self.shape.channels() * self.precision.bytes()) as u64
    }

    /// The same buffer under another shape with as many elements.
    ///
    /// # Panics
    /// When the number of elements differs.
    pub fn reshape(&self, shape: impl Into<Shape>) -> Tensor {
        let shape = shape.into();
        assert_eq!(shape.elements(), self.shape.elements(), "{:?} as {shape:?}", self.shape);
        Tensor { shape, ..self.clone() }
    }

    /// All of it, as a kernel's binding.
    pub(crate) fn whole(&self) -> Binding {
        self.buffer.range(0, self.bytes())
    }

    /// Bytes `offset..offset + size` as a kernel's binding; `offset` is a multiple of 256.
    pub(crate) fn range(&self, offset: u64, size: u64) -> Binding {
        self.buffer.range(offset, size)
    }
}
