// Convolution as an implicit matrix product, with its epilogue.
//
//     y[p, o] = activation(Σ x[pixel under p at (ky, kx), i] · W[ky, kx, i, o] + bias + shift)
//               + residual
//
// The rows of the product are output pixels, its inner dimension runs over (ky, kx, i). For each
// output pixel it is found once where its window begins, for each (ky, kx) where the input pixel
// lies (or that it lies in the padding); along the channels there is no index arithmetic but an
// increment. Which outputs an invocation computes, and how, is the tile's affair (shared/tile_*).
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
    slices: u32,       // of the inputs; more than one only if SLICED
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Elem4>;             // [b, h, w, c4] or a band
// 2: weights, in the reader
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;      // [n4]
@group(0) @binding(4) var<storage, read> shift: array<Elem4>;         // [b, shift_row4]
@group(0) @binding(5) var<storage, read> residual: array<Elem4>;      // as y
@group(0) @binding(6) var<storage, read_write> y: array<Out4>;        // [b, h', w', n4] or a band

const TAPS: u32 = KERNEL * KERNEL;
const GATED: bool = false;

alias Origin = vec3<u32>;
alias Place = vec2<u32>;

fn inner4() -> u32 { return params.c4; }
fn rows_first() -> u32 { return params.first; }
fn rows_end() -> u32 { return params.end; }
fn columns() -> u32 { return params.n4; }

// The first row and column of the window of output pixel `p`, and where its picture begins in x.
// Above or left of the picture, the former wrap round to numbers past its far edge.
fn origin(p: u32) -> Origin {
    let at = min(p, params.end - 1u);
    let line = at / params.out_width;
    let picture = line / params.out_height;
    return Origin(
        (line - picture * params.out_height) * STRIDE - params.padding,
        (at - line * params.out_width) * STRIDE - params.padding,
        picture * params.source_height * params.source_width * params.c4 - params.x_first);
}

// Where in x the channels of the input pixel at (ky, kx) of a window begin; and 1 where it lies in
// the padding, whose place is that of the first pixel: nothing is read outside of x.
fn place(window: Origin, tap: u32) -> Place {
    var in_y = window.x + tap / KERNEL;
    var in_x = window.y + tap % KERNEL;
    let outside = in_y >= params.height || in_x >= params.width;
    if RESIZE {
        in_y = in_y * params.source_height / params.height;
        in_x = in_x * params.source_width / params.width;
    }
    let start = window.z + (in_y * params.source_width + in_x) * params.c4;
    return Place(select(start, 0u, outside), u32(outside));
}

// Without a branch: in the padding a value is read and not used.
fn load(at: Place, i: u32) -> vec4<f32> {
    return select(vec4<f32>(x[at.x + i]), vec4<f32>(), at.y == 1u);
}

// Where the weights of outputs 4 · column … + 4 begin: a panel is 8 vectors wide.
fn weights_of(column: u32) -> u32 {
    return (column / 8u) * (TAPS * params.c4 * 4u) * 8u + column % 8u;
}

fn store(p: u32, column: u32, sum: vec4<f32>) {
    if p >= params.end || column >= params.n4 { return; }
    let at = (p - params.first) * params.n4 + column;
    let picture = p / (params.out_width * params.out_height);
    y[at] = Out4(epilogue(sum, at, column, picture));
}

fn store_pair(p: u32, column: u32, a: vec4<f32>, second: u32, b: vec4<f32>) {
    store(p, column, a);
    store(p, second, b);
}
