//! Row bands: how an op works on tensors that are larger than one binding may be, and how it keeps
//! a dispatch short. A row is all channels of one pixel or token, as in
//! [`Shape::rows`](crate::shape::Shape::rows); it is computed in the same way in any band, so bands
//! change no bit.

use crate::gpu::Gpu;
use crate::gpu::recording::{ALIGNMENT, Binding};
use crate::tensor::Tensor;
use std::ops::Range;

/// Bands begin at multiples of so many rows, which are aligned in every tensor: the shortest row
/// has 8 bytes (four channels of f16), and 64 of them are twice the alignment of 256 bytes.
const GRAIN: usize = 64;

/// Cuts `rows` so that in each band rows of `row_bytes` fit a binding, and the floating-point
/// operations of its rows, `row_flops` each, one dispatch. One band is the rule.
pub(super) fn row_bands(
    gpu: &Gpu,
    rows: usize,
    row_bytes: u64,
    row_flops: u64,
) -> Vec<Range<usize>> {
    let by_bytes = (gpu.limits().binding / row_bytes.max(1)) as usize;
    cut(rows, by_bytes.min(rows_of_work(gpu, row_flops)), GRAIN)
}

/// Rows of so many floating-point operations that one dispatch may have.
pub(super) fn rows_of_work(gpu: &Gpu, row_flops: u64) -> usize {
    usize::try_from(gpu.dispatch_max() / row_flops.max(1)).unwrap_or(usize::MAX)
}

/// Cuts `rows` into bands of at most `most`, which begin at multiples of `grain`, and of one size
/// where that goes.
pub(super) fn cut(rows: usize, most: usize, grain: usize) -> Vec<Range<usize>> {
    if rows <= most {
        return vec![0..rows; 1];
    }
    let even = rows.div_ceil(rows.div_ceil(most.max(1))).next_multiple_of(grain);
    let step = if even <= most { even } else { (most / grain * grain).max(grain) };
    (0..rows).step_by(step).map(|first| first..rows.min(first + step)).collect()
}

/// The smallest number of rows of `row_bytes` whose bytes are a multiple of the alignment.
pub(super) fn grain(row_bytes: u64) -> usize {
    (1..GRAIN).find(|&rows| (rows as u64 * row_bytes).is_multiple_of(ALIGNMENT)).unwrap_or(GRAIN)
}

impl Tensor {
    /// The rows of a band as a binding; they begin at a multiple of 64, or at the first.
    pub(super) fn rows(&self, band: &Range<usize>) -> Binding {
        let bytes = |rows: usize| rows as u64 * self.row_bytes();
        self.range(bytes(band.start), bytes(band.len()))
    }

    /// The rows of any range as a binding that may begin somewhat before them, and the index (in
    /// groups of four channels) of its first element in the whole tensor.
    pub(super) fn rows_aligned(&self, range: &Range<usize>) -> (Binding, u32) {
        let begin = range.start as u64 * self.row_bytes() / ALIGNMENT * ALIGNMENT;
        let end = range.end as u64 * self.row_bytes();
        let first = begin / (4 * self.precision().bytes() as u64);
        (self.range(begin, end - begin), first as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_are_even_and_begin_where_a_binding_may() {
        assert_eq!(cut(100, 100, 64), [0..100; 1]);
        assert_eq!(cut(512, 300, 64), [0..256, 256..512]);
        assert_eq!(cut(130, 128, 64), [0..128, 128..130], "two of 65 would begin at no 64");
        assert_eq!(cut(200, 70, 64), [0..64, 64..128, 128..192, 192..200]);
        // less than is possible: the least that is
        assert_eq!(cut(70, 5, 64), [0..64, 64..70]);
        assert_eq!(cut(3, 0, 1), [0..1, 1..2, 2..3]);
    }
}
