// How the inputs of a product are cut into slices, where it has too few outputs to fill a graphics
// card with workgroups (split-K). Each workgroup sums one slice and stores its sums in f32;
// matmul_slices.wgsl adds those of all slices, in order, and applies the epilogue.
//
// From the op: params, rows_first, rows_end, columns, y.

// The steps of a slice, out of all of them: its first, and one past its last.
fn steps_of(slice: u32, steps: u32) -> vec2<u32> {
    if !SLICED { return vec2<u32>(0u, steps); }
    let each = (steps + params.slices - 1u) / params.slices;
    return min(vec2<u32>(slice, slice + 1u) * each, vec2<u32>(steps));
}

// y is [slices, rows, columns] here.
fn store_slice(slice: u32, row: u32, column: u32, sum: vec4<f32>) {
    if row >= rows_end() || column >= columns() { return; }
    let rows = rows_end() - rows_first();
    y[(slice * rows + row - rows_first()) * columns() + column] = Out4(sum);
}
