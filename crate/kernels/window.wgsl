// A window of pictures, or the sum of pictures and of others that are laid into a window of them.
//
//     ADDED = 0:  y[b, r, c] = x[b, r + top, c + left]
//     ADDED = 1:  y[b, r, c] = base[b, r, c] + x[b, r − top, c − left]     where x has that pixel

struct Params {
    count: u32,         // pixels' quadruples of y
    height: u32,        // of y
    width: u32,
    quadruples: u32,    // channels / 4
    x_height: u32,
    x_width: u32,
    top: u32,
    left: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> base: array<Elem4>;
@group(0) @binding(2) var<storage, read> x: array<Elem4>;
@group(0) @binding(3) var<storage, read_write> y: array<Elem4>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_id(group, groups, lane);
    if i >= params.count { return; }
    let quadruple = i % params.quadruples;
    let pixel = i / params.quadruples;
    let column = pixel % params.width;
    let row = pixel / params.width % params.height;
    let picture = pixel / (params.width * params.height);
    if ADDED == 0u {
        let first = (picture * params.x_height + row + params.top) * params.x_width;
        y[i] = x[(first + column + params.left) * params.quadruples + quadruple];
        return;
    }
    // Numbers without a sign: what is before the window is far beyond its end.
    let r = row - params.top;
    let c = column - params.left;
    if r >= params.x_height || c >= params.x_width {
        y[i] = base[i];
        return;
    }
    let first = (picture * params.x_height + r) * params.x_width + c;
    y[i] = Elem4(vec4<f32>(base[i]) + vec4<f32>(x[first * params.quadruples + quadruple]));
}
