//! The channels of two tensors, one after the other; see `kernels/concat.wgsl`.

use crate::gpu::kernel::Kernel;
use crate::ops::bands::row_bands;
use crate::ops::shared::{self, LANES};
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::wgsl;
use std::rc::Rc;

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    count: u32,
    a4: u32,
    b4: u32,
}

impl Tensor {
    /// `[.., a]` and `[.., b] → [.., a + b]`.
    ///
    /// # Panics
    /// When they differ in anything but the channels.
    pub fn concat(&self, other: &Tensor) -> Tensor {
        let gpu = self.gpu();
        let (a, b) = (self.shape().channels(), other.shape().channels());
        let mut dims = self.shape().dims().to_vec();
        let last = dims.len() - 1;
        assert_eq!(dims[..last], other.shape().dims()[..last], "concat");
        assert_eq!(self.precision(), other.precision(), "concat");
        dims[last] = a + b;
        let y = Tensor::empty(gpu, Shape::from(&dims[..]), self.precision());
        let kernel = Kernel::new(wgsl!("concat"), 2)
            .alias("Elem4", self.precision().vec4())
            .uint("LANES", LANES)
            .with(shared::INDEX);
        let kernel = Rc::new(kernel);
        for band in row_bands(gpu, y.shape().rows(), y.row_bytes(), 0) {
            let count = band.len() * (a + b) / 4;
            let params = Params { count: count as u32, a4: a as u32 / 4, b4: b as u32 / 4 };
            let bindings = vec![self.rows(&band), other.rows(&band), y.rows(&band)];
            let grid = shared::linear_grid(gpu, count);
            gpu.dispatch(&kernel, bytemuck::bytes_of(&params), bindings, grid, 0);
        }
        y
    }
}
