//! Matrix product with its epilogue; see `kernels/matmul.wgsl`.

use crate::gpu::kernel::Kernel;
use crate::ops::bands::row_bands;
use crate::ops::epilogue::Epilogue;
use crate::ops::shared::{self, Tile};
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::weight::Weight;
use crate::wgsl;
use std::rc::Rc;

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    rows: u32,
    n4: u32,
    k4: u32,
    rows_per_picture: u32,
    first_row: u32,
}

impl Tensor {
    /// `[.., k] → [.., n]`: `activation(x·W + bias + shift) + residual`. Also every 1×1
    /// convolution.
    ///
    /// # Panics
    /// When the channels are not the weight's inputs, or a part of the epilogue does not fit.
    pub fn matmul(&self, weight: &Weight, epilogue: Epilogue<'_>) -> Tensor {
        let (k, n) = (weight.k(), weight.n());
        assert_eq!(self.shape().channels(), k, "matmul of {:?} by {k} × {n}", self.shape());
        let mut dims = self.shape().dims().to_vec();
        *dims.last_mut().expect("a shape has a dimension") = n;
        let y = Tensor::empty(self.gpu(), Shape::from(&dims[..]), self.precision());
        epilogue.check(self, y.shape());

        let gpu = self.gpu();
        let tile = Tile::choose(gpu, n);
        let kernel = Kernel::new(wgsl!("matmul"), 5)
            .alias("Elem4", self.precision().vec4())
            .uint("LANES_N", tile.lanes_n)
            .uint("LANES_M", tile.lanes_m)
            .with(shared::reader(weight.weight_type()));
        let kernel = Rc::new(epilogue.specialise(kernel));

        let rows = self.shape().rows();
        for band in row_bands(gpu, rows, self.row_bytes().max(y.row_bytes())) {
            let params = Params {
                rows: band.len() as u32,
                n4: n as u32 / 4,
                k4: k as u32 / 4,
                rows_per_picture: (rows / self.shape().dims()[0]) as u32,
                first_row: band.start as u32,
            };
            let x = self.rows(&band);
            let bindings = vec![
                x,
                weight.whole(),
                epilogue.bias.map_or(x, Tensor::whole),
                epilogue.shift.map_or(x, Tensor::whole),
                epilogue.residual.map_or(x, |residual| residual.rows(&band)),
                y.rows(&band),
            ];
            let flops = 2 * (band.len() * n * k) as u64;
            let grid = tile.grid(gpu, band.len(), n);
            gpu.dispatch(&kernel, bytemuck::bytes_of(&params), bindings, grid, flops);
        }
        y
    }
}
