// Group normalisation, second half: from the statistics of each chunk to normalised values.
//
//     y = activation((x − mean) / √(m2 / count + ε) · γ + β)
//
// Statistics of chunks are merged as Chan, Golub and LeVeque do (1983): exact however the picture
// was cut. Each invocation takes four channels and runs down ROWS pixels, so it merges only once.

struct Params {
    rows: u32,           // pixels bound, of all pictures
    rows_per_picture: u32,
    first_row: u32,      // of this dispatch, counted through the batch
    c4: u32,
    groups: u32,
    chunks: u32,         // of a picture
    eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Elem4>;               // [rows, c4]
@group(0) @binding(2) var<storage, read> stats: array<vec4<f32>>;       // [b, groups, chunks]
@group(0) @binding(3) var<storage, read> gamma: array<vec4<f32>>;       // [c4]
@group(0) @binding(4) var<storage, read> beta: array<vec4<f32>>;        // [c4]
@group(0) @binding(5) var<storage, read_write> y: array<Elem4>;         // [rows, c4]

// (mean, 1 / √(variance + ε)) of a group of a picture.
fn merged(picture: u32, group: u32) -> vec2<f32> {
    let start = (picture * params.groups + group) * params.chunks;
    var total = stats[start];
    for (var i = 1u; i < params.chunks; i++) {
        let part = stats[start + i];
        let count = total.z + part.z;
        let d = part.x - total.x;
        total = vec4<f32>(
            total.x + d * part.z / count,
            total.y + part.y + d * d * total.z * part.z / count,
            count,
            0.0,
        );
    }
    return vec2<f32>(total.x, inverseSqrt(total.y / total.z + params.eps));
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) at: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let column = at.x * LANES + lane;
    let begin = (at.z * groups.y + at.y) * ROWS;
    if column >= params.c4 || begin >= params.rows { return; }
    let width = params.c4 * 4u / params.groups;
    var picture = 0xffffffffu;
    var scale = vec4<f32>();
    var offset = vec4<f32>();
    for (var row = begin; row < min(params.rows, begin + ROWS); row++) {
        let of_row = (params.first_row + row) / params.rows_per_picture;
        if of_row != picture {
            picture = of_row;
            let c = column * 4u;
            let s0 = merged(picture, c / width);
            let s1 = merged(picture, (c + 1u) / width);
            let s2 = merged(picture, (c + 2u) / width);
            let s3 = merged(picture, (c + 3u) / width);
            scale = vec4<f32>(s0.y, s1.y, s2.y, s3.y) * gamma[column];
            offset = beta[column] - vec4<f32>(s0.x, s1.x, s2.x, s3.x) * scale;
        }
        let i = row * params.c4 + column;
        y[i] = Elem4(activation(vec4<f32>(x[i]) * scale + offset));
    }
}
