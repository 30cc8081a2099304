//! The gated linear unit; see `kernels/geglu.wgsl`.

use crate::gpu::kernel::Kernel;
use crate::ops::bands::row_bands;
use crate::ops::epilogue::Activation;
use crate::ops::shared::{self, LANES};
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::wgsl;
use std::rc::Rc;

impl Tensor {
    /// `[.., 2c] → [.., c]`: `a · gelu(g)`, a the first half of the channels, g the second. SD
    /// v1.4's is the exact [`Activation::Gelu`].
    ///
    /// # Panics
    /// When the channels are not a multiple of eight.
    pub fn geglu(&self, gelu: Activation) -> Tensor {
        let gpu = self.gpu();
        let mut dims = self.shape().dims().to_vec();
        let last = dims.last_mut().expect("a shape has a dimension");
        assert!(last.is_multiple_of(8), "halves of {:?}", self.shape());
        *last /= 2;
        let y = Tensor::empty(gpu, Shape::from(&dims[..]), self.precision());
        let c4 = y.shape().channels() / 4;
        let kernel = Kernel::new(wgsl!("geglu"), 1)
            .alias("Elem4", self.precision().vec4())
            .uint("LANES", LANES)
            .activation(gelu)
            .with(shared::INDEX);
        let kernel = Rc::new(kernel);
        for band in row_bands(gpu, y.shape().rows(), self.row_bytes()) {
            let count = band.len() * c4;
            let params = [count as u32, c4 as u32];
            let bindings = vec![self.rows(&band), y.rows(&band)];
            let grid = shared::linear_grid(gpu, count);
            gpu.dispatch(&kernel, bytemuck::bytes_of(&params), bindings, grid, 4 * count as u64);
        }
        y
    }
}
