//! Group normalisation of an input in bands of rows. The statistics of all bands are computed
//! first, in chunks. They are merged, so that each band is normalised by the mean and variance of
//! the whole input; by the kernels of [`group_norm`](super::group_norm).

use crate::dtype::Precision;
use crate::gpu::Gpu;
use crate::gpu::kernel::Kernel;
use crate::ops::affine::Affine;
use crate::ops::group_norm::{CHUNK_ROWS, Params, ROWS, StatsParams};
use crate::ops::group_passes::{self, BAND_CHUNK_ROWS, Slice};
use crate::ops::shared::{self, LANES};
use crate::tensor::Tensor;
use crate::wgsl;
use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::rc::Rc;

/// The statistics of each chunk of one input of one norm.
pub struct GroupStats {
    groups: usize,
    chunks: usize,
    /// Of each group, `[groups, chunks, 4]`; on a graphics card of each channel, `[1, chunks, 4 +
    /// 2 · c]`.
    stats: Tensor,
    filled: Cell<usize>,
    /// On a graphics card, what the statistics make of each channel, once all are there.
    scales: RefCell<Option<Tensor>>,
}

/// The pixels of a chunk.
fn chunk_rows(gpu: &Gpu) -> usize {
    if gpu.info().software { CHUNK_ROWS } else { BAND_CHUNK_ROWS }
}

impl GroupStats {
    /// Empty statistics for an input of `c` channels in bands of so many pixels each.
    pub fn new(
        gpu: &Gpu,
        [groups, c]: [usize; 2],
        bands: impl Iterator<Item = usize>,
    ) -> GroupStats {
        let chunks = bands.map(|pixels| pixels.div_ceil(chunk_rows(gpu))).sum();
        let stats = match gpu.info().software {
            true => Tensor::empty(gpu, [groups, chunks, 4], Precision::F32),
            false => group_passes::empty_stats(gpu, [1, chunks, c]),
        };
        GroupStats { groups, chunks, stats, filled: Cell::new(0), scales: RefCell::new(None) }
    }

    /// Adds the statistics of the next band: the pixels `pixels` of `x` `[1, rows, w, c]`.
    ///
    /// # Panics
    /// When all bands were added before.
    pub fn gather(&self, x: &Tensor, pixels: Range<usize>) {
        let gpu = x.gpu();
        let first_chunk = self.filled.get();
        let chunk_rows = chunk_rows(gpu);
        let of_band = pixels.len().div_ceil(chunk_rows);
        assert!(first_chunk + of_band <= self.chunks, "a band more than there are");
        self.filled.set(first_chunk + of_band);
        if gpu.info().software {
            self.gather_groups(x, pixels, first_chunk);
        } else {
            let slice = Slice { pictures: 0..1, rows: pixels };
            x.channel_stats(&self.stats, &slice, [chunk_rows, first_chunk]);
        }
    }

    /// [`GroupStats::gather`] on a software adapter.
    fn gather_groups(&self, x: &Tensor, pixels: Range<usize>, first_chunk: usize) {
        let (gpu, c) = (x.gpu(), x.shape().channels());
        let kernel = Kernel::new(wgsl!("group_norm_stats"), 1)
            .alias("Elem4", x.precision().vec4())
            .uint("LANES", LANES)
            .with(shared::REDUCE);
        let (from, x_first) = x.rows_aligned(&pixels);
        let params = StatsParams {
            rows: pixels.len() as u32,
            chunk_rows: CHUNK_ROWS as u32,
            c: c as u32,
            groups: self.groups as u32,
            chunks: self.chunks as u32,
            first_chunk: first_chunk as u32,
            first_picture: 0,
            x_start: (pixels.start * c) as u32 - 4 * x_first,
        };
        let grid = [pixels.len().div_ceil(CHUNK_ROWS) as u32, self.groups as u32, 1];
        let flops = (pixels.len() * c * 4) as u64;
        let bindings = vec![from, self.stats.whole()];
        gpu.dispatch(&Rc::new(kernel), bytemuck::bytes_of(&params), bindings, grid, flops);
    }

    /// What the statistics make of each channel, on a graphics card: `[1, 3, c]`.
    fn scales(&self, affine: &Affine<'_>) -> Tensor {
        let mut scales = self.scales.borrow_mut();
        scales.get_or_insert_with(|| self.stats.merged_stats(self.groups, affine)).clone()
    }
}

impl Tensor {
    /// [`Tensor::group_norm`] of some rows, `[1, rows, w, c]`, with the statistics of the whole
    /// input; same shape. All rows of an input are given the same γ, β and ε.
    ///
    /// # Panics
    /// When not all bands have been added, or this is larger than a binding.
    pub fn group_norm_by(&self, stats: &GroupStats, affine: &Affine<'_>) -> Tensor {
        assert_eq!(stats.filled.get(), stats.chunks, "bands are missing");
        let y = Tensor::empty(self.gpu(), self.shape(), self.precision());
        if self.gpu().info().software {
            self.group_norm_by_groups(&y, stats, affine);
        } else {
            let slice = Slice { pictures: 0..1, rows: 0..self.shape().rows() };
            self.scale_to(&y, &slice, &stats.scales(affine), affine.activation);
        }
        y
    }

    /// [`Tensor::group_norm_by`] on a software adapter.
    fn group_norm_by_groups(&self, y: &Tensor, stats: &GroupStats, affine: &Affine<'_>) {
        let Affine { gamma, beta, eps, activation } = *affine;
        let (gpu, c, rows) = (self.gpu(), self.shape().channels(), self.shape().rows());
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
            groups: stats.groups as u32,
            chunks: stats.chunks as u32,
            eps,
        };
        let stats = stats.stats.whole();
        let bindings = vec![self.whole(), stats, gamma.whole(), beta.whole(), y.whole()];
        let [down, deep] = shared::fold(gpu, rows.div_ceil(ROWS));
        let grid = [(c / 4).div_ceil(LANES as usize) as u32, down, deep];
        let flops = (rows * c * 2) as u64;
        gpu.dispatch(&Rc::new(kernel), bytemuck::bytes_of(&params), bindings, grid, flops);
    }
}
