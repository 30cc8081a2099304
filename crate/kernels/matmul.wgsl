// Matrix product with its epilogue; also every 1×1 convolution.
//
//     y[r, o] = activation(Σᵢ x[r, i] · W[i, o] + bias[o] + shift[picture of r, o])
//               + residual[r, o]
//
// or, GATED, the gated linear unit of the transformer's feed-forward, where the weights of the
// values come before those of their gates:
//
//     y[r, o] = (Σᵢ x[r, i] · W[i, o] + bias[o])
//               · activation(Σᵢ x[r, i] · W[i, n + o] + bias[n + o])
//
// Which of its outputs an invocation computes, and how, is the tile's affair (shared/tile_*).

struct Params {
    rows: u32,
    n4: u32,                // outputs / 4
    k4: u32,                // inputs / 4
    rows_per_picture: u32,  // for shift
    first_row: u32,         // of this dispatch, for shift
    shift_row4: u32,        // channels of the shift / 4
    shift_first4: u32,      // the first of them that is added / 4
    slices: u32,            // of the inputs; more than one only if SLICED
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Elem4>;             // [rows, k4]
// 2: weights, in the reader
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;      // [n4]
@group(0) @binding(4) var<storage, read> shift: array<Elem4>;         // [pictures, shift_row4]
@group(0) @binding(5) var<storage, read> residual: array<Elem4>;      // [rows, n4]
@group(0) @binding(6) var<storage, read_write> y: array<Out4>;        // [rows, n4]

const TAPS: u32 = 1u;

alias Origin = u32;
alias Place = u32;

fn inner4() -> u32 { return params.k4; }
fn rows_first() -> u32 { return 0u; }
fn rows_end() -> u32 { return params.rows; }
fn columns() -> u32 { return params.n4; }

// Where a row of x begins. Rows past the end compute the last row again and are not stored.
fn origin(row: u32) -> Origin {
    return min(row, params.rows - 1u) * params.k4;
}

fn place(start: Origin, tap: u32) -> Place {
    return start;
}

fn load(start: Place, i: u32) -> vec4<f32> {
    return vec4<f32>(x[start + i]);
}

// Where the weights of outputs 4 · column … + 4 begin: a panel is 8 vectors wide.
fn weights_of(column: u32) -> u32 {
    return (column / 8u) * (params.k4 * 4u) * 8u + column % 8u;
}

fn store(row: u32, column: u32, sum: vec4<f32>) {
    if row >= params.rows || column >= params.n4 { return; }
    let at = row * params.n4 + column;
    let picture = (params.first_row + row) / params.rows_per_picture;
    y[at] = Out4(epilogue(sum, at, column, picture));
}

// Stores two vectors of a row: of two columns, or a value and its gate.
fn store_pair(row: u32, column: u32, a: vec4<f32>, second: u32, b: vec4<f32>) {
    if GATED {
        if row >= params.rows || column >= params.n4 { return; }
        var value = a;
        var gate = b;
        if HAS_BIAS {
            value += bias[column];
            gate += bias[second];
        }
        y[row * params.n4 + column] = Out4(value * activation(gate));
    } else {
        store(row, column, a);
        store(row, second, b);
    }
}
