//! A leaky ReLU with a learned slope for each channel; see `kernels/prelu.wgsl`.

use crate::gpu::kernel::Kernel;
use crate::ops::bands::row_bands;
use crate::ops::shared::{self, LANES};
use crate::tensor::Tensor;
use crate::wgsl;
use std::rc::Rc;

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    count: u32,
    c4: u32,
}

impl Tensor {
    /// `max(x, 0) + slope · min(x, 0)`, of `[.., c]` and `slopes` `[c]` in f32. torch: `PReLU`.
    ///
    /// # Panics
    /// When there is not a slope for each channel.
    pub fn prelu(&self, slopes: &Tensor) -> Tensor {
        let (gpu, c) = (self.gpu(), self.shape().channels());
        assert_eq!(slopes.shape().dims(), [c], "slopes of {c}");
        let y = Tensor::empty(gpu, self.shape(), self.precision());
        let kernel = Kernel::new(wgsl!("prelu"), 2)
            .alias("Elem4", self.precision().vec4())
            .uint("LANES", LANES)
            .with(shared::INDEX);
        let kernel = Rc::new(kernel);
        for band in row_bands(gpu, self.shape().rows(), self.row_bytes(), 0) {
            let count = band.len() * c / 4;
            let params = Params { count: count as u32, c4: c as u32 / 4 };
            let bindings = vec![self.rows(&band), slopes.whole(), y.rows(&band)];
            let grid = shared::linear_grid(gpu, count);
            gpu.dispatch(&kernel, bytemuck::bytes_of(&params), bindings, grid, 8 * count as u64);
        }
        y
    }
}
