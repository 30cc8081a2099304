// Layer normalisation over the channels of each row, without shared memory: for software adapters,
// whose barriers cost more than what they save.
//
//     y = (x − mean) / √(variance + ε) · γ + β
//
// One invocation for each row, three times along it as in `layer_norm`, whose bindings and
// parameters these are. Sums run in stretches of 16 vectors, so that a long sum does not lose what
// a short one keeps.

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

// The sum of the squares of x − mean along a row, or of x itself.
fn sum_along(start: u32, mean: f32, squared: bool) -> f32 {
    var sum = vec4<f32>();
    for (var first = 0u; first < params.c4; first += 16u) {
        var stretch = vec4<f32>();
        for (var i = first; i < min(params.c4, first + 16u); i++) {
            let d = vec4<f32>(x[start + i]) - mean;
            stretch += select(d, d * d, squared);
        }
        sum += stretch;
    }
    return dot(sum, vec4<f32>(1.0));
}

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

    let mean = sum_along(start, 0.0, false) / c;
    let rstd = inverseSqrt(sum_along(start, mean, true) / c + params.eps);

    for (var i = 0u; i < params.c4; i++) {
        let normal = (vec4<f32>(x[start + i]) - mean) * rstd;
        y[start + i] = Elem4(normal * gamma[i] + beta[i]);
    }
}
