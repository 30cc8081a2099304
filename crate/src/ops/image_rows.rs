//! What the ops have in common that make pictures of another height and width, each row of some
//! rows of the source: bands of output rows, each with the source rows that it is made of.

use crate::gpu::kernel::{Kernel, WgslFile};
use crate::ops::bands;
use crate::ops::shared::{self, LANES};
use crate::tensor::Tensor;
use std::ops::Range;
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

/// Makes `[b, height, width, c]` of `x`, four channels by an invocation of so many floating-point
/// operations. `sources` are the source rows, counted through the batch, of an output row: at most
/// `most`, which rise with it.
pub(super) fn by_image_rows(
    (x, [height, width]): (&Tensor, [usize; 2]),
    (file, flops): (WgslFile, u64),
    (most, sources): (usize, &dyn Fn(usize) -> Range<usize>),
) -> Tensor {
    let gpu = x.gpu();
    let [batch, source_height, source_width, c] = x.shape().image();
    let y = Tensor::empty(gpu, [batch, height, width, c], x.precision());
    let kernel = Kernel::new(file, 1)
        .alias("Elem4", x.precision().vec4())
        .uint("LANES", LANES)
        .with(shared::INDEX);
    let kernel = Rc::new(kernel);
    // Bytes of image rows.
    let row_bytes = width as u64 * y.row_bytes();
    let source_bytes = (most * source_width) as u64 * x.row_bytes();
    let most = (gpu.limits().binding / row_bytes.max(source_bytes)) as usize;
    for band in bands::cut(batch * height, most, bands::grain(row_bytes)) {
        let rows = sources(band.start).start..sources(band.end - 1).end;
        let (source, x_first) =
            x.rows_aligned(&(rows.start * source_width..rows.end * source_width));
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
        let bindings = vec![source, y.rows(&(band.start * width..band.end * width))];
        let grid = shared::linear_grid(gpu, count);
        gpu.dispatch(&kernel, bytemuck::bytes_of(&params), bindings, grid, flops * count as u64);
    }
    y
}
