// Adds the product of two small matrices to weights, in place: what a LoRA changes.
//
//     W[i, o] += Σⱼ down[j, i] · up[j, o]
//
// An invocation computes eight outputs of four inputs: four, and the four that are sixteen further
// in the panel; its neighbour the next four. The sums are f32, and rounded once to the type of the
// weights.

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
    if i >= params.panels * params.k4 * 4u { return; }
    let column = i % 4u;
    let input4 = i / 4u % params.k4;
    let panel = i / 4u / params.k4;
    let output4 = (params.first_panel + panel) * 8u + column;
    var left0 = vec4<f32>();
    var left1 = vec4<f32>();
    var left2 = vec4<f32>();
    var left3 = vec4<f32>();
    var right0 = vec4<f32>();
    var right1 = vec4<f32>();
    var right2 = vec4<f32>();
    var right3 = vec4<f32>();
    for (var j = 0u; j < params.rank; j++) {
        let inputs = down[j * params.k4 + input4];
        let left = up[j * params.n4 + output4];
        let right = up[j * params.n4 + output4 + 4u];
        left0 += inputs.x * left;
        left1 += inputs.y * left;
        left2 += inputs.z * left;
        left3 += inputs.w * left;
        right0 += inputs.x * right;
        right1 += inputs.y * right;
        right2 += inputs.z * right;
        right3 += inputs.w * right;
    }
    let first = (panel * params.k4 + input4) * 32u + column;
    add4(first, left0);
    add4(first + 4u, right0);
    add4(first + 8u, left1);
    add4(first + 12u, right1);
    add4(first + 16u, left2);
    add4(first + 20u, right2);
    add4(first + 24u, left3);
    add4(first + 28u, right3);
}
