// Nearest-neighbour resize, as torch's `interpolate(size=…)`: source = ⌊target · in / out⌋.

struct Params {
    first: u32,          // first output row of this dispatch, counted through the batch
    count: u32,          // outputs / 4
    source_height: u32,
    source_width: u32,
    height: u32,
    width: u32,
    c4: u32,
    x_first: u32,        // index in the whole input of x[0]
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Elem4>;            // [b, h, w, c4] or a band
@group(0) @binding(2) var<storage, read_write> y: array<Elem4>;      // [b, h', w', c4] or a band

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_id(group, groups, lane);
    if i >= params.count { return; }
    let c = i % params.c4;
    let column = i / params.c4 % params.width;
    let row = params.first + i / params.c4 / params.width;
    let source_row = row / params.height * params.source_height
        + row % params.height * params.source_height / params.height;
    let source_column = column * params.source_width / params.width;
    y[i] = x[(source_row * params.source_width + source_column) * params.c4 + c - params.x_first];
}
