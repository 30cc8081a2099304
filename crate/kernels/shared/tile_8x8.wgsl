// The product of a matmul or convolution: 8 rows × 8 outputs in the registers of an invocation.
//
// Neighbouring invocations along x take neighbouring outputs, so they read the weights side by side
// and all read the same rows of x. There is no shared memory: on software adapters its barriers
// cost more than they save, and the caches of real GPUs serve the same reads. Sixteen named
// accumulators instead of an array: an array in a loop is memory wherever the compiler does not
// unroll, and not all do.
//
// From the op: TAPS, inner4, rows_first, rows_end, columns, origin, place, load, store_pair.

@compute @workgroup_size(LANES_N, LANES_M)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    // Gated, the second half of the columns are the gates of the first.
    let column = (group.x * LANES_N + local.x) * select(2u, 1u, GATED);
    let second = column + select(1u, columns(), GATED);
    let row = rows_first() + ((group.z * groups.y + group.y) * LANES_M + local.y) * 8u;
    if column >= columns() || row >= rows_end() { return; }

    let o0 = origin(row);
    let o1 = origin(row + 1u);
    let o2 = origin(row + 2u);
    let o3 = origin(row + 3u);
    let o4 = origin(row + 4u);
    let o5 = origin(row + 5u);
    let o6 = origin(row + 6u);
    let o7 = origin(row + 7u);

    var a0 = vec4<f32>(); var b0 = vec4<f32>();
    var a1 = vec4<f32>(); var b1 = vec4<f32>();
    var a2 = vec4<f32>(); var b2 = vec4<f32>();
    var a3 = vec4<f32>(); var b3 = vec4<f32>();
    var a4 = vec4<f32>(); var b4 = vec4<f32>();
    var a5 = vec4<f32>(); var b5 = vec4<f32>();
    var a6 = vec4<f32>(); var b6 = vec4<f32>();
    var a7 = vec4<f32>(); var b7 = vec4<f32>();

    var wa = weights_of(column);
    var wb = weights_of(second);
    let inner = inner4();
    for (var tap = 0u; tap < TAPS; tap++) {
        let p0 = place(o0, tap);
        let p1 = place(o1, tap);
        let p2 = place(o2, tap);
        let p3 = place(o3, tap);
        let p4 = place(o4, tap);
        let p5 = place(o5, tap);
        let p6 = place(o6, tap);
        let p7 = place(o7, tap);
        for (var i = 0u; i < inner; i++) {
            let ma = weight4x4(wa);
            let mb = weight4x4(wb);
            wa += 32u; wb += 32u;
            let x0 = load(p0, i); a0 += ma * x0; b0 += mb * x0;
            let x1 = load(p1, i); a1 += ma * x1; b1 += mb * x1;
            let x2 = load(p2, i); a2 += ma * x2; b2 += mb * x2;
            let x3 = load(p3, i); a3 += ma * x3; b3 += mb * x3;
            let x4 = load(p4, i); a4 += ma * x4; b4 += mb * x4;
            let x5 = load(p5, i); a5 += ma * x5; b5 += mb * x5;
            let x6 = load(p6, i); a6 += ma * x6; b6 += mb * x6;
            let x7 = load(p7, i); a7 += ma * x7; b7 += mb * x7;
        }
    }

    store_pair(row, column, a0, second, b0);
    store_pair(row + 1u, column, a1, second, b1);
    store_pair(row + 2u, column, a2, second, b2);
    store_pair(row + 3u, column, a3, second, b3);
    store_pair(row + 4u, column, a4, second, b4);
    store_pair(row + 5u, column, a5, second, b5);
    store_pair(row + 6u, column, a6, second, b6);
    store_pair(row + 7u, column, a7, second, b7);
}
