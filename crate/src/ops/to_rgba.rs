//! Converts a decoded picture to bytes; see `kernels/to_rgba.wgsl`.

use crate::dtype::Precision;
use crate::error::Result;
use crate::gpu::kernel::Kernel;
use crate::ops::bands::row_bands;
use crate::ops::shared::{self, LANES};
use crate::tensor::Tensor;
use crate::wgsl;
use std::rc::Rc;

impl Tensor {
    /// `[b, h, w, 4]` in −1…1 (the fourth channel is padding) to RGBA8 bytes, row-major. Pixels are
    /// opaque, except that NaN and infinity become transparent pixels. Submits, waits, reads back.
    ///
    /// # Errors
    /// An error of the device since the last wait.
    ///
    /// # Panics
    /// When there are not four channels.
    pub async fn to_rgba(&self) -> Result<Vec<u8>> {
        assert_eq!(self.shape().channels(), 4, "red, green, blue and padding");
        let gpu = self.gpu();
        let pixels = self.shape().rows();
        let y = gpu.alloc(4 * pixels as u64);
        let kernel = Rc::new(Tensor::rgba_kernel(self.precision()));
        for band in row_bands(gpu, pixels, self.row_bytes().max(4), 0) {
            let out = y.range(4 * band.start as u64, 4 * band.len() as u64);
            let params = (band.len() as u32).to_le_bytes();
            let grid = shared::linear_grid(gpu, band.len());
            gpu.dispatch(&kernel, &params, vec![self.rows(&band), out], grid, 0);
        }
        gpu.read(&y, 4 * pixels as u64).await
    }

    /// The kernel of [`Tensor::to_rgba`] for this precision.
    pub fn rgba_kernel(precision: Precision) -> Kernel {
        Kernel::new(wgsl!("to_rgba"), 1)
            .alias("Elem4", precision.vec4())
            .uint("LANES", LANES)
            .with(shared::INDEX)
    }
}
