//! Layer normalisation; see `kernels/layer_norm.wgsl` and, for software adapters,
//! `kernels/layer_norm_direct.wgsl`.

use crate::gpu::kernel::Kernel;
use crate::ops::bands::row_bands;
use crate::ops::shared::{self, LANES};
use crate::tensor::Tensor;
use crate::wgsl;
use std::rc::Rc;

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    rows: u32,
    c4: u32,
    eps: f32,
}

/// The rows of a workgroup of the direct kernel.
const DIRECT_ROWS: usize = 8;

impl Tensor {
    /// Normalises each row over its channels, then applies γ and β (`[c]`, f32).
    ///
    /// # Panics
    /// When γ or β are not `[c]`.
    pub fn layer_norm(&self, gamma: &Tensor, beta: &Tensor, eps: f32) -> Tensor {
        let c = self.shape().channels();
        assert_eq!([gamma.shape().dims(), beta.shape().dims()], [[c], [c]], "γ and β of {c}");
        let gpu = self.gpu();
        let y = Tensor::empty(gpu, self.shape(), self.precision());
        let (kernel, rows) = match gpu.info().software {
            true => {
                let kernel = Kernel::new(wgsl!("layer_norm_direct"), 3);
                (kernel.uint("LANES", DIRECT_ROWS as u32), DIRECT_ROWS)
            }
            false => {
                let kernel = Kernel::new(wgsl!("layer_norm"), 3);
                (kernel.uint("LANES", LANES).with(shared::REDUCE), 1)
            }
        };
        let kernel = Rc::new(kernel.alias("Elem4", self.precision().vec4()));
        for band in row_bands(gpu, self.shape().rows(), self.row_bytes(), 0) {
            let params = Params { rows: band.len() as u32, c4: c as u32 / 4, eps };
            let bindings = vec![self.rows(&band), gamma.whole(), beta.whole(), y.rows(&band)];
            let [x, y] = shared::fold(gpu, band.len().div_ceil(rows));
            let flops = (band.len() * c * 6) as u64;
            gpu.dispatch(&kernel, bytemuck::bytes_of(&params), bindings, [x, y, 1], flops);
        }
        y
    }
}
