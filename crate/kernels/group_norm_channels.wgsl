// Mean and squared deviation of each channel over a chunk of a picture's pixels: the first of the
// three passes of a group norm on a graphics card.
//
//     mean = Σ x / count        m2 = Σ (x − mean)²
//
// One workgroup for each (COLUMNS vectors of four channels, chunk, picture). An invocation keeps to
// one vector, so that its neighbours read what lies beside it, and goes down the pixels once: four
// at a time, whose mean and m2 are merged with those before as Chan, Golub and LeVeque do (1983).
// E[x²] − E[x]², the other way to read once, cancels in f32 once |mean| ≫ σ.

struct Params {
    rows: u32,           // pixels bound, of each picture
    chunk_rows: u32,     // pixels of a chunk
    c4: u32,
    chunks: u32,         // of a picture
    first_chunk: u32,    // of this dispatch
    first_picture: u32,
    start: u32,          // where in x its first vector is
}

// Invocations below each other.
const DOWN: u32 = LANES / COLUMNS;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Elem4>;               // [b, rows, c4] or a band
// [b, chunks, 1 + 2 · c4]: the count of a chunk, its means, its m2
@group(0) @binding(2) var<storage, read_write> stats: array<vec4<f32>>;

var<workgroup> means: array<vec4<f32>, LANES>;
var<workgroup> m2s: array<vec4<f32>, LANES>;
var<workgroup> counts: array<f32, LANES>;

// Merges the statistics of another invocation, if it has any, with those of this one.
fn merge(lane: u32, other: u32) {
    let more = counts[other];
    if more == 0.0 { return; }
    let count = counts[lane];
    let d = means[other] - means[lane];
    means[lane] += d * (more / (count + more));
    m2s[lane] += m2s[other] + d * d * (count * more / (count + more));
    counts[lane] = count + more;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) at: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let column = at.x * COLUMNS + lane % COLUMNS;
    let down = lane / COLUMNS;
    let first_row = at.y * params.chunk_rows;
    let rows = min(params.chunk_rows, params.rows - first_row);
    let start = params.start + (at.z * params.rows + first_row) * params.c4 + column;

    var mean = vec4<f32>();
    var m2 = vec4<f32>();
    var count = 0.0;
    let end = select(0u, rows, column < params.c4);
    for (var row = down; row < end; row += 4u * DOWN) {
        // All four are read, so that they are on their way together; past the end, the last again.
        let last = rows - 1u;
        let x0 = vec4<f32>(x[start + row * params.c4]);
        let x1 = vec4<f32>(x[start + min(row + DOWN, last) * params.c4]);
        let x2 = vec4<f32>(x[start + min(row + 2u * DOWN, last) * params.c4]);
        let x3 = vec4<f32>(x[start + min(row + 3u * DOWN, last) * params.c4]);
        let has1 = row + DOWN < rows;
        let has2 = row + 2u * DOWN < rows;
        let has3 = row + 3u * DOWN < rows;
        let none = vec4<f32>();
        let more = 1.0 + f32(has1) + f32(has2) + f32(has3);
        let sum = (x0 + select(none, x1, has1)) + (select(none, x2, has2) + select(none, x3, has3));
        let mean_of_four = sum / more;
        let d0 = x0 - mean_of_four;
        let d1 = select(none, x1 - mean_of_four, has1);
        let d2 = select(none, x2 - mean_of_four, has2);
        let d3 = select(none, x3 - mean_of_four, has3);
        let d = mean_of_four - mean;
        mean += d * (more / (count + more));
        m2 += (d0 * d0 + d1 * d1) + (d2 * d2 + d3 * d3) + d * d * (count * more / (count + more));
        count += more;
    }

    means[lane] = mean;
    m2s[lane] = m2;
    counts[lane] = count;
    workgroupBarrier();
    for (var half = DOWN / 2u; half > 0u; half /= 2u) {
        if down < half { merge(lane, lane + half * COLUMNS); }
        workgroupBarrier();
    }

    if down == 0u && column < params.c4 {
        let picture = params.first_picture + at.z;
        let chunk = picture * params.chunks + params.first_chunk + at.y;
        let slot = chunk * (1u + 2u * params.c4);
        if column == 0u { stats[slot] = vec4<f32>(counts[lane]); }
        stats[slot + 1u + column] = means[lane];
        stats[slot + 1u + params.c4 + column] = m2s[lane];
    }
}
