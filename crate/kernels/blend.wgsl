// Two tensors, one where a mask is 1, the other where it is 0.
//
//     y[i] = mask[i] · a[i] + (1 − mask[i]) · b[i]

struct Params {
    count: u32,  // elements / 4
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> mask: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> a: array<Elem4>;
@group(0) @binding(3) var<storage, read> b: array<Elem4>;
@group(0) @binding(4) var<storage, read_write> y: array<Elem4>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_id(group, groups, lane);
    if i >= params.count { return; }
    let kept = vec4<f32>(1.0) - mask[i];
    y[i] = Elem4(mask[i] * vec4<f32>(a[i]) + kept * vec4<f32>(b[i]));
}
