//! Tier 2: a tensor on the GPU: a buffer, a precision and a shape. A clone is a handle to the same
//! buffer; when the last handle drops, the buffer serves a later op. Always contiguous, channels
//! last.

use crate::dtype::Precision;
use crate::error::Result;
use crate::gpu::recording::{ALIGNMENT, Binding};
use crate::gpu::{Buffer, Gpu, Reading};
use crate::shape::Shape;
use half::f16;
use std::ops::Range;
use std::rc::Rc;

/// Activations, or small f32 parameters (biases, scales of norms). Its channels (the last
/// dimension) are a multiple of four: everything on the GPU is read by four.
#[derive(Clone)]
pub struct Tensor {
    gpu: Gpu,
    buffer: Rc<Buffer>,
    /// Bytes of the buffer before the first element: 0, except for a [`Tensor::part`].
    offset: u64,
    precision: Precision,
    shape: Shape,
}

impl Tensor {
    /// An uninitialised tensor of any shape `[.., c]`, to be written by a kernel.
    ///
    /// # Panics
    /// When the channels are not a multiple of four.
    pub fn empty(gpu: &Gpu, shape: impl Into<Shape>, precision: Precision) -> Tensor {
        let shape = shape.into();
        assert_eq!(shape.channels() % 4, 0, "channels come by four, got {shape:?}");
        let buffer = Rc::new(gpu.alloc((shape.elements() * precision.bytes()) as u64));
        Tensor { gpu: gpu.clone(), buffer, offset: 0, precision, shape }
    }

    /// The same, of any shape `[.., c]`, for what outlives a recording, such as a sampler's
    /// latents: its buffer is no larger than it must be, and is used again only for another such
    /// tensor of the same size.
    ///
    /// # Panics
    /// As [`Tensor::empty`].
    pub fn kept(gpu: &Gpu, shape: impl Into<Shape>, precision: Precision) -> Tensor {
        let shape = shape.into();
        assert_eq!(shape.channels() % 4, 0, "channels come by four, got {shape:?}");
        let buffer = Rc::new(gpu.alloc_kept((shape.elements() * precision.bytes()) as u64));
        Tensor { gpu: gpu.clone(), buffer, offset: 0, precision, shape }
    }

    /// The same, of any shape `[.., c]`, in a buffer outside of the pool, which is no larger than
    /// it must be. When the last handle drops it is destroyed, and no later op gets it: for what is
    /// kept for long, or is large.
    ///
    /// # Panics
    /// As [`Tensor::empty`].
    pub fn unpooled(gpu: &Gpu, shape: impl Into<Shape>, precision: Precision) -> Tensor {
        let shape = shape.into();
        assert_eq!(shape.channels() % 4, 0, "channels come by four, got {shape:?}");
        let buffer = Rc::new(gpu.alloc_unpooled((shape.elements() * precision.bytes()) as u64));
        Tensor { gpu: gpu.clone(), buffer, offset: 0, precision, shape }
    }

    /// An uninitialised tensor of f32 parameters, such as biases `[n]`, which [`Tensor::write`] may
    /// fill at once; counted as weights.
    ///
    /// # Panics
    /// As [`Tensor::empty`].
    pub fn weights(gpu: &Gpu, shape: impl Into<Shape>) -> Tensor {
        let (shape, precision) = (shape.into(), Precision::F32);
        assert_eq!(shape.channels() % 4, 0, "channels come by four, got {shape:?}");
        let buffer = Rc::new(gpu.alloc_weights((shape.elements() * precision.bytes()) as u64));
        Tensor { gpu: gpu.clone(), buffer, offset: 0, precision, shape }
    }

    /// Uploads `values`, row-major, as a tensor of any shape `[.., c]`.
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

    /// An uninitialised tensor of any shape `[.., c]` that [`Tensor::write`] may fill at once.
    pub fn for_host(gpu: &Gpu, shape: impl Into<Shape>, precision: Precision) -> Tensor {
        let shape = shape.into();
        assert_eq!(shape.channels() % 4, 0, "channels come by four, got {shape:?}");
        let bytes = (shape.elements() * precision.bytes()) as u64;
        let buffer = Rc::new(gpu.alloc_for_host(bytes));
        Tensor { gpu: gpu.clone(), buffer, offset: 0, precision, shape }
    }

    /// Writes all values of a tensor made by [`Tensor::for_host`], before any op has used it.
    pub fn write(&self, values: &[f32]) {
        assert_eq!(values.len(), self.shape.elements(), "values for {:?}", self.shape);
        self.write_from(0, values);
    }

