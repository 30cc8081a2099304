//! Group normalisation with its activation. On a graphics card it takes three dispatches, see
//! [`group_passes`](super::group_passes), and small inputs one, see
//! `kernels/group_norm_whole.wgsl`. On a software adapter it takes one, see
//! `kernels/group_norm_direct.wgsl`, and inputs of many pixels two, see
//! `kernels/group_norm_stats.wgsl` and `kernels/group_norm.wgsl`.

use crate::activation::Activation;
use crate::dtype::Precision;
use crate::gpu::Cost;
use crate::gpu::kernel::Kernel;
use crate::gpu::recording::ALIGNMENT;
use crate::ops::affine::Affine;
use crate::ops::bands::row_bands;
use crate::ops::group_passes::{self, slices};
use crate::ops::shared::{self, LANES};
use crate::tensor::Tensor;
use crate::wgsl;
use std::rc::Rc;

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
pub(super) struct StatsParams {
    /// Rows (pixels) of one element of the batch in this dispatch.
    pub rows: u32,
    /// Rows of a chunk, [`CHUNK_ROWS`].
    pub chunk_rows: u32,
    /// Channels.
    pub c: u32,
    /// Groups of channels.
    pub groups: u32,
    /// Chunks of one element of the batch.
    pub chunks: u32,
    /// The first chunk of this dispatch.
    pub first_chunk: u32,
    /// The first element of the batch of this dispatch.
    pub first_picture: u32,
    /// The first element of `x` in its binding, counted in single values.
    pub x_start: u32,
}

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
pub(super) struct Params {
    /// Rows (pixels) of this dispatch (a band).
    pub rows: u32,
    /// Rows of one element of the batch.
    pub rows_per_picture: u32,
    /// The first row of the band in the whole tensor.
    pub first_row: u32,
    /// Channels, in vec4.
    pub c4: u32,
    /// Groups of channels.
    pub groups: u32,
    /// Chunks of one element of the batch.
    pub chunks: u32,
    /// ε, added to the variance.
    pub eps: f32,
}

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct WholeParams {
    /// Rows (pixels) of one element of the batch.
    rows: u32,
    /// Channels, in vec4.
    c4: u32,
    /// Channels of a workgroup, in vec4.
    columns: u32,
    /// Channels of a group, in single channels.
    width: u32,
    /// ε, added to the variance.
    eps: f32,
}

/// The pixels of a chunk on a software adapter, of which one workgroup computes the statistics:
/// 64×64 in the UNet are one chunk, so that there is nothing to merge; 512×512 in the decoder are
/// 64 chunks, so that all cores have work.
pub(super) const CHUNK_ROWS: usize = 4096;

/// The vec4 of a workgroup up to which one dispatch does it on a graphics card. On an H200 the
/// three passes took 10 to 12 µs however small the input was, most of that to start them; the one
/// dispatch took 7 µs with 1280 of a workgroup (8×8×2560), 9 with 2560 (16×16×1280), 16 with 5120
/// (16×16×2560) and 54 with 20 480 (64×64×320), for it keeps at most 64 of the card's 132 cores
/// busy.
const WHOLE_VECTORS: usize = 3072;

/// The workgroup size of the kernel for whole groups: many invocations hide each other's latency on
/// a real GPU.
const WHOLE_LANES: u32 = 4 * LANES;

/// The workgroup size of the direct kernel.
const DIRECT_LANES: usize = 4;

/// The vec4 of an invocation of the direct kernel, at most. Mesa's llvmpipe ends the loops of an
/// invocation after 65,535 iterations in all, and says nothing: 60×60×960 came out as zeros. The
/// kernel passes over the vec4 three times and takes four at a time.
const DIRECT_VECTORS: usize = 1 << 16;

/// The pixels that one invocation normalises; it merges the chunks' statistics once for all of
/// them.
pub(super) const ROWS: usize = 16;

impl Tensor {
    /// `[b, h, w, c]` or `[b, t, c]`: normalises each of `groups` groups of channels of each
    /// element of the batch over its pixels, then applies γ and β (`[c]`, f32) and the activation.
    ///
    /// # Panics
    /// When the channels do not divide into the groups, or γ or β are not `[c]`.
    pub fn group_norm(
        &self,
        groups: usize,
        gamma: &Tensor,
        beta: &Tensor,
        eps: f32,
        activation: Activation,
    ) -> Tensor {
        let [_, rows, c] = self.shape().tokens();
        assert!(c.is_multiple_of(groups), "{c} channels in {groups} groups");
        assert_eq!([gamma.shape().dims(), beta.shape().dims()], [[c], [c]], "γ and β of {c}");
        let affine = Affine { gamma, beta, eps, activation };
        let columns = columns(c / groups);
        let software = self.gpu().info().software;
        let few = match software {
            true => rows <= CHUNK_ROWS && rows * columns <= DIRECT_VECTORS,
            false => rows * columns <= WHOLE_VECTORS,
        };
        let bindable = self.bytes() <= self.gpu().limits().binding;
        if few && bindable && columns <= LANES as usize {
            self.group_norm_whole([c / groups, columns], &affine)
        } else if software {
            self.group_norm_chunked(groups, &affine)
        } else {
            self.group_norm_streamed(groups, &affine)
        }
    }

