// Layer normalisation over the channels of each row.
//
//     y = (x − mean) / √(variance + ε) · γ + β
//
// One workgroup for each row, four channels an invocation at a time. Two passes rather than
// E[x²] − E[x]², which cancels in f32 once |mean| ≫ σ.

struct Params {
    rows: u32,
    c4: u32,
    eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Elem4>;             // [rows, c4]
@group(0) @binding(2) var<storage, read> gamma: array<vec4<f32>>;     // [c4]
@group(0) @binding(3) var<storage, read> beta: array<vec4<f32>>;      // [c4]
@group(0) @binding(4) var<storage, read_write> y: array<Elem4>;       // [rows, c4]

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = group.y * groups.x + group.x;
    // The whole workgroup leaves or stays, so the barriers below are met by all.
    if row >= params.rows { return; }
    let start = row * params.c4;
    let c = f32(params.c4 * 4u);

    var sum = vec4<f32>();
    for (var i = lane; i < params.c4; i += LANES) { sum += vec4<f32>(x[start + i]); }
    let mean = workgroup_sum(lane, dot(sum, vec4<f32>(1.0))) / c;

    var squares = 0.0;
    for (var i = lane; i < params.c4; i += LANES) {
        let d = vec4<f32>(x[start + i]) - mean;
        squares += dot(d, d);
    }
    let rstd = inverseSqrt(workgroup_sum(lane, squares) / c + params.eps);

    for (var i = lane; i < params.c4; i += LANES) {
        let normal = (vec4<f32>(x[start + i]) - mean) * rstd;
        y[start + i] = Elem4(normal * gamma[i] + beta[i]);
    }
}
