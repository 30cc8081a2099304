// Convolution as an implicit matrix product, with its epilogue.
//
//     y[p, o] = activation(Σ x[pixel under p at (ky, kx), i] · W[ky, kx, i, o] + bias + shift)
//               + residual
//
// The rows of the product are output pixels, its inner dimension runs over (ky, kx, i). Each
// invocation computes 8 neighbouring pixels × 8 outputs. For each (ky, kx) it finds where its eight
// input pixels lie (or that they lie in the padding), and then runs along the channels with no
// index arithmetic but an increment.
//
// The input may be read as if it had first been resized (nearest neighbour), which saves the
// upsampled tensor; and both input and output may be row bands of larger tensors.

struct Params {
    first: u32,        // first output pixel of this dispatch, counted through the batch
    end: u32,          // one past its last
    height: u32,       // of the input, after resizing
    width: u32,
    source_height: u32,
    source_width: u32,
    out_height: u32,
    out_width: u32,
    c4: u32,           // input channels / 4
    n4: u32,           // outputs / 4
    x_first: u32,      // index in the whole input of x[0]
    padding: u32,      // zeros before the first row and column
    shift_row4: u32,   // channels of the shift / 4
    shift_first4: u32, // the first of them that is added / 4
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Elem4>;             // [b, h, w, c4] or a band
// 2: weights, in the reader
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;      // [n4]
@group(0) @binding(4) var<storage, read> shift: array<Elem4>;         // [b, shift_row4]
@group(0) @binding(5) var<storage, read> residual: array<Elem4>;      // as y
@group(0) @binding(6) var<storage, read_write> y: array<Elem4>;       // [b, h', w', n4] or a band

// An input pixel that lies in the padding.
const NOWHERE: u32 = 0xffffffffu;

// Where in x the channels of the input pixel under output pixel `p` at (ky, kx) begin.
fn pixel(p: u32, ky: u32, kx: u32) -> u32 {
    let at = min(p, params.end - 1u);
    let out_x = at % params.out_width;
    let out_y = (at / params.out_width) % params.out_height;
    let picture = at / (params.out_width * params.out_height);
    // Above or left of the picture, the difference wraps round to a number past its far edge.
    let in_y = out_y * STRIDE + ky - params.padding;
    let in_x = out_x * STRIDE + kx - params.padding;
    if in_y >= params.height || in_x >= params.width { return NOWHERE; }
    var source_y = in_y;
    var source_x = in_x;
    if RESIZE {
        source_y = in_y * params.source_height / params.height;
        source_x = in_x * params.source_width / params.width;
    }
    let row = picture * params.source_height + source_y;
    return (row * params.source_width + source_x) * params.c4 - params.x_first;
}

fn load(start: u32, i: u32) -> vec4<f32> {
    if start == NOWHERE { return vec4<f32>(); }
    return vec4<f32>(x[start + i]);
}

fn store(p: u32, column: u32, sum: vec4<f32>) {
    if p >= params.end || column >= params.n4 { return; }
    var value = sum;
    if HAS_BIAS { value += bias[column]; }
    if HAS_SHIFT {
        let picture = p / (params.out_width * params.out_height);
        value += vec4<f32>(shift[picture * params.shift_row4 + params.shift_first4 + column]);
    }
    value = activation(value);
    let at = (p - params.first) * params.n4 + column;
    if HAS_RESIDUAL { value += vec4<f32>(residual[at]); }
    y[at] = Elem4(value);
}

@compute @workgroup_size(LANES_N, LANES_M)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let column = (group.x * LANES_N + local.x) * 2u;
    let p = params.first + ((group.z * groups.y + group.y) * LANES_M + local.y) * 8u;
    if column >= params.n4 || p >= params.end { return; }

    var a0 = vec4<f32>(); var b0 = vec4<f32>();
    var a1 = vec4<f32>(); var b1 = vec4<f32>();
    var a2 = vec4<f32>(); var b2 = vec4<f32>();
    var a3 = vec4<f32>(); var b3 = vec4<f32>();
    var a4 = vec4<f32>(); var b4 = vec4<f32>();
    var a5 = vec4<f32>(); var b5 = vec4<f32>();
    var a6 = vec4<f32>(); var b6 = vec4<f32>();
    var a7 = vec4<f32>(); var b7 = vec4<f32>();

    let c4 = params.c4;
    // A panel is 8 vectors wide; a pair of columns never crosses one.
    var w = (column / 8u) * (KERNEL * KERNEL * c4 * 4u) * 8u + column % 8u;
    for (var ky = 0u; ky < KERNEL; ky++) {
        for (var kx = 0u; kx < KERNEL; kx++) {
            let p0 = pixel(p, ky, kx);
            let p1 = pixel(p + 1u, ky, kx);
            let p2 = pixel(p + 2u, ky, kx);
            let p3 = pixel(p + 3u, ky, kx);
            let p4 = pixel(p + 4u, ky, kx);
            let p5 = pixel(p + 5u, ky, kx);
            let p6 = pixel(p + 6u, ky, kx);
            let p7 = pixel(p + 7u, ky, kx);
            for (var i = 0u; i < c4; i++) {
                let wa = weight4x4(w);
                let wb = weight4x4(w + 1u);
                w += 32u;
                let x0 = load(p0, i); a0 += wa * x0; b0 += wb * x0;
                let x1 = load(p1, i); a1 += wa * x1; b1 += wb * x1;
                let x2 = load(p2, i); a2 += wa * x2; b2 += wb * x2;
                let x3 = load(p3, i); a3 += wa * x3; b3 += wb * x3;
                let x4 = load(p4, i); a4 += wa * x4; b4 += wb * x4;
                let x5 = load(p5, i); a5 += wa * x5; b5 += wb * x5;
                let x6 = load(p6, i); a6 += wa * x6; b6 += wb * x6;
                let x7 = load(p7, i); a7 += wa * x7; b7 += wb * x7;
            }
        }
    }

    store(p, column, a0); store(p, column + 1u, b0);
    store(p + 1u, column, a1); store(p + 1u, column + 1u, b1);
    store(p + 2u, column, a2); store(p + 2u, column + 1u, b2);
    store(p + 3u, column, a3); store(p + 3u, column + 1u, b3);
    store(p + 4u, column, a4); store(p + 4u, column + 1u, b4);
    store(p + 5u, column, a5); store(p + 5u, column + 1u, b5);
    store(p + 6u, column, a6); store(p + 6u, column + 1u, b6);
    store(p + 7u, column, a7); store(p + 7u, column + 1u, b7);
}
