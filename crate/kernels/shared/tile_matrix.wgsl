// The product of a matmul or convolution on the matrix units of a graphics card (cooperative
// matrices): 64 rows × 64 outputs in a workgroup, a quarter of them in each of its four subgroups
// of 32 invocations.
//
// Matrix units multiply f16 and add in f32. Weights are f16, or become f16 when they are unpacked.
// f32 inputs are split in two (SPLIT), which keeps 21 bits of each:
//
//     x = upper + lower     upper: x with the lowest 13 bits of its mantissa cleared, exact in f16
//                           lower: the rest, rounded to f16
//     x · W = upper · W + lower · W
//
// An input beyond ±65504 is infinite in f16, and so are its sums. The units cut the bits of a
// product that lie below those of the sum that it is added to, always towards zero. So only the
// products of one step are added there, and the sums of steps by f32 additions.
//
// 32 inputs of all 64 rows and of all 64 outputs are read at a time, into workgroup memory. Rows
// there are a little longer than 32 and 64 numbers, so that they begin in different banks. A card
// reads matrices from multiples of 16 bytes and rounds other places down, without a word; nothing
// but their sizes places these variables, so the size of each is a multiple of 16 bytes.
//
// From the op: TAPS, Origin, Place, inner4, rows_first, rows_end, columns, origin, place, load,
// weights_of, store_pair. From shared/slices: steps_of, store_slice.

alias Half4 = vec4<f16>;
alias Left = coop_mat16x16<f16, A>;
alias Right = coop_mat16x16<f16, B>;
alias Sums = coop_mat16x16<f32, C>;

// Inputs / 4 that are read at a time.
const STEP: u32 = 8u;
// Vectors of a row in workgroup memory.
const X_PITCH: u32 = STEP + 2u;
const W_PITCH: u32 = 16u + 2u;
const STAGE_PITCH: u32 = 10u;

var<workgroup> upper: array<Half4, 64u * X_PITCH>;             // [rows][inputs / 4]
var<workgroup> lower: array<Half4, select(2u, 64u * X_PITCH, SPLIT)>;
var<workgroup> ws: array<Half4, STEP * 4u * W_PITCH>;          // [inputs][outputs / 4]
// Of each subgroup: the sums of 16 rows × 32 outputs, on their way to the epilogue.
var<workgroup> stage: array<vec4<f32>, 4u * 16u * STAGE_PITCH>;

