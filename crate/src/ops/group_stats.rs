//! Group normalisation of an input in bands of rows. The statistics of all bands are computed
//! first, in chunks. The normalisation merges them, so that each band is normalised by the mean and
//! variance of the whole input; see `kernels/group_norm_stats.wgsl` and `kernels/group_norm.wgsl`.

use crate::dtype::Precision;
use crate::gpu::Gpu;
use crate::gpu::kernel::Kernel;
use crate::ops::group_norm::{Affine, CHUNK_ROWS, Params, ROWS, StatsParams};
use crate::ops::shared::{self, LANES};
use crate::tensor::Tensor;
use crate::wgsl;
use std::cell::Cell;
use std::ops::Range;
use std::rc::Rc;

/// Mean, squared deviation and count of each group of each chunk of one input.
pub struct GroupStats {
    /// `[groups, chunks, 4]`
    stats: Tensor,
    filled: Cell<usize>,
}

impl GroupStats {
    /// Empty statistics for an input in bands of so many pixels each.
    pub fn new(gpu: &Gpu, groups: usize, bands: impl Iterator<Item = usize>) -> GroupStats {
        let chunks = bands.map(|pixels| pixels.div_ceil(CHUNK_ROWS)).sum::<usize>();
        let stats = Tensor::empty(gpu, [groups, chunks, 4], Precision::F32);
        GroupStats { stats, filled: Cell::new(0) }
    }

    /// Adds the statistics of the next band: the pixels `pixels` of `x` `[1, rows, w, c]`.
    ///
    /// # Panics
    /// When all bands were added before.
    pub fn gather(&self, x: &Tensor, pixels: Range<usize>) {
        let [groups, chunks, _] = self.stats.shape().tokens();
        let (gpu, c) = (x.gpu(), x.shape().channels());
        let kernel = Kernel::new(wgsl!("group_norm_stats"), 1)
            .alias("Elem4", x.precision().vec4())
            .uint("LANES", LANES)
            .with(shared::REDUCE);
        let (from, x_first) = x.rows_aligned(&pixels);
        let first_chunk = self.filled.get();
        let of_band = pixels.len().div_ceil(CHUNK_ROWS);
        assert!(first_chunk + of_band <= chunks, "a band more than there are");
        self.filled.set(first_chunk + of_band);
        let params = StatsParams {
            rows: pixels.len() as u32,
            chunk_rows: CHUNK_ROWS as u32,
            c: c as u32,
            groups: groups as u32,
            chunks: chunks as u32,
            first_chunk: first_chunk as u32,
            first_picture: 0,
            x_start: (pixels.start * c) as u32 - 4 * x_first,
        };
        let grid = [of_band as u32, groups as u32, 1];
        let flops = (pixels.len() * c * 4) as u64;
        let bindings = vec![from, self.stats.whole()];
        gpu.dispatch(&Rc::new(kernel), bytemuck::bytes_of(&params), bindings, grid, flops);
    }
}

impl Tensor {
    /// [`Tensor::group_norm`] of some rows, `[1, rows, w, c]`, with the statistics of the whole
    /// input; same shape.
    ///
    /// # Panics
    /// When not all bands have been added, or this is larger than a binding.
    pub fn group_norm_by(&self, stats: &GroupStats, affine: &Affine<'_>) -> Tensor {
        let Affine { gamma, beta, eps, activation } = *affine;
        let [groups, chunks, _] = stats.stats.shape().tokens();
        assert_eq!(stats.filled.get(), chunks, "bands are missing");
        let (gpu, c, rows) = (self.gpu(), self.shape().channels(), self.shape().rows());
        let y = Tensor::empty(gpu, self.shape(), self.precision());
        let kernel = Kernel::new(wgsl!("group_norm"), 4)
            .alias("Elem4", self.precision().vec4())
            .uint("LANES", LANES)
            .uint("ROWS", ROWS as u32)
            .activation(activation);
        let params = Params {
            rows: rows as u32,
            rows_per_picture: u32::MAX,
            first_row: 0,
            c4: c as u32 / 4,
            groups: groups as u32,
            chunks: chunks as u32,
            eps,
        };
        let stats = stats.stats.whole();
        let bindings = vec![self.whole(), stats, gamma.whole(), beta.whole(), y.whole()];
        let [down, deep] = shared::fold(gpu, rows.div_ceil(ROWS));
        let grid = [(c / 4).div_ceil(LANES as usize) as u32, down, deep];
        let flops = (rows * c * 2) as u64;
        gpu.dispatch(&Rc::new(kernel), bytemuck::bytes_of(&params), bindings, grid, flops);
        y
    }
}
