// The product of a matmul or convolution on a graphics card: 64 rows × 64 or 128 outputs in a
// workgroup, 4 × 8 of them in the registers of each of its 128 or 256 invocations, x and the
// weights by way of workgroup memory. The wide workgroup reads a third less for the same outputs;
// each output is the same sum in the same order in both.
//
// 16 inputs of all rows and of all outputs are read at a time, each value once for the whole
// workgroup; weights are unpacked once. An invocation's rows lie 16 apart, so that neighbours read
// neighbouring vectors of workgroup memory; of its eight outputs, four are in the first half of
// the workgroup's and four in the other. `fma` takes four instructions for four inputs; a matrix
// times a vector and a sum would take five, because its first product is not added to anything.
//
// From the tile: ACROSS, invocations along the outputs, 8 or 16.
// From the op: TAPS, Origin, Place, inner4, rows_first, rows_end, columns, origin, place, load,
// weights_of, store_pair. From shared/slices: steps_of, store_slice.

// Inputs / 4 that are read at a time.
const STEP: u32 = 4u;
// Two more than the rows: vectors that neighbouring invocations store fall into different banks.
const PITCH: u32 = 66u;

// Vectors of outputs of a workgroup.
const WIDTH: u32 = 2u * ACROSS;
// Whether an invocation reads inputs of two rows: there are 64 in all.
const TWO_ROWS: bool = ACROSS == 8u;

var<workgroup> xs: array<vec4<f32>, STEP * PITCH>;         // [inputs / 4][rows]
var<workgroup> ws: array<vec4<f32>, STEP * 4u * WIDTH>;    // [inputs][outputs / 4]

@compute @workgroup_size(16u * ACROSS)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    // Gated, the second half of the columns are the gates of the first.
    let first = group.x * select(WIDTH, ACROSS, GATED);
    let apart = select(ACROSS, columns(), GATED);
    let slice = group.z;
    let top = rows_first() + select(group.z * groups.y + group.y, group.y, SLICED) * 64u;

    // This invocation reads inputs `part` of two rows, of one in a wide workgroup; and half of the
    // invocations, the inputs 4 · `along` … + 4 of four outputs.
    let part = lane % STEP;
    let row = lane / STEP;
    let o0 = origin(top + row);
    let o1 = origin(top + row + 32u);
    let along = lane / WIDTH;
    let across = lane % WIDTH;
    // Past the last output its weights are read again, and what they give is not stored.
    let column = first + across % ACROSS + select(0u, apart, across >= ACROSS);
    let weights_at = weights_of(min(column, columns() * select(1u, 2u, GATED) - 1u));

    var a0 = vec4<f32>(); var b0 = vec4<f32>();
    var a1 = vec4<f32>(); var b1 = vec4<f32>();
    var a2 = vec4<f32>(); var b2 = vec4<f32>();
    var a3 = vec4<f32>(); var b3 = vec4<f32>();

    let inner = inner4();
    let steps_of_tap = (inner + STEP - 1u) / STEP;
    let steps = steps_of(slice, TAPS * steps_of_tap);
    var tap = steps.x / steps_of_tap;
    var start = steps.x % steps_of_tap * STEP;
    var p0 = place(o0, tap);
    var p1 = place(o1, tap);
    for (var step = steps.x; step < steps.y; step++) {
        // The last step of a tap may reach past its inputs: zeros add nothing.
        var x0 = vec4<f32>();
        var x1 = vec4<f32>();
        if start + part < inner {
            x0 = load(p0, start + part);
            if TWO_ROWS { x1 = load(p1, start + part); }
        }
        xs[part * PITCH + row] = x0;
        if TWO_ROWS { xs[part * PITCH + row + 32u] = x1; }
        if along < STEP {
            var m = mat4x4<f32>();
            if start + along < inner {
                m = weight4x4(weights_at + (tap * inner + start + along) * 32u);
            }
            let cell = along * 4u * WIDTH + across;
            ws[cell] = m[0];
            ws[cell + WIDTH] = m[1];
            ws[cell + 2u * WIDTH] = m[2];
            ws[cell + 3u * WIDTH] = m[3];
        }
        workgroupBarrier();

        for (var i = 0u; i < STEP; i++) {
            let k = i * 4u * WIDTH + lane % ACROSS;
            let wa0 = ws[k]; let wa1 = ws[k + WIDTH];
            let wa2 = ws[k + 2u * WIDTH]; let wa3 = ws[k + 3u * WIDTH];
            let wb0 = ws[k + ACROSS]; let wb1 = ws[k + 3u * ACROSS];
            let wb2 = ws[k + 5u * ACROSS]; let wb3 = ws[k + 7u * ACROSS];
            let r = i * PITCH + lane / ACROSS;
            let y0 = xs[r];
            a0 = sum4(a0, wa0, wa1, wa2, wa3, y0); b0 = sum4(b0, wb0, wb1, wb2, wb3, y0);
            let y1 = xs[r + 16u];
            a1 = sum4(a1, wa0, wa1, wa2, wa3, y1); b1 = sum4(b1, wb0, wb1, wb2, wb3, y1);
            let y2 = xs[r + 32u];
            a2 = sum4(a2, wa0, wa1, wa2, wa3, y2); b2 = sum4(b2, wb0, wb1, wb2, wb3, y2);
            let y3 = xs[r + 48u];
            a3 = sum4(a3, wa0, wa1, wa2, wa3, y3); b3 = sum4(b3, wb0, wb1, wb2, wb3, y3);
        }
        workgroupBarrier();

        start += STEP;
        if start >= inner {
            start = 0u;
            tap++;
            if TAPS > 1u {
                p0 = place(o0, tap);
                if TWO_ROWS { p1 = place(o1, tap); }
            }
        }
    }

    let to = top + lane / ACROSS;
    let at = first + lane % ACROSS;
    keep(slice, to, at, a0, at + apart, b0);
    keep(slice, to + 16u, at, a1, at + apart, b1);
    keep(slice, to + 32u, at, a2, at + apart, b2);
    keep(slice, to + 48u, at, a3, at + apart, b3);
}

// The sum and the products of four inputs, x, with their weights.
fn sum4(
    sum: vec4<f32>,
    w0: vec4<f32>,
    w1: vec4<f32>,
    w2: vec4<f32>,
    w3: vec4<f32>,
    x: vec4<f32>,
) -> vec4<f32> {
    let two = fma(w1, vec4<f32>(x.y), fma(w0, vec4<f32>(x.x), sum));
    return fma(w3, vec4<f32>(x.w), fma(w2, vec4<f32>(x.z), two));
}

fn keep(slice: u32, row: u32, column: u32, a: vec4<f32>, second: u32, b: vec4<f32>) {
    if SLICED {
        store_slice(slice, row, column, a);
        store_slice(slice, row, second, b);
    } else {
        store_pair(row, column, a, second, b);
    }
}
