//! The rows of a matrix in the file's order, as the GPU's kernels read them: channels last.

/// Buffers for the stages of a piece's conversion, reused for the next pieces.
#[derive(Default)]
pub(super) struct Scratch {
    pub values: Vec<f32>,
    pub laid_out: Vec<f32>,
}

/// Turns rows `[c_in, pixels]` into rows `[pixels, c_in padded to four]`.
pub(super) fn lay_out(scratch: &mut Scratch, c_in: usize, pixels: usize) -> &mut Vec<f32> {
    let c = c_in.next_multiple_of(4);
    if pixels == 1 && c == c_in {
        return &mut scratch.values;
    }
    let rows = scratch.values.len() / (c_in * pixels);
    scratch.laid_out.clear();
    scratch.laid_out.resize(rows * pixels * c, 0.0);
    let from = scratch.values.chunks_exact(c_in * pixels);
    for (row, out) in from.zip(scratch.laid_out.chunks_exact_mut(pixels * c)) {
        for (i, plane) in row.chunks_exact(pixels).enumerate() {
            for (pixel, value) in plane.iter().enumerate() {
                out[pixel * c + i] = *value;
            }
        }
    }
    &mut scratch.laid_out
}
