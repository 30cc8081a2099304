// The rows that are left: tokens that are kept, and the means of destinations with those that are
// merged into them.

struct Params {
    width: u32,
    height: u32,
    merged: u32,
    c4: u32,
    count: u32,  // outputs / 4
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Elem4>;                   // [b, t, c4]
@group(0) @binding(2) var<storage, read> rows: array<u32>;                  // [b, t + 1]
@group(0) @binding(3) var<storage, read_write> y: array<Elem4>;             // [b, t - merged, c4]

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_id(group, groups, lane);
    if i >= params.count { return; }
    let tokens = params.width * params.height;
    let count = destinations();
    let kept = tokens - count - params.merged;
    let c = i % params.c4;
    let row = i / params.c4 % (tokens - params.merged);
    let b = i / params.c4 / (tokens - params.merged);
    let picture = b * tokens * params.c4 + c;
    let first = b * (tokens + 1u);
    if row < kept {
        y[i] = x[picture + rows[first + row] * params.c4];
        return;
    }
    let begins = first + tokens - count + row - kept;
    var sum = vec4<f32>(x[picture + token_of(row - kept) * params.c4]);
    for (var j = rows[begins]; j < rows[begins + 1u]; j++) {
        sum += vec4<f32>(x[picture + rows[first + kept + j] * params.c4]);
    }
    y[i] = Elem4(sum / f32(1u + rows[begins + 1u] - rows[begins]));
}