    /// In one dispatch. `width`: channels of a group. `columns`: channels of a workgroup, in vec4.
    fn group_norm_whole(&self, [width, columns]: [usize; 2], affine: &Affine<'_>) -> Tensor {
        let [batch, rows, c] = self.shape().tokens();
        let gpu = self.gpu();
        let y = Tensor::empty(gpu, self.shape(), self.precision());
        let sets = c / 4 / columns;
        let (kernel, along) = match gpu.info().software {
            true => {
                let kernel = Kernel::new(wgsl!("group_norm_direct"), 3);
                (kernel.uint("LANES", DIRECT_LANES as u32), sets.div_ceil(DIRECT_LANES))
            }
            false => (Kernel::new(wgsl!("group_norm_whole"), 3).uint("LANES", WHOLE_LANES), sets),
        };
        let kernel = kernel.alias("Elem4", self.precision().vec4()).activation(affine.activation);
        let params = WholeParams {
            rows: rows as u32,
            c4: c as u32 / 4,
            columns: columns as u32,
            width: width as u32,
            eps: affine.eps,
        };
        let bindings = vec![self.whole(), affine.gamma.whole(), affine.beta.whole(), y.whole()];
        let grid = [along as u32, batch as u32, 1];
        let cost = Cost { flops: (batch * rows * c * 6) as u64, traffic: Some(4 * self.bytes()) };
        gpu.dispatch(&Rc::new(kernel), bytemuck::bytes_of(&params), bindings, grid, cost);
        y
    }

    /// In three dispatches: the statistics of chunks, what they make of each channel, and the
    /// normalisation.
    fn group_norm_streamed(&self, groups: usize, affine: &Affine<'_>) -> Tensor {
        let [batch, rows, c] = self.shape().tokens();
        let chunk_rows = group_passes::chunk_rows(rows, c);
        let stats = group_passes::empty_stats(self.gpu(), [batch, rows.div_ceil(chunk_rows), c]);
        // Slices have whole chunks, so that a chunk's statistics do not depend on the slices.
        let slices = slices(self, chunk_rows);
        for slice in &slices {
            self.channel_stats(&stats, slice, [chunk_rows, slice.rows.start / chunk_rows]);
        }
        let scales = stats.merged_stats(groups, affine);
        let y = Tensor::empty(self.gpu(), self.shape(), self.precision());
        for slice in &slices {
            self.scale_to(&y, slice, &scales, affine.activation);
        }
        y
    }

    /// In two dispatches: the statistics of chunks, then the normalisation.
    fn group_norm_chunked(&self, groups: usize, affine: &Affine<'_>) -> Tensor {
        let [batch, rows, c] = self.shape().tokens();
        let Affine { gamma, beta, eps, activation } = *affine;
        let gpu = self.gpu();
        let stats = self.group_norm_stats(groups);
        let y = Tensor::empty(gpu, self.shape(), self.precision());
        let kernel = Kernel::new(wgsl!("group_norm"), 4)
            .alias("Elem4", self.precision().vec4())
            .uint("LANES", LANES)
            .uint("ROWS", ROWS as u32)
            .activation(activation);
        let kernel = Rc::new(kernel);
        for band in row_bands(gpu, batch * rows, self.row_bytes(), 0) {
            let params = Params {
                rows: band.len() as u32,
                rows_per_picture: rows as u32,
                first_row: band.start as u32,
                c4: c as u32 / 4,
                groups: groups as u32,
                chunks: rows.div_ceil(CHUNK_ROWS) as u32,
                eps,
            };
            let bindings =
                vec![self.rows(&band), stats.whole(), gamma.whole(), beta.whole(), y.rows(&band)];
            let [down, deep] = shared::fold(gpu, band.len().div_ceil(ROWS));
            let grid = [(c / 4).div_ceil(LANES as usize) as u32, down, deep];
            let flops = (band.len() * c * 2) as u64;
            gpu.dispatch(&kernel, bytemuck::bytes_of(&params), bindings, grid, flops);
        }
        y
    }

    /// `[b · groups, chunks, 4]`: mean, squared deviation and count of each chunk.
    fn group_norm_stats(&self, groups: usize) -> Tensor {
        let [batch, rows, c] = self.shape().tokens();
        let gpu = self.gpu();
        let chunks = rows.div_ceil(CHUNK_ROWS);
        let stats = Tensor::empty(gpu, [batch * groups, chunks, 4], Precision::F32);
        let kernel = Kernel::new(wgsl!("group_norm_stats"), 1)
            .alias("Elem4", self.precision().vec4())
            .uint("LANES", LANES)
            .with(shared::REDUCE);
        let kernel = Rc::new(kernel);
        let whole = self.bytes() <= gpu.limits().binding;
        for picture in 0..if whole { 1 } else { batch } {
            // Bands have whole chunks, so that a chunk's statistics do not depend on the bands.
            let binding = gpu.limits().binding - ALIGNMENT;
            let most = (binding / self.row_bytes()) as usize / CHUNK_ROWS * CHUNK_ROWS;
            let step = if whole { rows } else { most.max(CHUNK_ROWS) };
            for first in (0..rows).step_by(step) {
                let count = step.min(rows - first);
                let begin = picture * rows + first;
                let pictures = if whole { batch } else { 1 };
                let (x, x_first) = self.rows_aligned(&(begin..begin + count * pictures));
                let params = StatsParams {
                    rows: count as u32,
                    chunk_rows: CHUNK_ROWS as u32,
                    c: c as u32,
                    groups: groups as u32,
                    chunks: chunks as u32,
                    first_chunk: (first / CHUNK_ROWS) as u32,
                    first_picture: picture as u32,
                    x_start: (begin * c) as u32 - 4 * x_first,
                };
                let grid = [count.div_ceil(CHUNK_ROWS), groups, pictures].map(|n| n as u32);
                let flops = (pictures * count * c * 4) as u64;
                let bindings = vec![x, stats.whole()];
                gpu.dispatch(&kernel, bytemuck::bytes_of(&params), bindings, grid, flops);
            }
        }
        stats
    }
}

/// The smallest number of vec4 that whole groups of `width` channels fill.
fn columns(width: usize) -> usize {
    match width % 4 {
        0 => width / 4,
        2 => width / 2,
        _ => width,
    }
}
