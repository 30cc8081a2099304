//! Numbers on the CPU, with a shape, and the way to the GPU. A clone shares the numbers.

use darkroom::gpu::Gpu;
use darkroom::tensor::Tensor;
use darkroom::weight::{Table, Weight};
use darkroom::weights::{dequantise, quantise};
use darkroom::{Precision, WeightType};
use half::f16;
use std::sync::Arc;

/// Row-major numbers that are exactly what the GPU will hold.
#[derive(Clone)]
pub(crate) struct Array {
    shape: Vec<usize>,
    values: Arc<Vec<f32>>,
    precision: Precision,
}

impl Array {
    /// The values, as f32 holds them.
    pub(crate) fn new<const N: usize>(shape: [usize; N], values: Vec<f32>) -> Array {
        assert_eq!(values.len(), shape.iter().product::<usize>(), "{shape:?}");
        Array { shape: shape.to_vec(), values: Arc::new(values), precision: Precision::F32 }
    }

    /// The value that `f` gives for each index.
    pub(crate) fn from_fn<const N: usize>(shape: [usize; N], f: impl FnMut(usize) -> f32) -> Array {
        Array::new(shape, (0..shape.iter().product()).map(f).collect())
    }

    /// The same numbers, rounded to and stored with this precision.
    pub(crate) fn stored(self, precision: Precision) -> Array {
        match precision {
            Precision::F32 => self,
            Precision::F16 => {
                let values = self.values.iter().map(|&v| f16::from_f32(v).to_f32()).collect();
                Array { values: Arc::new(values), precision, shape: self.shape }
            }
        }
    }

    /// The same numbers, rounded as weights of this type are.
    pub(crate) fn weighted(self, weights: WeightType) -> Array {
        match weights {
            WeightType::F32 => self,
            WeightType::F16 => Array { precision: Precision::F32, ..self.stored(Precision::F16) },
            WeightType::Q8_0 | WeightType::Q5_0 | WeightType::Q4_0 => {
                let mut blocks = Vec::new();
                quantise(weights, &self.values, &mut blocks);
                Array { values: Arc::new(dequantise(weights, &blocks)), ..self }
            }
        }
    }

    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    pub(crate) fn values(&self) -> &[f32] {
        &self.values
    }

    /// One value.
    pub(crate) fn at<const N: usize>(&self, at: [usize; N]) -> f64 {
        f64::from(self.values[self.offset(&at)])
    }

    /// The last dimension at the place that the others name.
    pub(crate) fn row<const N: usize>(&self, at: [usize; N]) -> &[f32] {
        let c = *self.shape.last().unwrap();
        let start = self.offset(&at) * c;
        &self.values[start..start + c]
    }

    /// The offset of a place, in units of the dimensions that `at` leaves out.
    fn offset(&self, at: &[usize]) -> usize {
        let mut offset = 0;
        for (&i, &size) in at.iter().zip(&self.shape) {
            assert!(i < size, "{at:?} is outside of {:?}", self.shape);
            offset = offset * size + i;
        }
        offset
    }

    /// A tensor of these numbers.
    pub(crate) fn on(&self, gpu: &Gpu) -> Tensor {
        Tensor::from_f32(gpu, &self.values, &self.shape[..], self.precision)
    }

    /// A weight of these numbers, `[n, k]`.
    pub(crate) fn weight_on(&self, gpu: &Gpu, weights: WeightType) -> Weight {
        let [n, k] = *self.shape else { panic!("a weight is [n, k], not {:?}", self.shape) };
        let weight = Weight::empty(gpu, k, n, weights);
        weight.write(0, &self.values);
        weight
    }

    /// A table of these numbers, `[rows, c]`.
    pub(crate) fn table_on(&self, gpu: &Gpu, weights: WeightType) -> Table {
        let [rows, c] = *self.shape else { panic!("a table is [rows, c], not {:?}", self.shape) };
        let table = Table::empty(gpu, rows, c, weights);
        table.write(0, &self.values);
        table
    }
}
