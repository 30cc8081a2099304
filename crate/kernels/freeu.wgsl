// The channels of two tensors, one after the other, as FreeU changes them: half of those of the
// first are scaled, and of the second its lowest frequencies. freeu_sums.wgsl has measured these.
//
//     y = b + (scale − 1) · low        low = Re Σ sumᵢ · conj(eᵢ) / (height · width)
//
// "FreeU: Free Lunch in Diffusion U-Net" (Si et al., 2309.11497).

struct Params {
    count: u32,     // outputs / 4
    a4: u32,        // channels of a / 4
    b4: u32,        // channels of b / 4
    first: u32,     // pixel that the band begins with, counted through the batch
    height: u32,
    width: u32,
    backbone: f32,  // the scale of the first half of a's channels
    skip: f32,      // the scale of b's low frequencies, less 1
}

const SUMS: u32 = 7u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<Elem4>;            // [rows, a4]
@group(0) @binding(2) var<storage, read> b: array<Elem4>;            // [rows, b4]
@group(0) @binding(3) var<storage, read> sums: array<vec4<f32>>;     // [pictures, 7, b4]
@group(0) @binding(4) var<storage, read_write> y: array<Elem4>;      // [rows, a4 + b4]

// What the lowest frequencies of four channels of b make of a pixel, counted through the batch. In
// a picture of one row or column there is only the frequency 0 of it.
fn low(pixel: u32, channels: u32) -> vec4<f32> {
    let pixels = params.height * params.width;
    let at = pixel % pixels;
    let sum = pixel / pixels * SUMS * params.b4 + channels;
    let row = turn(f32(at / params.width) / f32(params.height));
    let across = turn(f32(at % params.width) / f32(params.width));
    var total = sums[sum];
    if params.height > 1u {
        total += sums[sum + params.b4] * row.x + sums[sum + 2u * params.b4] * row.y;
    }
    if params.width > 1u {
        total += sums[sum + 3u * params.b4] * across.x + sums[sum + 4u * params.b4] * across.y;
    }
    if params.height > 1u && params.width > 1u {
        let real = row.x * across.x - row.y * across.y;
        let imaginary = row.x * across.y + row.y * across.x;
        total += sums[sum + 5u * params.b4] * real + sums[sum + 6u * params.b4] * imaginary;
    }
    return total / f32(pixels);
}

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
        let channels = vec4<u32>(4u * c) + vec4<u32>(0u, 1u, 2u, 3u);
        let scaled = channels < vec4<u32>(2u * params.a4);
        let value = vec4<f32>(a[row * params.a4 + c]);
        y[i] = Elem4(select(value, params.backbone * value, scaled));
    } else {
        let channels = c - params.a4;
        let value = vec4<f32>(b[row * params.b4 + channels]);
        y[i] = Elem4(value + params.skip * low(params.first + row, channels));
    }
}
