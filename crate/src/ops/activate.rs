//! A pointwise function; see `kernels/activate.wgsl`.

use crate::activation::Activation;
use crate::gpu::kernel::Kernel;
use crate::ops::bands::row_bands;
use crate::ops::shared::{self, LANES};
use crate::tensor::Tensor;
use crate::wgsl;
use std::rc::Rc;

impl Tensor {
    /// The activation of every element; any shape.
    pub fn activate(&self, activation: Activation) -> Tensor {
        let gpu = self.gpu();
        let y = Tensor::empty(gpu, self.shape(), self.precision());
        let kernel = Kernel::new(wgsl!("activate"), 1)
            .alias("Elem4", self.precision().vec4())
            .uint("LANES", LANES)
            .activation(activation)
            .with(shared::INDEX);
        let kernel = Rc::new(kernel);
        for band in row_bands(gpu, self.shape().rows(), self.row_bytes(), 0) {
            let count = band.len() * self.shape().channels() / 4;
            let bindings = vec![self.rows(&band), y.rows(&band)];
            let grid = shared::linear_grid(gpu, count);
            gpu.dispatch(&kernel, &(count as u32).to_le_bytes(), bindings, grid, 4 * count as u64);
        }
        y
    }
}
