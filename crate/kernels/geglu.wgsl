// The gated linear unit of the transformer's feed-forward: y = a · gelu(g), where a is the first
// half of the channels and g the second.

struct Params {
    count: u32,  // outputs / 4
    c4: u32,     // output channels / 4
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Elem4>;            // [rows, 2 · c4]
@group(0) @binding(2) var<storage, read_write> y: array<Elem4>;      // [rows, c4]

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_id(group, groups, lane);
    if i >= params.count { return; }
    let a = i + i / params.c4 * params.c4;
    y[i] = Elem4(vec4<f32>(x[a]) * activation(vec4<f32>(x[a + params.c4])));
}
