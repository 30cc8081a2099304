//! The three passes of a group norm on a graphics card: the statistics of each channel over chunks
//! of pixels, what they make of each channel, and the normalisation; see
//! `kernels/group_norm_channels.wgsl`, `kernels/group_norm_merge.wgsl` and
//! `kernels/group_norm_stream.wgsl`. The first and the last read and write with all of the card.

use crate::activation::Activation;
use crate::dtype::Precision;
use crate::gpu::Gpu;
use crate::gpu::kernel::Kernel;
use crate::gpu::recording::{ALIGNMENT, Binding};
use crate::ops::affine::Affine;
use crate::tensor::Tensor;
use crate::wgsl;
use std::ops::Range;
use std::rc::Rc;

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct ChannelsParams {
    rows: u32,
    chunk_rows: u32,
    c4: u32,
    chunks: u32,
    first_chunk: u32,
    first_picture: u32,
    start: u32,
}

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct MergeParams {
    c: u32,
    width: u32,
    chunks: u32,
    eps: f32,
}

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct StreamParams {
    rows: u32,
    span: u32,
    c4: u32,
    first_picture: u32,
    start: u32,
}

/// The workgroup size of all three: many invocations hide each other's latency.
const LANES: u32 = 256;

/// Vectors of four channels side by side in a workgroup of the passes that stream: 256 bytes of
/// f32.
const COLUMNS: u32 = 16;

/// Rows side by side in such a workgroup.
const DOWN: usize = (LANES / COLUMNS) as usize;

/// The most, some and the least pixels of a workgroup of the first pass: up to 128 of an
/// invocation, so that the merge has little to do.
const CHUNKS: [usize; 3] = [128 * DOWN, 8 * DOWN, DOWN];

/// The same of the last pass.
const SPANS: [usize; 3] = [16 * DOWN, 4 * DOWN, DOWN];

/// The pixels of a chunk of a band. There are many bands, all of whose statistics are kept, where
/// memory is short: those of 256 channels are 1 MB for 512×512 pixels.
pub(super) const BAND_CHUNK_ROWS: usize = 32 * DOWN;

/// Some pixels of one picture, or of several whole pictures, in one binding.
pub(super) struct Slice {
    /// The first picture, and how many.
    pub pictures: Range<usize>,
    /// The pixels of each: all of them, where there are several pictures.
    pub rows: Range<usize>,
}

/// The pixels of a chunk, of which one workgroup computes the statistics. From the shape of one
/// picture alone, so that neither the batch nor bands change them.
pub(super) fn chunk_rows(rows: usize, c: usize) -> usize {
    stretch(rows, c, CHUNKS)
}

/// How many pixels of a picture a workgroup takes: as many as leave the picture 256 workgroups, but
/// `most` at the most; where that leaves an invocation few, `some`, as many as leave 128, for two
/// pictures at once are the rule, but `least` at the least.
fn stretch(rows: usize, c: usize, [most, some, least]: [usize; 3]) -> usize {
    let sets = (c / 4).div_ceil(COLUMNS as usize);
    let leaves = |stretch: usize| sets * rows.div_ceil(stretch);
    let mut stretch = most;
    while stretch > some && leaves(stretch) < 256 || stretch > least && leaves(stretch) < 128 {
        stretch /= 2;
    }
    stretch
}

/// Cuts `[b, rows, c]` into slices that fit a binding: one is the rule. They begin at multiples of
/// `grain` pixels.
pub(super) fn slices(x: &Tensor, grain: usize) -> Vec<Slice> {
    let [batch, rows, _] = x.shape().tokens();
    let limit = x.gpu().limits().binding;
    if x.bytes() <= limit {
        return vec![Slice { pictures: 0..batch, rows: 0..rows }];
    }
    let most = ((limit - ALIGNMENT) / x.row_bytes()) as usize;
    let step = (most / grain * grain).max(grain);
    let of_picture = |picture: usize| {
        (0..rows).step_by(step).map(move |first| Slice {
            pictures: picture..picture + 1,
            rows: first..rows.min(first + step),
        })
    };
    (0..batch).flat_map(of_picture).collect()
}

/// Empty statistics of `chunks` chunks of each picture: `[pictures, chunks, 4 + 2 · c]`.
pub(super) fn empty_stats(gpu: &Gpu, [pictures, chunks, c]: [usize; 3]) -> Tensor {
    Tensor::empty(gpu, [pictures, chunks, 4 + 2 * c], Precision::F32)
}

