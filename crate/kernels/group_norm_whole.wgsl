// Group normalisation with its activation, in one dispatch: for pictures of few pixels.
//
//     y = activation((x − mean) / √(variance + ε) · γ + β)
//
// One workgroup for each few groups (as many as fill whole vectors of four channels) of a picture.
// An invocation keeps to one vector of channels and goes down the pixels, three times: for the
// mean, for the squared deviations (E[x²] − E[x]² cancels in f32 once |mean| ≫ σ), and to
// normalise. What it read once, the caches still have. Sums run in stretches of 64, so that a long
// sum does not lose what a short one keeps.

struct Params {
    rows: u32,     // pixels of a picture
    c4: u32,
    columns: u32,  // vectors of four channels of a workgroup, at most LANES
    width: u32,    // channels of a group
    eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Elem4>;            // [b, rows, c4]
@group(0) @binding(2) var<storage, read> gamma: array<vec4<f32>>;    // [c4]
@group(0) @binding(3) var<storage, read> beta: array<vec4<f32>>;     // [c4]
@group(0) @binding(4) var<storage, read_write> y: array<Elem4>;      // [b, rows, c4]

var<workgroup> partial_sums: array<vec4<f32>, LANES>;
// Of the workgroup's groups, of which there are at most four.
var<workgroup> group_sums: array<f32, 4>;

// The sums over all pixels of the groups of four channels, given each invocation's own. Every
// invocation must call it.
fn sums_of_groups(lane: u32, value: vec4<f32>) -> vec4<f32> {
    let columns = params.columns;
    partial_sums[lane] = value;
    workgroupBarrier();
    if lane < columns {
        var total = partial_sums[lane];
        for (var i = lane + columns; i < LANES / columns * columns; i += columns) {
            total += partial_sums[i];
        }
        partial_sums[lane] = total;
    }
    workgroupBarrier();
    if lane < columns * 4u / params.width {
        var total = 0.0;
        for (var c = lane * params.width; c < (lane + 1u) * params.width; c++) {
            total += partial_sums[c / 4u][c % 4u];
        }
        group_sums[lane] = total;
    }
    workgroupBarrier();
    let c = lane % columns * 4u;
    return vec4<f32>(
        group_sums[c / params.width],
        group_sums[(c + 1u) / params.width],
        group_sums[(c + 2u) / params.width],
        group_sums[(c + 3u) / params.width],
    );
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) at: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let column = at.x * params.columns + lane % params.columns;
    // Pixels side by side, and this invocation's first; those left over have none.
    let step = LANES / params.columns;
    let first = select(params.rows, lane / params.columns, lane / params.columns < step);
    let start = at.y * params.rows * params.c4 + column;
    let count = f32(params.rows * params.width);

    var sum = vec4<f32>();
    for (var i = first; i < params.rows; i += 64u * step) {
        var stretch = vec4<f32>();
        for (var row = i; row < min(params.rows, i + 64u * step); row += step) {
            stretch += vec4<f32>(x[start + row * params.c4]);
        }
        sum += stretch;
    }
    let mean = sums_of_groups(lane, sum) / count;

    var squares = vec4<f32>();
    for (var i = first; i < params.rows; i += 64u * step) {
        var stretch = vec4<f32>();
        for (var row = i; row < min(params.rows, i + 64u * step); row += step) {
            let d = vec4<f32>(x[start + row * params.c4]) - mean;
            stretch += d * d;
        }
        squares += stretch;
    }
    let rstd = inverseSqrt(sums_of_groups(lane, squares) / count + params.eps);

    let scale = rstd * gamma[column];
    // β − mean · scale, made beforehand, would be rounded once more where the mean is large.
    let of_channels = beta[column];
    for (var row = first; row < params.rows; row += step) {
        let i = start + row * params.c4;
        y[i] = Elem4(activation((vec4<f32>(x[i]) - mean) * scale + of_channels));
    }
}
