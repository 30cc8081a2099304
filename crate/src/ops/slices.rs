//! Products whose inputs are cut into slices (split-K): where a product has too few outputs to fill
//! a graphics card with workgroups, each workgroup sums a part of the inputs, and another kernel
//! adds the parts; see `kernels/matmul_slices.wgsl`.
//!
//! The number of slices depends on the shape of one element of the batch alone: bands of its rows
//! are summed in the same order, and a picture is the same alone and among others. A VAE that
//! decodes a picture in bands makes each a product of its own; the layers of all published VAEs
//! have too few outputs to be cut.

use crate::dtype::Precision;
use crate::gpu::kernel::Kernel;
use crate::gpu::{Cost, Gpu};
use crate::ops::epilogue::Epilogue;
use crate::ops::shared;
use crate::tensor::Tensor;
use crate::wgsl;
use std::ops::Range;
use std::rc::Rc;

/// Workgroups for one element of the batch of a product that is not cut. With guidance a batch has
/// two: two workgroups for each multiprocessor of a large card.
const GROUPS_MIN: usize = 128;

/// Those of one that is: a slice is shorter, and more of them fill the gaps.
const GROUPS_CUT: usize = 256;

/// The most outputs of a row of a product that is not cut. A VAE's layers have no more, and only
/// the UNet's deepest, which have few rows, and the text encoder's widest have.
const OUTPUTS_MAX: usize = 512;

/// The most slices of a product.
const SLICES_MAX: usize = 16;

/// The fewest inputs of a slice: with fewer, storing and adding the parts costs more than it saves.
const INPUTS_MIN: usize = 512;

/// The number of slices for `rows` (of one element of the batch) × `n` outputs of `k` inputs, in
/// workgroups of `side` × `side` outputs; a power of two.
pub(super) fn count([rows, n, k]: [usize; 3], side: usize) -> usize {
    let groups = rows.div_ceil(side) * n.div_ceil(side);
    if groups >= GROUPS_MIN || n <= OUTPUTS_MAX {
        return 1;
    }
    let mut slices = 1;
    while groups * slices < GROUPS_CUT && slices < SLICES_MAX && k >= 2 * slices * INPUTS_MIN {
        slices *= 2;
    }
    slices
}

/// Where the sums of a product go: in one slice they are its outputs; the sums of several are
/// stored as they are, in f32, and added by another kernel, which applies the epilogue.
#[derive(Clone, Copy)]
pub(super) struct Slices {
    pub count: usize,
    /// How sums are stored.
    pub stored: Precision,
    /// Outputs of a row.
    n: usize,
}

impl Slices {
    /// So many slices of a product with `n` outputs of this precision.
    pub(super) fn new(count: usize, n: usize, outputs: Precision) -> Slices {
        Slices { count, n, stored: if count > 1 { Precision::F32 } else { outputs } }
    }

    /// What the product's own kernel applies to its sums.
    pub(super) fn epilogue<'a>(&self, whole: Epilogue<'a>) -> Epilogue<'a> {
        if self.count > 1 { Epilogue::default() } else { whole }
    }

    /// The bytes of the sums of a row of outputs; 0 where these are the outputs.
    pub(super) fn row_bytes(&self) -> u64 {
        if self.count > 1 { (self.count * self.n * self.stored.bytes()) as u64 } else { 0 }
    }

    /// `[slices, rows, n]` for the sums of a band of so many rows; `None` where these are the
    /// outputs.
    pub(super) fn parts(&self, gpu: &Gpu, rows: usize) -> Option<Tensor> {
        (self.count > 1).then(|| Tensor::empty(gpu, [self.count, rows, self.n], self.stored))
    }
}

/// The kernel's uniform. Names that end in 4 are in vec4 (four channels).
#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    /// Rows of this dispatch (a band).
    rows: u32,
    /// Channels of a row of the output.
    n4: u32,
    slices: u32,
    /// Rows of one element of the batch.
    rows_per_picture: u32,
    /// The first row of the band in the whole tensor.
    first_row: u32,
    /// Channels of a row of the epilogue's shift.
    shift_row4: u32,
    /// The first of them that is added.
    shift_first4: u32,
}

/// `parts [slices, rows of the band, n]` → the band of `y [.., n]`: adds the slices and applies the
/// epilogue.
pub(super) fn reduce(parts: &Tensor, y: &Tensor, band: &Range<usize>, epilogue: Epilogue<'_>) {
    let gpu: &Gpu = y.gpu();
    let n4 = y.shape().channels() / 4;
    let kernel = Kernel::new(wgsl!("matmul_slices"), 4)
        .alias("Elem4", y.precision().vec4())
        .uint("LANES", shared::LANES)
        .with(shared::INDEX);
    let kernel = Rc::new(epilogue.specialise(kernel));
    let slices = parts.shape().dims()[0];
    let [shift_row4, shift_first4] = epilogue.shift_row4_and_first4();
    let params = Params {
        rows: band.len() as u32,
        n4: n4 as u32,
        slices: slices as u32,
        rows_per_picture: (y.shape().rows() / y.shape().dims()[0]) as u32,
        first_row: band.start as u32,
        shift_row4,
        shift_first4,
    };
    let sums = parts.whole();
    let bindings = vec![
        sums,
        epilogue.bias.map_or(sums, Tensor::whole),
        epilogue.shift.map_or(sums, |shift| shift.x.whole()),
        epilogue.residual.map_or(sums, |residual| residual.rows(band)),
        y.rows(band),
    ];
    let outputs = band.len() * n4;
    // Each part is read once, and each output written once.
    let loads = (slices * Precision::F32.bytes() + y.precision().bytes()) as u64;
    let cost = Cost { flops: 0, traffic: Some(4 * outputs as u64 * loads) };
    let grid = shared::linear_grid(gpu, outputs);
    gpu.dispatch(&kernel, bytemuck::bytes_of(&params), bindings, grid, cost);
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn a_product_has_slices_where_it_has_few_outputs_of_many_inputs() {
        assert_eq!(count([4096, 320, 2880], 64), 1, "320 workgroups are enough");
        assert_eq!(count([1024, 640, 5760], 64), 1, "and so are 160");
        assert_eq!(count([512, 512, 4608], 64), 1, "a band of a VAE");
        assert_eq!(count([256, 1280, 11520], 64), 4);
        assert_eq!(count([64, 1280, 11520], 64), 16);
        assert_eq!(count([64, 1280, 1280], 64), 2, "slices of 640 inputs");
        assert_eq!(count([1, 1280, 320], 64), 1, "too few inputs");
        assert_eq!(count([77, 768, 3072], 64), 4, "24 workgroups, slices of 768 inputs");
    }
}
