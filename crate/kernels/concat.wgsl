// The channels of two tensors, one after the other: the skip connections of the UNet.

struct Params {
    count: u32,  // outputs / 4
    a4: u32,     // channels of a / 4
    b4: u32,     // channels of b / 4
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<Elem4>;            // [rows, a4]
@group(0) @binding(2) var<storage, read> b: array<Elem4>;            // [rows, b4]
@group(0) @binding(3) var<storage, read_write> y: array<Elem4>;      // [rows, a4 + b4]

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_id(group, groups, lane);
    if i >= params.count { return; }
    let c4 = params.a4 + params.b4;
    let row = i / c4;
    let c = i % c4;
    if c < params.a4 {
        y[i] = a[row * params.a4 + c];
    } else {
        y[i] = b[row * params.b4 + c - params.a4];
    }
}
