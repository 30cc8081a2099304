//! Averages of blocks of pixels; see `kernels/average_pool.wgsl`.

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
    outputs: u32,
    source_height: u32,
    source_width: u32,
    height: u32,
    width: u32,
    c4: u32,
    x_first: u32,
}

impl Tensor {
    /// `[b, h, w, c] → [b, ⌈h/2⌉, ⌈w/2⌉, c]`: the average of every 2×2 pixels; of an odd last row
    /// or column, of the pixels that there are. torch: `AvgPool2d(2, stride=2, ceil_mode=True)`.
    pub fn average_pool(&self) -> Tensor {
        let gpu = self.gpu();
        let [batch, source_height, source_width, c] = self.shape().image();
        let (height, width) = (source_height.div_ceil(2), source_width.div_ceil(2));
        let y = Tensor::empty(gpu, [batch, height, width, c], self.precision());
        let kernel = Kernel::new(wgsl!("average_pool"), 1)
            .alias("Elem4", self.precision().vec4())
            .uint("LANES", LANES)
            .with(shared::INDEX);
        let kernel = Rc::new(kernel);
        // The source rows of a picture's row begin here, and end before those of the next.
        let source_row = |row: usize| row / height * source_height + 2 * (row % height);
        let last_row = |row: usize| {
            let in_picture = 2 * (row % height) + 2;
            row / height * source_height + in_picture.min(source_height)
        };
        let row_bytes = width as u64 * y.row_bytes();
        let source_bytes = 2 * source_width as u64 * self.row_bytes();
        let most = (gpu.limits().binding / row_bytes.max(source_bytes)) as usize;
        for band in bands::cut(batch * height, most, bands::grain(row_bytes)) {
            let sources = source_row(band.start)..last_row(band.end - 1);
            let (x, x_first) =
                self.rows_aligned(&(sources.start * source_width..sources.end * source_width));
            let count = band.len() * width * c / 4;
            let params = Params {
                first: band.start as u32,
                outputs: count as u32,
                source_height: source_height as u32,
                source_width: source_width as u32,
                height: height as u32,
                width: width as u32,
                c4: c as u32 / 4,
                x_first,
            };
            let bindings = vec![x, y.rows(&(band.start * width..band.end * width))];
            let grid = shared::linear_grid(gpu, count);
            gpu.dispatch(&kernel, bytemuck::bytes_of(&params), bindings, grid, 16 * count as u64);
        }
        y
    }
}
