// The averages of blocks of 2×2 pixels; of an odd last row or column, of the pixels that there are.

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
    let column = 2u * (i / params.c4 % params.width);
    let row = params.first + i / params.c4 / params.width;
    let in_picture = 2u * (row % params.height);
    let top = row / params.height * params.source_height + in_picture;
    let rows = min(2u, params.source_height - in_picture);
    let columns = min(2u, params.source_width - column);
    var sum = vec4<f32>(0.0);
    for (var dy = 0u; dy < rows; dy += 1u) {
        for (var dx = 0u; dx < columns; dx += 1u) {
            let pixel = (top + dy) * params.source_width + column + dx;
            sum += vec4<f32>(x[pixel * params.c4 + c - params.x_first]);
        }
    }
    y[i] = Elem4(sum / f32(rows * columns));
}
