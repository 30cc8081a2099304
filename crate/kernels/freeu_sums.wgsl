// The lowest frequencies of each channel of a picture: Σ x·eᵢ over a band of its pixels, where e is
// 1, e^(2πi·row/height), e^(2πi·column/width) and the product of both; the last three as real and
// imaginary parts. One workgroup for 8 times four channels; 8 invocations share their pixels.

struct Params {
    first: u32,    // pixel of the picture that the band begins with
    count: u32,    // pixels of the band
    height: u32,
    width: u32,
    c4: u32,       // channels / 4
    x_start: u32,  // where in x the band begins
    picture: u32,
}

const COLUMNS: u32 = 8u;
const SUMS: u32 = 7u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Elem4>;                // [count, c4]
@group(0) @binding(2) var<storage, read_write> sums: array<vec4<f32>>;   // [b, 7, c4]

var<workgroup> partial: array<vec4<f32>, SUMS * LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let sharing = LANES / COLUMNS;
    let column = group.x * COLUMNS + lane % COLUMNS;
    let mean = lane * SUMS;
    for (var i = 0u; i < SUMS; i += 1u) { partial[mean + i] = vec4<f32>(0.0); }
    if column < params.c4 {
        for (var i = lane / COLUMNS; i < params.count; i += sharing) {
            let pixel = params.first + i;
            let row = turn(f32(pixel / params.width) / f32(params.height));
            let across = turn(f32(pixel % params.width) / f32(params.width));
            let value = vec4<f32>(x[params.x_start + i * params.c4 + column]);
            partial[mean] += value;
            partial[mean + 1u] += value * row.x;
            partial[mean + 2u] += value * row.y;
            partial[mean + 3u] += value * across.x;
            partial[mean + 4u] += value * across.y;
            partial[mean + 5u] += value * (row.x * across.x - row.y * across.y);
            partial[mean + 6u] += value * (row.x * across.y + row.y * across.x);
        }
    }
    for (var half = sharing / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if lane / COLUMNS < half {
            let other = (lane + half * COLUMNS) * SUMS;
            for (var i = 0u; i < SUMS; i += 1u) { partial[mean + i] += partial[other + i]; }
        }
    }
    if lane < COLUMNS && column < params.c4 {
        for (var i = 0u; i < SUMS; i += 1u) {
            let at = (params.picture * SUMS + i) * params.c4 + column;
            if params.first == 0u {
                sums[at] = partial[mean + i];
            } else {
                sums[at] += partial[mean + i];
            }
        }
    }
}