@compute @workgroup_size(128)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let slice = group.z;
    let top = rows_first() + select(group.z * groups.y + group.y, group.y, SLICED) * 64u;
    // Gated, each 32 outputs of the workgroup are 16 values and their gates.
    let first = group.x * select(16u, 8u, GATED);

    // This invocation reads inputs `part` of four rows, and the inputs 4 · `along` … + 4 of four
    // outputs. Past the last output its weights are read again, and what they give is not stored.
    let part = lane % STEP;
    let row = lane / STEP;
    let o0 = origin(top + row);
    let o1 = origin(top + row + 16u);
    let o2 = origin(top + row + 32u);
    let o3 = origin(top + row + 48u);
    let along = lane / 16u;
    let across = lane % 16u;
    let last = columns() * select(1u, 2u, GATED) - 1u;
    let weights_at = weights_of(min(column_of(first, across), last));

    // Rows 0 … 15 and 16 … 31 of the subgroup's quarter, times its outputs 0 … 15 and 16 … 31.
    let down = lane / 64u * 32u;
    let right = lane / 32u % 2u * 8u;
    var a0 = Sums(); var a1 = Sums();
    var b0 = Sums(); var b1 = Sums();

    let inner = inner4();
    let steps_of_tap = (inner + STEP - 1u) / STEP;
    let steps = steps_of(slice, TAPS * steps_of_tap);
    var tap = steps.x / steps_of_tap;
    var start = steps.x % steps_of_tap * STEP;
    var p0 = place(o0, tap);
    var p1 = place(o1, tap);
    var p2 = place(o2, tap);
    var p3 = place(o3, tap);
    for (var step = steps.x; step < steps.y; step++) {
        // The last step of a tap may reach past its inputs: zeros add nothing.
        var x0 = vec4<f32>();
        var x1 = vec4<f32>();
        var x2 = vec4<f32>();
        var x3 = vec4<f32>();
        if start + part < inner {
            x0 = load(p0, start + part);
            x1 = load(p1, start + part);
            x2 = load(p2, start + part);
            x3 = load(p3, start + part);
        }
        var m = mat4x4<f32>();
        if start + along < inner {
            m = weight4x4(weights_at + (tap * inner + start + along) * 32u);
        }
        let to = row * X_PITCH + part;
        write_x(to, x0);
        write_x(to + 16u * X_PITCH, x1);
        write_x(to + 32u * X_PITCH, x2);
        write_x(to + 48u * X_PITCH, x3);
        let cell = along * 4u * W_PITCH + across;
        ws[cell] = Half4(m[0]);
        ws[cell + W_PITCH] = Half4(m[1]);
        ws[cell + 2u * W_PITCH] = Half4(m[2]);
        ws[cell + 3u * W_PITCH] = Half4(m[3]);
        workgroupBarrier();

        var c0 = Sums(); var c1 = Sums();
        var d0 = Sums(); var d1 = Sums();
        for (var k = 0u; k < 2u; k++) {
            let w = k * 16u * W_PITCH + right;
            let w0 = coopLoadT<Right>(&ws[w], W_PITCH);
            let w1 = coopLoadT<Right>(&ws[w + 4u], W_PITCH);
            let x = down * X_PITCH + k * 4u;
            let u0 = coopLoadT<Left>(&upper[x], X_PITCH);
            let u1 = coopLoadT<Left>(&upper[x + 16u * X_PITCH], X_PITCH);
            c0 = coopMultiplyAdd(u0, w0, c0);
            c1 = coopMultiplyAdd(u0, w1, c1);
            d0 = coopMultiplyAdd(u1, w0, d0);
            d1 = coopMultiplyAdd(u1, w1, d1);
            if SPLIT {
                let l0 = coopLoadT<Left>(&lower[x], X_PITCH);
                let l1 = coopLoadT<Left>(&lower[x + 16u * X_PITCH], X_PITCH);
                c0 = coopMultiplyAdd(l0, w0, c0);
                c1 = coopMultiplyAdd(l0, w1, c1);
                d0 = coopMultiplyAdd(l1, w0, d0);
                d1 = coopMultiplyAdd(l1, w1, d1);
            }
        }
        a0 = a0 + c0; a1 = a1 + c1;
        b0 = b0 + d0; b1 = b1 + d1;
        workgroupBarrier();

        start += STEP;
        if start >= inner {
            start = 0u;
            tap++;
            if TAPS > 1u {
                p0 = place(o0, tap);
                p1 = place(o1, tap);
                p2 = place(o2, tap);
                p3 = place(o3, tap);
            }
        }
    }

    let mine = lane / 32u * 16u * STAGE_PITCH;
    coopStoreT(a0, &stage[mine], STAGE_PITCH);
    coopStoreT(a1, &stage[mine + 5u], STAGE_PITCH);
    workgroupBarrier();
    keep(slice, top + down, first, lane);
    workgroupBarrier();
    coopStoreT(b0, &stage[mine], STAGE_PITCH);
    coopStoreT(b1, &stage[mine + 5u], STAGE_PITCH);
    workgroupBarrier();
    keep(slice, top + down + 16u, first, lane);
}

// The column of the output, in vectors of four, of the workgroup's vector `across`.
fn column_of(first: u32, across: u32) -> u32 {
    if !GATED { return first + across; }
    return first + across / 8u * 4u + across % 4u + select(0u, columns(), across % 8u >= 4u);
}

fn write_x(at: u32, x: vec4<f32>) {
    if SPLIT {
        // Not a conversion there and back, which a compiler may take for nothing.
        let kept = bitcast<vec4<f32>>(bitcast<vec4<u32>>(x) & vec4<u32>(0xffffe000u));
        upper[at] = Half4(kept);
        lower[at] = Half4(x - kept);
    } else {
        upper[at] = Half4(x);
    }
}

// Stores the sums that the invocation's subgroup has staged: 16 rows from `row` on.
fn keep(slice: u32, row: u32, first: u32, lane: u32) {
    let across = lane / 32u % 2u * 8u + lane % 4u;
    let column = column_of(first, across);
    let second = column_of(first, across + 4u);
    for (var i = lane % 32u / 4u; i < 16u; i += 8u) {
        let at = (lane / 32u * 16u + i) * STAGE_PITCH + lane % 4u;
        if SLICED {
            store_slice(slice, row + i, column, stage[at]);
            store_slice(slice, row + i, second, stage[at + 5u]);
        } else {
            store_pair(row + i, column, stage[at], second, stage[at + 5u]);
        }
    }
}
