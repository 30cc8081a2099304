// Mean and squared deviation of a group of channels over a chunk of a picture's pixels: the first
// half of a group norm.
//
//     mean = Σ x / count        m2 = Σ (x − mean)²
//
// One workgroup for each (chunk, group, picture). Two passes over the chunk rather than
// E[x²] − E[x]²: the one-pass form cancels in f32 once |mean| ≫ σ. Sums run in stretches of 64, so
// that a long sum does not lose what a short one keeps.

struct Params {
    rows: u32,         // pixels bound
    chunk_rows: u32,   // pixels of a chunk
    c: u32,
    groups: u32,
    chunks: u32,       // of a picture
    first_chunk: u32,  // of this dispatch
    first_picture: u32,
    x_start: u32,      // where in x its first value is
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Elem4>;                // [b, rows, c/4] or a band
@group(0) @binding(2) var<storage, read_write> stats: array<vec4<f32>>;  // [b, groups, chunks]

// The `i`-th value of the workgroup's chunk of its group.
fn value(start: u32, i: u32) -> f32 {
    let width = params.c / params.groups;
    let at = start + i / width * params.c + i % width;
    return f32(x[at / 4u][at % 4u]);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) at: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let width = params.c / params.groups;
    let first_row = at.x * params.chunk_rows;
    let count = min(params.chunk_rows, params.rows - first_row) * width;
    let start = params.x_start + (at.z * params.rows + first_row) * params.c + at.y * width;

    var sum = 0.0;
    for (var i = lane; i < count; i += 64u * LANES) {
        var stretch = 0.0;
        for (var j = i; j < min(count, i + 64u * LANES); j += LANES) { stretch += value(start, j); }
        sum += stretch;
    }
    let mean = workgroup_sum(lane, sum) / f32(count);

    var squares = 0.0;
    for (var i = lane; i < count; i += 64u * LANES) {
        var stretch = 0.0;
        for (var j = i; j < min(count, i + 64u * LANES); j += LANES) {
            let d = value(start, j) - mean;
            stretch += d * d;
        }
        squares += stretch;
    }
    let m2 = workgroup_sum(lane, squares);

    if lane == 0u {
        let picture = params.first_picture + at.z;
        let slot = (picture * params.groups + at.y) * params.chunks + params.first_chunk + at.x;
        stats[slot] = vec4<f32>(mean, m2, f32(count), 0.0);
    }
}
