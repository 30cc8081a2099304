// Adds the product of two small matrices to weights, in place: what a LoRA changes.
//
//     W[i, o] += Σⱼ down[j, i] · up[j, o]
//
// An invocation computes four outputs of four inputs; its neighbour the next four outputs of a
// panel. The sums are f32, and rounded once to the type of the weights.

struct Params {
    rank: u32,
    k4: u32,           // inputs / 4
    n4: u32,           // outputs of the product / 4, whole panels
    panels: u32,       // of 32 outputs, in this dispatch
    first_panel: u32,  // of the product
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> down: array<vec4<f32>>;           // [rank, k4]
@group(0) @binding(2) var<storage, read> up: array<vec4<f32>>;             // [rank, n4]
// 3: the panels of the weights [panels, 4 · k4, 8], with `add4`, in a fragment of their type

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_id(group, groups, lane);
    if i >= params.panels * params.k4 * 8u { return; }
    let column = i % 8u;
    let input4 = i / 8u % params.k4;
    let panel = i / 8u / params.k4;
    let output4 = (params.first_panel + panel) * 8u + column;
    var sum0 = vec4<f32>();
    var sum1 = vec4<f32>();
    var sum2 = vec4<f32>();
    var sum3 = vec4<f32>();
    for (var j = 0u; j < params.rank; j++) {
        let inputs = down[j * params.k4 + input4];
        let outputs = up[j * params.n4 + output4];
        sum0 += inputs.x * outputs;
        sum1 += inputs.y * outputs;
        sum2 += inputs.z * outputs;
        sum3 += inputs.w * outputs;
    }
    let first = (panel * params.k4 + input4) * 32u + column;
    add4(first, sum0);
    add4(first + 8u, sum1);
    add4(first + 16u, sum2);
    add4(first + 24u, sum3);
}
