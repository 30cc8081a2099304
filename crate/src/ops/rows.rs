//! Concatenates image rows of several tensors; see `kernels/combine.wgsl`.

use crate::gpu::kernel::Kernel;
use crate::ops::bands;
use crate::ops::combine::{Params, TERMS_MAX, TYPES, TermParams};
use crate::ops::shared::{self, LANES};
use crate::tensor::Tensor;
use crate::wgsl;
use std::ops::Range;
use std::rc::Rc;

/// A range of image rows of a tensor `[1, h, w, c]`.
pub type Rows<'a> = (&'a Tensor, Range<usize>);

/// The ranges of [`Tensor::gather_rows`] are multiples of so many rows of `row_bytes` each.
pub fn rows_grain(row_bytes: usize) -> usize {
    bands::grain(row_bytes as u64)
}

impl Tensor {
    /// Fills this tensor `[1, h, w, c]` with image rows of others of the same width, channels and
    /// precision, one range after another.
    ///
    /// # Panics
    /// When they differ in anything but the height, are not exactly h rows, or a range other than
    /// the last is no multiple of [`rows_grain`].
    pub fn gather_rows(&self, parts: &[Rows<'_>]) {
        let gpu = self.gpu();
        let [_, height, width, c] = self.shape().image();
        let mut kernel = Kernel::new(wgsl!("combine"), TERMS_MAX)
            .alias("Elem4", self.precision().vec4())
            .uint("LANES", LANES)
            .uint("TERMS", 1)
            .with(shared::INDEX);
        for name in TYPES {
            kernel = kernel.alias(name, self.precision().vec4());
        }
        let kernel = Rc::new(kernel);
        let mut filled = 0;
        for (x, rows) in parts {
            let [pictures, _, of_width, of_c] = x.shape().image();
            assert_eq!([pictures, of_width, of_c], [1, width, c], "rows of {:?}", self.shape());
            assert_eq!(x.precision(), self.precision(), "rows of {:?}", self.shape());
            let (from, x_first) = x.rows_aligned(&(rows.start * width..rows.end * width));
            let count = (rows.len() * width * c / 4) as u32;
            let first = (rows.start * width * c / 4) as u32 - x_first;
            let term = TermParams { coefficient: 1.0, first, period: count, start: 0 };
            let params = Params::new(count, [term; TERMS_MAX]);
            let to = self.rows(&(filled * width..(filled + rows.len()) * width));
            // The kernel binds `TERMS_MAX` inputs; with one term it reads only the first.
            let bindings = vec![from, from, from, from, from, to];
            let grid = shared::linear_grid(gpu, count as usize);
            gpu.dispatch(&kernel, bytemuck::bytes_of(&params), bindings, grid, 0);
            filled += rows.len();
        }
        assert_eq!(filled, height, "rows of {:?}", self.shape());
    }
}
