// Group normalisation with its activation, from what its statistics make of each channel: the last
// of the three passes of a group norm on a graphics card.
//
//     y = activation((x − mean) · scale + β)
//
// One workgroup for each (COLUMNS vectors of four channels, span of pixels, picture). An invocation
// keeps to one vector, so that its neighbours read what lies beside it, and goes down the pixels.

struct Params {
    rows: u32,           // pixels bound, of each picture
    span: u32,           // pixels of a workgroup
    c4: u32,
    first_picture: u32,  // of this dispatch
    start: u32,          // where in x and y their first vector is
}

// Invocations below each other.
const DOWN: u32 = LANES / COLUMNS;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Elem4>;            // [b, rows, c4] or a band
@group(0) @binding(2) var<storage, read> affine: array<vec4<f32>>;   // [b, 3, c4]: mean, scale, β
@group(0) @binding(3) var<storage, read_write> y: array<Elem4>;      // as x

fn normal(value: Elem4, mean: vec4<f32>, scale: vec4<f32>, beta: vec4<f32>) -> Elem4 {
    return Elem4(activation((vec4<f32>(value) - mean) * scale + beta));
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) at: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let column = at.x * COLUMNS + lane % COLUMNS;
    if column >= params.c4 { return; }
    let of_column = 3u * (params.first_picture + at.z) * params.c4 + column;
    let mean = affine[of_column];
    let scale = affine[of_column + params.c4];
    let beta = affine[of_column + 2u * params.c4];
    let start = params.start + at.z * params.rows * params.c4 + column;
    let begin = at.y * params.span;
    let end = min(params.rows, begin + params.span);
    for (var row = begin + lane / COLUMNS; row < end; row += 4u * DOWN) {
        // All four are read, so that they are on their way together; past the end, the last again.
        let last = end - 1u;
        let i0 = start + row * params.c4;
        let i1 = start + min(row + DOWN, last) * params.c4;
        let i2 = start + min(row + 2u * DOWN, last) * params.c4;
        let i3 = start + min(row + 3u * DOWN, last) * params.c4;
        let x0 = x[i0];
        let x1 = x[i1];
        let x2 = x[i2];
        let x3 = x[i3];
        y[i0] = normal(x0, mean, scale, beta);
        if row + DOWN < end { y[i1] = normal(x1, mean, scale, beta); }
        if row + 2u * DOWN < end { y[i2] = normal(x2, mean, scale, beta); }
        if row + 3u * DOWN < end { y[i3] = normal(x3, mean, scale, beta); }
    }
}
