//! Matrix product with its epilogue; see `kernels/matmul.wgsl`.

use crate::activation::Activation;
use crate::gpu::kernel::Kernel;
use crate::ops::bands::row_bands;
use crate::ops::epilogue::Epilogue;
use crate::ops::shared;
use crate::ops::slices::{self, Slices};
use crate::ops::tile::Tile;
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::weight::Weight;
use crate::wgsl;
use std::rc::Rc;

/// The kernel's uniform. Names that end in 4 are in vec4 (four channels).
#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    /// Rows of this dispatch (a band).
    rows: u32,
    /// Channels of a row of the output.
    n4: u32,
    /// Channels of a row of the input.
    k4: u32,
    /// Rows of one element of the batch.
    rows_per_picture: u32,
    /// The first row of the band in the whole tensor.
    first_row: u32,
    /// Channels of a row of the epilogue's shift.
    shift_row4: u32,
    /// The first of them that is added.
    shift_first4: u32,
    /// Slices of the inputs.
    slices: u32,
}

impl Tensor {
    /// `[.., k] → [.., n]`: `activation(x·W + bias + shift) + residual`. Also every 1×1
    /// convolution.
    ///
    /// # Panics
    /// When the channels are not the weight's inputs, or a part of the epilogue does not fit.
    pub fn matmul(&self, weight: &Weight, epilogue: Epilogue<'_>) -> Tensor {
        let y = self.product(weight.n());
        epilogue.check(self, y.shape());
        self.matmul_into(&y, weight, epilogue, false);
        y
    }

    /// `[.., k] → [.., n/2]`, the gated linear unit of `h = x·W + bias`: the first half of h times
    /// the activation of the second. SD v1.4 uses the exact [`Activation::Gelu`].
    ///
    /// # Panics
    /// When the channels are not the weight's inputs, the outputs are not a multiple of eight, or
    /// the bias does not fit.
    pub fn matmul_gated(
        &self,
        weight: &Weight,
        bias: Option<&Tensor>,
        activation: Activation,
    ) -> Tensor {
        let n = weight.n();
        assert!(n.is_multiple_of(8), "halves of {n} outputs");
        assert!(bias.is_none_or(|bias| bias.shape().dims() == [n]), "bias of {n} outputs");
        let y = self.product(n / 2);
        let epilogue = Epilogue { bias, activation, ..Epilogue::default() };
        self.matmul_into(&y, weight, epilogue, true);
        y
    }

    /// An uninitialised tensor with the rows of `self` and `n` channels.
    fn product(&self, n: usize) -> Tensor {
        let mut dims = self.shape().dims().to_vec();
        *dims.last_mut().expect("a shape has a dimension") = n;
        Tensor::empty(self.gpu(), Shape::from(&dims[..]), self.precision())
    }

    fn matmul_into(&self, y: &Tensor, weight: &Weight, epilogue: Epilogue<'_>, gated: bool) {
        let (k, n) = (weight.k(), weight.n());
        assert_eq!(self.shape().channels(), k, "matmul of {:?} by {k} × {n}", self.shape());
        let gpu = self.gpu();
        let rows = self.shape().rows();
        let tile = Tile::choose(gpu, gpu.tuning().matmul, [rows, n], weight.weight_type());
        let rows_per_picture = rows / self.shape().dims()[0];
        let count = if gated { 1 } else { tile.slices([rows_per_picture, n, k]) };
        let slices = Slices::new(count, n, self.precision());
        let ends = slices.epilogue(epilogue);
        let kernel = Kernel::new(wgsl!("matmul"), 5)
            .alias("Elem4", self.precision().vec4())
            .alias("Out4", slices.stored.vec4())
            .flag("GATED", gated)
            .with(shared::reader(weight.weight_type()));
        let kernel = tile.specialise(ends.specialise(kernel), self.precision(), slices.count);
        let kernel = Rc::new(kernel);

        let [shift_row4, shift_first4] = ends.shift_row4_and_first4();
        let row_bytes = self.row_bytes().max(y.row_bytes()).max(slices.row_bytes());
        for band in row_bands(gpu, rows, row_bytes, 2 * (k * n) as u64) {
            let params = Params {
                rows: band.len() as u32,
                n4: y.shape().channels() as u32 / 4,
                k4: k as u32 / 4,
                rows_per_picture: rows_per_picture as u32,
                first_row: band.start as u32,
                shift_row4,
                shift_first4,
                slices: slices.count as u32,
            };
            let x = self.rows(&band);
            let parts = slices.parts(gpu, band.len());
            let bindings = vec![
                x,
                weight.whole(),
                ends.bias.map_or(x, Tensor::whole),
                ends.shift.map_or(x, |shift| shift.x.whole()),
                ends.residual.map_or(x, |residual| residual.rows(&band)),
                parts.as_ref().map_or_else(|| y.rows(&band), Tensor::whole),
            ];
            let grid = tile.grid(gpu, [band.len(), n], slices.count);
            let cost =
                tile.cost(band.len(), weight, [self.precision(), slices.stored], slices.count);
            gpu.dispatch(&kernel, bytemuck::bytes_of(&params), bindings, grid, cost);
            if let Some(parts) = parts {
                slices::reduce(&parts, y, &band, epilogue);
            }
        }
    }
}