    /// Writes the values from element `first` (a multiple of two) on, as [`Tensor::write`] all.
    pub fn write_from(&self, first: usize, values: &[f32]) {
        assert!(first + values.len() <= self.shape.elements(), "values for {:?}", self.shape);
        let offset = self.offset + (first * self.precision.bytes()) as u64;
        match self.precision {
            Precision::F32 => self.gpu.write(&self.buffer, offset, bytemuck::cast_slice(values)),
            Precision::F16 => {
                let halves: Vec<f16> = values.iter().map(|&v| f16::from_f32(v)).collect();
                self.gpu.write(&self.buffer, offset, bytemuck::cast_slice(&halves));
            }
        }
    }

    /// Submits, waits, and reads the tensor back, row-major; zeros on a dry device.
    ///
    /// # Errors
    /// As [`Gpu::read`].
    pub async fn to_f32(&self) -> Result<Vec<f32>> {
        assert_eq!(self.offset, 0, "the whole is read");
        Ok(self.numbers(&self.gpu.read(&self.buffer, self.bytes()).await?))
    }

    /// Records a read of the tensor; [`Tensor::numbers`] converts its bytes.
    pub fn start_read(&self) -> Reading {
        assert_eq!(self.offset, 0, "the whole is read");
        self.gpu.start_read(&self.buffer, self.bytes())
    }

    /// The elements, row-major, from their bytes.
    pub fn numbers(&self, bytes: &[u8]) -> Vec<f32> {
        match self.precision {
            Precision::F32 => bytemuck::pod_collect_to_vec(bytes),
            Precision::F16 => {
                let halves: Vec<f16> = bytemuck::pod_collect_to_vec(bytes);
                halves.into_iter().map(f16::to_f32).collect()
            }
        }
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

    /// The same buffer under any other shape with as many elements.
    ///
    /// # Panics
    /// When the number of elements differs.
    pub fn reshape(&self, shape: impl Into<Shape>) -> Tensor {
        let shape = shape.into();
        assert_eq!(shape.elements(), self.shape.elements(), "{:?} as {shape:?}", self.shape);
        Tensor { shape, ..self.clone() }
    }

    /// The elements `elements` of a vector `[n]`, in the same buffer.
    ///
    /// # Panics
    /// When it is no vector, or they do not begin at a multiple of 256 bytes.
    pub fn part(&self, elements: Range<usize>) -> Tensor {
        assert_eq!(self.shape.dims().len(), 1, "a part of a vector, not of {:?}", self.shape);
        assert!(elements.end <= self.shape.elements(), "{elements:?} of {:?}", self.shape);
        let offset = self.offset + (elements.start * self.precision.bytes()) as u64;
        assert!(offset.is_multiple_of(ALIGNMENT), "a part begins at a binding's alignment");
        Tensor { offset, shape: [elements.len()].into(), ..self.clone() }
    }

    /// All of it, as a kernel's binding.
    pub(crate) fn whole(&self) -> Binding {
        self.buffer.range(self.offset, self.bytes())
    }

    /// Bytes `offset..offset + size` as a kernel's binding; `offset` is a multiple of 256.
    pub(crate) fn range(&self, offset: u64, size: u64) -> Binding {
        self.buffer.range(self.offset + offset, size)
    }
}

/// A range of channels of every row of a tensor, such as q of a tensor with q, k and v.
#[derive(Clone, Copy)]
pub struct Channels<'a> {
    /// The tensor.
    pub x: &'a Tensor,
    /// The first channel, a multiple of four.
    pub first: usize,
    /// How many, a multiple of four.
    pub count: usize,
}

impl<'a> Channels<'a> {
    /// The channels `first..first + count` of `x` `[.., c]`.
    ///
    /// # Panics
    /// When they are not channels of `x`, or do not come by four.
    pub fn new(x: &'a Tensor, first: usize, count: usize) -> Channels<'a> {
        assert!(first.is_multiple_of(4) && count.is_multiple_of(4), "channels come by four");
        assert!(first + count <= x.shape().channels(), "{first} + {count} of {:?}", x.shape());
        Channels { x, first, count }
    }

    /// In vec4: the length of a row of the tensor, and the first of these channels.
    pub(crate) fn row4_and_first4(&self) -> [u32; 2] {
        [self.x.shape().channels() as u32 / 4, self.first as u32 / 4]
    }
}

impl<'a> From<&'a Tensor> for Channels<'a> {
    /// All of them.
    fn from(x: &'a Tensor) -> Channels<'a> {
        Channels { x, first: 0, count: x.shape().channels() }
    }
}
