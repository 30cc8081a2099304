// Layer normalisation over the channels of each row, without shared memory: for software adapters,
// whose barriers cost more than what they save.
//
//     y = (x − mean) / √(variance + ε) · γ + β
//
// One invocation for each row, three times along it as in `layer_norm`, whose bindings and
// parameters these are.

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
    let row = (group.y * groups.x + group.x) * LANES + lane;
    if row >= params.rows { return; }
    let start = row * params.c4;
    let c = f32(params.c4 * 4u);

    var sum = vec4<f32>();
    for (var i = 0u; i < params.c4; i++) { sum += vec4<f32>(x[start + i]); }
    let mean = dot(sum, vec4<f32>(1.0)) / c;

    var squares = vec4<f32>();
    for (var i = 0u; i < params.c4; i++) {
        let d = vec4<f32>(x[start + i]) - mean;
        squares += d * d;
    }
    let rstd = inverseSqrt(dot(squares, vec4<f32>(1.0)) / c + params.eps);

    for (var i = 0u; i < params.c4; i++) {
        let normal = (vec4<f32>(x[start + i]) - mean) * rstd;
        y[start + i] = Elem4(normal * gamma[i] + beta[i]);
    }
}
