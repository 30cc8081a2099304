//! Two tensors by a mask; see `kernels/blend.wgsl`.

use crate::dtype::Precision;
use crate::gpu::kernel::Kernel;
use crate::ops::shared::{self, LANES};
use crate::tensor::Tensor;
use crate::wgsl;
use std::rc::Rc;

impl Tensor {
    /// `mask · a + (1 − mask) · b`, all of one shape; this is the mask, in f32. The result is in a
    /// tensor of [`Tensor::kept`]: it is what a step of a sampler leaves.
    ///
    /// # Panics
    /// When the shapes differ, the mask is not f32, or the others differ in precision.
    pub fn blend_kept(&self, a: &Tensor, b: &Tensor) -> Tensor {
        assert_eq!(self.shape().dims(), a.shape().dims(), "a mask of another shape");
        assert_eq!(a.shape().dims(), b.shape().dims(), "blend");
        assert_eq!(self.precision(), Precision::F32, "a mask is f32");
        assert_eq!(a.precision(), b.precision(), "blend");
        let gpu = self.gpu();
        let y = Tensor::kept(gpu, a.shape(), a.precision());
        let kernel = Kernel::new(wgsl!("blend"), 3)
            .alias("Elem4", a.precision().vec4())
            .uint("LANES", LANES)
            .with(shared::INDEX);
        let count = a.shape().elements() / 4;
        let bindings = vec![self.whole(), a.whole(), b.whole(), y.whole()];
        let grid = shared::linear_grid(gpu, count);
        let params = (count as u32).to_le_bytes();
        gpu.dispatch(&Rc::new(kernel), &params, bindings, grid, 12 * count as u64);
        y
    }
}