impl Tensor {
    /// Fills in the statistics of the chunks of a slice of `[b, rows, c]`, `chunk_rows` pixels
    /// each, from `first_chunk` of each picture on: `stats` is `[b, chunks, 4 + 2 · c]`.
    pub(super) fn channel_stats(
        &self,
        stats: &Tensor,
        slice: &Slice,
        [chunk_rows, first_chunk]: [usize; 2],
    ) {
        let [_, rows, c] = self.shape().tokens();
        let [_, chunks, _] = stats.shape().tokens();
        let (x, start) = self.slice(slice, rows);
        let params = ChannelsParams {
            rows: slice.rows.len() as u32,
            chunk_rows: chunk_rows as u32,
            c4: c as u32 / 4,
            chunks: chunks as u32,
            first_chunk: first_chunk as u32,
            first_picture: slice.pictures.start as u32,
            start,
        };
        let kernel = Kernel::new(wgsl!("group_norm_channels"), 1)
            .alias("Elem4", self.precision().vec4())
            .uint("LANES", LANES)
            .uint("COLUMNS", COLUMNS);
        let bindings = vec![x, stats.whole()];
        let grid = grid(slice, c, chunk_rows);
        let flops = (slice.pictures.len() * slice.rows.len() * c * 4) as u64;
        self.gpu().dispatch(&Rc::new(kernel), bytemuck::bytes_of(&params), bindings, grid, flops);
    }

    /// From statistics `[b, chunks, 4 + 2 · c]` of whole pictures to the mean of each channel's
    /// group, what the channel is multiplied by and what is then added to it: `[b, 3, c]`.
    pub(super) fn merged_stats(&self, groups: usize, affine: &Affine<'_>) -> Tensor {
        let [pictures, chunks, _] = self.shape().tokens();
        let (gpu, c) = (self.gpu(), affine.gamma.shape().channels());
        let scales = Tensor::empty(gpu, [pictures, 3, c], Precision::F32);
        let params = MergeParams {
            c: c as u32,
            width: (c / groups) as u32,
            chunks: chunks as u32,
            eps: affine.eps,
        };
        let kernel = Kernel::new(wgsl!("group_norm_merge"), 3).uint("LANES", LANES);
        let bindings =
            vec![self.whole(), affine.gamma.whole(), affine.beta.whole(), scales.whole()];
        let grid = [groups as u32, pictures as u32, 1];
        gpu.dispatch(&Rc::new(kernel), bytemuck::bytes_of(&params), bindings, grid, 0);
        scales
    }

    /// Writes a slice of `[b, rows, c]`, normalised and activated, to `y`; `scales` is
    /// `[b, 3, c]`.
    pub(super) fn scale_to(
        &self,
        y: &Tensor,
        slice: &Slice,
        scales: &Tensor,
        activation: Activation,
    ) {
        let [_, rows, c] = self.shape().tokens();
        let span = stretch(rows, c, SPANS);
        let ((x, start), (y, _)) = (self.slice(slice, rows), y.slice(slice, rows));
        let params = StreamParams {
            rows: slice.rows.len() as u32,
            span: span as u32,
            c4: c as u32 / 4,
            first_picture: slice.pictures.start as u32,
            start,
        };
        let kernel = Kernel::new(wgsl!("group_norm_stream"), 2)
            .alias("Elem4", self.precision().vec4())
            .uint("LANES", LANES)
            .uint("COLUMNS", COLUMNS)
            .activation(activation);
        let bindings = vec![x, scales.whole(), y];
        let grid = grid(slice, c, span);
        let flops = (slice.pictures.len() * slice.rows.len() * c * 3) as u64;
        self.gpu().dispatch(&Rc::new(kernel), bytemuck::bytes_of(&params), bindings, grid, flops);
    }

    /// A slice of pictures of `rows` pixels as a binding, and where in it the slice begins, in
    /// groups of four channels.
    fn slice(&self, slice: &Slice, rows: usize) -> (Binding, u32) {
        let begin = slice.pictures.start * rows + slice.rows.start;
        let count = slice.pictures.len() * slice.rows.len();
        let (binding, first) = self.rows_aligned(&(begin..begin + count));
        (binding, (begin * self.shape().channels() / 4) as u32 - first)
    }
}

/// Workgroups of `stretch` pixels each.
fn grid(slice: &Slice, c: usize, stretch: usize) -> [u32; 3] {
    let sets = (c / 4).div_ceil(COLUMNS as usize);
    [sets, slice.rows.len().div_ceil(stretch), slice.pictures.len()].map(|n| n as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workgroup_takes_what_leaves_enough_others() {
        let rows_of = [(4096, 320), (1024, 640), (256, 640), (256, 1280), (256, 2560)];
        assert_eq!(rows_of.map(|(rows, c)| chunk_rows(rows, c)), [128, 64, 16, 32, 64]);
        // the decoder's largest, of one picture, and twice that side
        assert_eq!([1 << 18, 1 << 20].map(|rows| chunk_rows(rows, 128)), [2048; 2]);
        // nothing is left to take less
        assert_eq!(chunk_rows(1, 4), DOWN);
        for (rows, c) in rows_of {
            for stretch in [chunk_rows(rows, c), stretch(rows, c, SPANS)] {
                assert!(2 * rows.div_ceil(stretch) * (c / 64) >= 256, "{rows} rows of {c}");
            }
        }
    }
}
