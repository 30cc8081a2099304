//! Nearest-neighbour resize; see `kernels/resize.wgsl`.

use crate::gpu::kernel::Kernel;
use crate::ops::bands;
use crate::ops::shared::{self, LANES};
use crate::tensor::Tensor;
use crate::wgsl;
use std::rc::Rc;

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    first: u32,
    count: u32,
    source_height: u32,
    source_width: u32,
    height: u32,
    width: u32,
    c4: u32,
    x_first: u32,
}

impl Tensor {
    /// `[b, h, w, c] → [b, height, width, c]`, nearest neighbour as torch's `interpolate(size=…)`.
    pub fn resize(&self, height: usize, width: usize) -> Tensor {
        let gpu = self.gpu();
        let [batch, source_height, source_width, c] = self.shape().image();
        let y = Tensor::empty(gpu, [batch, height, width, c], self.precision());
        let kernel = Kernel::new(wgsl!("resize"), 1)
            .alias("Elem4", self.precision().vec4())
            .uint("LANES", LANES)
            .with(shared::INDEX);
        let kernel = Rc::new(kernel);
        let source_row =
            |row: usize| row / height * source_height + row % height * source_height / height;
        // Bytes of an image row. A band reads at most one more source row than its share.
        let output_row_bytes = width as u64 * y.row_bytes();
        let source_row_bytes = source_width as u64 * self.row_bytes();
        let largest =
            output_row_bytes.max(source_row_bytes * (source_height.div_ceil(height) + 1) as u64);
        let most = (gpu.limits().binding / largest) as usize;
        for band in bands::cut(batch * height, most, bands::grain(output_row_bytes)) {
            let sources = source_row(band.start)..source_row(band.end - 1) + 1;
            let (x, x_first) =
                self.rows_aligned(&(sources.start * source_width..sources.end * source_width));
            let count = band.len() * width * c / 4;
            let params = Params {
                first: band.start as u32,
                count: count as u32,
                source_height: source_height as u32,
                source_width: source_width as u32,
                height: height as u32,
                width: width as u32,
                c4: c as u32 / 4,
                x_first,
            };
            let bindings = vec![x, y.rows(&(band.start * width..band.end * width))];
            let grid = shared::linear_grid(gpu, count);
            gpu.dispatch(&kernel, bytemuck::bytes_of(&params), bindings, grid, 0);
        }
        y
    }
}
