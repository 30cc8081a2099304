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
// Each invocation computes 8 rows × 8 outputs in registers. Neighbouring invocations along x take
// neighbouring outputs, so they read the weights side by side and all read the same rows of x.
// There is no shared memory: on software adapters its barriers cost more than they save, and the
// caches of real GPUs serve the same reads. Sixteen named accumulators instead of an array: an
// array in a loop is memory wherever the compiler does not unroll, and not all do.

struct Params {
    rows: u32,
    n4: u32,                // outputs / 4
    k4: u32,                // inputs / 4
    rows_per_picture: u32,  // for shift
    first_row: u32,         // of this dispatch, for shift
    shift_row4: u32,        // channels of the shift / 4
    shift_first4: u32,      // the first of them that is added / 4
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Elem4>;             // [rows, k4]
// 2: weights, in the reader
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;      // [n4]
@group(0) @binding(4) var<storage, read> shift: array<Elem4>;         // [pictures, shift_row4]
@group(0) @binding(5) var<storage, read> residual: array<Elem4>;      // [rows, n4]
@group(0) @binding(6) var<storage, read_write> y: array<Elem4>;       // [rows, n4]

fn load(row: u32, i: u32) -> vec4<f32> {
    return vec4<f32>(x[row + i]);
}

fn store(row: u32, column: u32, sum: vec4<f32>) {
    if row >= params.rows || column >= params.n4 { return; }
    var value = sum;
    if HAS_BIAS { value += bias[column]; }
    if HAS_SHIFT {
        let picture = (params.first_row + row) / params.rows_per_picture;
        value += vec4<f32>(shift[picture * params.shift_row4 + params.shift_first4 + column]);
    }
    value = activation(value);
    let at = row * params.n4 + column;
    if HAS_RESIDUAL { value += vec4<f32>(residual[at]); }
    y[at] = Elem4(value);
}

// Stores the two vectors of a row: neighbours, or a value and its gate.
fn store_pair(row: u32, column: u32, a: vec4<f32>, b: vec4<f32>) {
    if GATED {
        if row >= params.rows { return; }
        var value = a;
        var gate = b;
        if HAS_BIAS {
            value += bias[column];
            gate += bias[params.n4 + column];
        }
        y[row * params.n4 + column] = Elem4(value * activation(gate));
    } else {
        store(row, column, a);
        store(row, column + 1u, b);
    }
}

// Where the weights of outputs 4 · column … + 4 begin: a panel is 8 vectors wide.
fn weights_of(column: u32) -> u32 {
    return (column / 8u) * (params.k4 * 4u) * 8u + column % 8u;
}

@compute @workgroup_size(LANES_N, LANES_M)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let pair = group.x * LANES_N + local.x;
    let column = select(pair * 2u, pair, GATED);
    let row = ((group.z * groups.y + group.y) * LANES_M + local.y) * 8u;
    if column >= params.n4 || row >= params.rows { return; }

    // Rows past the end compute the last row again and are not stored.
    let k4 = params.k4;
    let last = params.rows - 1u;
    let r0 = row * k4;
    let r1 = min(row + 1u, last) * k4;
    let r2 = min(row + 2u, last) * k4;
    let r3 = min(row + 3u, last) * k4;
    let r4 = min(row + 4u, last) * k4;
    let r5 = min(row + 5u, last) * k4;
    let r6 = min(row + 6u, last) * k4;
    let r7 = min(row + 7u, last) * k4;

    var a0 = vec4<f32>(); var b0 = vec4<f32>();
    var a1 = vec4<f32>(); var b1 = vec4<f32>();
    var a2 = vec4<f32>(); var b2 = vec4<f32>();
    var a3 = vec4<f32>(); var b3 = vec4<f32>();
    var a4 = vec4<f32>(); var b4 = vec4<f32>();
    var a5 = vec4<f32>(); var b5 = vec4<f32>();
    var a6 = vec4<f32>(); var b6 = vec4<f32>();
    var a7 = vec4<f32>(); var b7 = vec4<f32>();

    var w = weights_of(column);
    // A pair of neighbours never crosses a panel.
    var v = select(w + 1u, weights_of(column + params.n4), GATED);
    for (var i = 0u; i < k4; i++) {
        let wa = weight4x4(w);
        let wb = weight4x4(v);
        w += 32u;
        v += 32u;
        let x0 = load(r0, i); a0 += wa * x0; b0 += wb * x0;
        let x1 = load(r1, i); a1 += wa * x1; b1 += wb * x1;
        let x2 = load(r2, i); a2 += wa * x2; b2 += wb * x2;
        let x3 = load(r3, i); a3 += wa * x3; b3 += wb * x3;
        let x4 = load(r4, i); a4 += wa * x4; b4 += wb * x4;
        let x5 = load(r5, i); a5 += wa * x5; b5 += wb * x5;
        let x6 = load(r6, i); a6 += wa * x6; b6 += wb * x6;
        let x7 = load(r7, i); a7 += wa * x7; b7 += wb * x7;
    }

    store_pair(row, column, a0, b0);
    store_pair(row + 1u, column, a1, b1);
    store_pair(row + 2u, column, a2, b2);
    store_pair(row + 3u, column, a3, b3);
    store_pair(row + 4u, column, a4, b4);
    store_pair(row + 5u, column, a5, b5);
    store_pair(row + 6u, column, a6, b6);
    store_pair(row + 7u, column, a7, b7);
}
