// max(x, 0) + slope · min(x, 0), with a slope for each channel.

struct Params {
    count: u32,  // elements / 4
    c4: u32,     // channels / 4
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Elem4>;
@group(0) @binding(2) var<storage, read> slopes: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<Elem4>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_id(group, groups, lane);
    if i >= params.count { return; }
    let value = vec4<f32>(x[i]);
    let zero = vec4<f32>(0.0);
    y[i] = Elem4(max(value, zero) + slopes[i % params.c4] * min(value, zero));
}
