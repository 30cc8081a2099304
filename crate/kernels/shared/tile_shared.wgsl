// The product of a matmul or convolution: 64 rows × 64 outputs in a workgroup, 8 × 8 of them in
// the registers of each of its 64 invocations, x and the weights by way of shared memory.
//
// For real GPUs: 16 inputs of all 64 rows and of all 64 outputs are read at a time, each value once
// for the whole workgroup (an eighth of the loads of 8 × 8 without it), weights are unpacked once,
// and a barrier on either side of the sums is cheap.
//
// From the op: TAPS, inner4, rows_first, rows_end, columns, origin, place, load, store_pair.

// Inputs / 4 that are read at a time.
const STEP: u32 = 4u;

var<workgroup> xs: array<vec4<f32>, STEP * 64u>;         // [inputs / 4][rows]
var<workgroup> ws: array<vec4<f32>, STEP * 4u * 16u>;    // [inputs][outputs / 4]

@compute @workgroup_size(8, 8)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    // Gated, the second half of the columns are the gates of the first.
    let first = group.x * select(16u, 8u, GATED);
    let apart = select(8u, columns(), GATED);
    let top = rows_first() + (group.z * groups.y + group.y) * 64u;

    // This invocation reads inputs `part` of every 16th row, and a patch of the weights.
    let part = lane % STEP;
    let first_row = lane / STEP;
    let o0 = origin(top + first_row);
    let o1 = origin(top + first_row + 16u);
    let o2 = origin(top + first_row + 32u);
    let o3 = origin(top + first_row + 48u);
    let along = lane / 16u;
    let across = lane % 16u;
    // Columns past the last read its weights again and are not stored.
    let last = columns() - 1u;
    let near = first + across % 8u;
    let far = select(min(near + apart, last), min(near, last) + apart, GATED);
    var w = weights_of(select(min(near, last), far, across >= 8u));

    var a0 = vec4<f32>(); var b0 = vec4<f32>();
    var a1 = vec4<f32>(); var b1 = vec4<f32>();
    var a2 = vec4<f32>(); var b2 = vec4<f32>();
    var a3 = vec4<f32>(); var b3 = vec4<f32>();
    var a4 = vec4<f32>(); var b4 = vec4<f32>();
    var a5 = vec4<f32>(); var b5 = vec4<f32>();
    var a6 = vec4<f32>(); var b6 = vec4<f32>();
    var a7 = vec4<f32>(); var b7 = vec4<f32>();

    let inner = inner4();
    for (var tap = 0u; tap < TAPS; tap++) {
        let p0 = place(o0, tap);
        let p1 = place(o1, tap);
        let p2 = place(o2, tap);
        let p3 = place(o3, tap);
        for (var start = 0u; start < inner; start += STEP) {
            // The last step may reach past the inputs: zeros add nothing.
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
            if start + along < inner { m = weight4x4(w + (start + along) * 32u); }
            let to = part * 64u + first_row;
            xs[to] = x0;
            xs[to + 16u] = x1;
            xs[to + 32u] = x2;
            xs[to + 48u] = x3;
            let cell = along * 64u + across;
            ws[cell] = m[0];
            ws[cell + 16u] = m[1];
            ws[cell + 32u] = m[2];
            ws[cell + 48u] = m[3];
            workgroupBarrier();

            for (var i = 0u; i < STEP; i++) {
                let k = i * 64u + local.x;
                let ma = mat4x4<f32>(ws[k], ws[k + 16u], ws[k + 32u], ws[k + 48u]);
                let mb = mat4x4<f32>(ws[k + 8u], ws[k + 24u], ws[k + 40u], ws[k + 56u]);
                let r = i * 64u + local.y * 8u;
                let y0 = xs[r]; a0 += ma * y0; b0 += mb * y0;
                let y1 = xs[r + 1u]; a1 += ma * y1; b1 += mb * y1;
                let y2 = xs[r + 2u]; a2 += ma * y2; b2 += mb * y2;
                let y3 = xs[r + 3u]; a3 += ma * y3; b3 += mb * y3;
                let y4 = xs[r + 4u]; a4 += ma * y4; b4 += mb * y4;
                let y5 = xs[r + 5u]; a5 += ma * y5; b5 += mb * y5;
                let y6 = xs[r + 6u]; a6 += ma * y6; b6 += mb * y6;
                let y7 = xs[r + 7u]; a7 += ma * y7; b7 += mb * y7;
            }
            workgroupBarrier();
        }
        w += inner * 32u;
    }

    let row = top + local.y * 8u;
    let column = first + local.x;
    store_pair(row, column, a0, column + apart, b0);
    store_pair(row + 1u, column, a1, column + apart, b1);
    store_pair(row + 2u, column, a2, column + apart, b2);
    store_pair(row + 3u, column, a3, column + apart, b3);
    store_pair(row + 4u, column, a4, column + apart, b4);
    store_pair(row + 5u, column, a5, column + apart, b5);
    store_pair(row + 6u, column, a6, column + apart, b6);
    store_pair(row + 7u, column, a7, column + apart, b7);
}
