// The product of a matmul or convolution: 16 rows × 16 outputs in an invocation.
//
// For software adapters, where a load costs as much as dozens of multiply-adds: this tile issues
// half the loads of 8 × 8. Its 64 vectors of sums lie in the first cache, not in registers, which
// costs a CPU little and a GPU much. They are named and not an array, since an array in a loop is
// slower wherever the compiler does not unroll. It takes seconds to compile.
//
// From the op: TAPS, inner4, rows_first, rows_end, columns, origin, place, load, store_pair.

@compute @workgroup_size(LANES_N, LANES_M)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    // Gated, the second half of the columns are the gates of the first.
    let column = (group.x * LANES_N + local.x) * select(4u, 2u, GATED);
    let second = column + select(2u, columns(), GATED);
    let row = rows_first() + ((group.z * groups.y + group.y) * LANES_M + local.y) * 16u;
    if column >= columns() || row >= rows_end() { return; }

    let o0 = origin(row); let o1 = origin(row + 1u); let o2 = origin(row + 2u);
    let o3 = origin(row + 3u); let o4 = origin(row + 4u); let o5 = origin(row + 5u);
    let o6 = origin(row + 6u); let o7 = origin(row + 7u); let o8 = origin(row + 8u);
    let o9 = origin(row + 9u); let o10 = origin(row + 10u); let o11 = origin(row + 11u);
    let o12 = origin(row + 12u); let o13 = origin(row + 13u); let o14 = origin(row + 14u);
    let o15 = origin(row + 15u);

    var a0 = vec4<f32>(); var b0 = vec4<f32>(); var c0 = vec4<f32>(); var d0 = vec4<f32>();
    var a1 = vec4<f32>(); var b1 = vec4<f32>(); var c1 = vec4<f32>(); var d1 = vec4<f32>();
    var a2 = vec4<f32>(); var b2 = vec4<f32>(); var c2 = vec4<f32>(); var d2 = vec4<f32>();
    var a3 = vec4<f32>(); var b3 = vec4<f32>(); var c3 = vec4<f32>(); var d3 = vec4<f32>();
    var a4 = vec4<f32>(); var b4 = vec4<f32>(); var c4 = vec4<f32>(); var d4 = vec4<f32>();
    var a5 = vec4<f32>(); var b5 = vec4<f32>(); var c5 = vec4<f32>(); var d5 = vec4<f32>();
    var a6 = vec4<f32>(); var b6 = vec4<f32>(); var c6 = vec4<f32>(); var d6 = vec4<f32>();
    var a7 = vec4<f32>(); var b7 = vec4<f32>(); var c7 = vec4<f32>(); var d7 = vec4<f32>();
    var a8 = vec4<f32>(); var b8 = vec4<f32>(); var c8 = vec4<f32>(); var d8 = vec4<f32>();
    var a9 = vec4<f32>(); var b9 = vec4<f32>(); var c9 = vec4<f32>(); var d9 = vec4<f32>();
    var a10 = vec4<f32>(); var b10 = vec4<f32>(); var c10 = vec4<f32>(); var d10 = vec4<f32>();
    var a11 = vec4<f32>(); var b11 = vec4<f32>(); var c11 = vec4<f32>(); var d11 = vec4<f32>();
    var a12 = vec4<f32>(); var b12 = vec4<f32>(); var c12 = vec4<f32>(); var d12 = vec4<f32>();
    var a13 = vec4<f32>(); var b13 = vec4<f32>(); var c13 = vec4<f32>(); var d13 = vec4<f32>();
    var a14 = vec4<f32>(); var b14 = vec4<f32>(); var c14 = vec4<f32>(); var d14 = vec4<f32>();
    var a15 = vec4<f32>(); var b15 = vec4<f32>(); var c15 = vec4<f32>(); var d15 = vec4<f32>();

    var wa = weights_of(column); var wb = weights_of(column + 1u);
    var wc = weights_of(second); var wd = weights_of(second + 1u);
    let inner = inner4();
    for (var tap = 0u; tap < TAPS; tap++) {
        let p0 = place(o0, tap); let p1 = place(o1, tap); let p2 = place(o2, tap);
        let p3 = place(o3, tap); let p4 = place(o4, tap); let p5 = place(o5, tap);
        let p6 = place(o6, tap); let p7 = place(o7, tap); let p8 = place(o8, tap);
        let p9 = place(o9, tap); let p10 = place(o10, tap); let p11 = place(o11, tap);
        let p12 = place(o12, tap); let p13 = place(o13, tap); let p14 = place(o14, tap);
        let p15 = place(o15, tap);
        for (var i = 0u; i < inner; i++) {
            let ma = weight4x4(wa);
            let mb = weight4x4(wb);
            let mc = weight4x4(wc);
            let md = weight4x4(wd);
            wa += 32u; wb += 32u; wc += 32u; wd += 32u;
            let x0 = load(p0, i);
                a0 += ma * x0; b0 += mb * x0; c0 += mc * x0; d0 += md * x0;
            let x1 = load(p1, i);
                a1 += ma * x1; b1 += mb * x1; c1 += mc * x1; d1 += md * x1;
            let x2 = load(p2, i);
                a2 += ma * x2; b2 += mb * x2; c2 += mc * x2; d2 += md * x2;
            let x3 = load(p3, i);
                a3 += ma * x3; b3 += mb * x3; c3 += mc * x3; d3 += md * x3;
            let x4 = load(p4, i);
                a4 += ma * x4; b4 += mb * x4; c4 += mc * x4; d4 += md * x4;
            let x5 = load(p5, i);
                a5 += ma * x5; b5 += mb * x5; c5 += mc * x5; d5 += md * x5;
            let x6 = load(p6, i);
                a6 += ma * x6; b6 += mb * x6; c6 += mc * x6; d6 += md * x6;
            let x7 = load(p7, i);
                a7 += ma * x7; b7 += mb * x7; c7 += mc * x7; d7 += md * x7;
            let x8 = load(p8, i);
                a8 += ma * x8; b8 += mb * x8; c8 += mc * x8; d8 += md * x8;
            let x9 = load(p9, i);
                a9 += ma * x9; b9 += mb * x9; c9 += mc * x9; d9 += md * x9;
            let x10 = load(p10, i);
                a10 += ma * x10; b10 += mb * x10; c10 += mc * x10; d10 += md * x10;
            let x11 = load(p11, i);
                a11 += ma * x11; b11 += mb * x11; c11 += mc * x11; d11 += md * x11;
            let x12 = load(p12, i);
                a12 += ma * x12; b12 += mb * x12; c12 += mc * x12; d12 += md * x12;
            let x13 = load(p13, i);
                a13 += ma * x13; b13 += mb * x13; c13 += mc * x13; d13 += md * x13;
            let x14 = load(p14, i);
                a14 += ma * x14; b14 += mb * x14; c14 += mc * x14; d14 += md * x14;
            let x15 = load(p15, i);
                a15 += ma * x15; b15 += mb * x15; c15 += mc * x15; d15 += md * x15;
        }
    }

    store_pair(row, column, a0, second, c0);
    store_pair(row, column + 1u, b0, second + 1u, d0);
    store_pair(row + 1u, column, a1, second, c1);
    store_pair(row + 1u, column + 1u, b1, second + 1u, d1);
    store_pair(row + 2u, column, a2, second, c2);
    store_pair(row + 2u, column + 1u, b2, second + 1u, d2);
    store_pair(row + 3u, column, a3, second, c3);
    store_pair(row + 3u, column + 1u, b3, second + 1u, d3);
    store_pair(row + 4u, column, a4, second, c4);
    store_pair(row + 4u, column + 1u, b4, second + 1u, d4);
    store_pair(row + 5u, column, a5, second, c5);
    store_pair(row + 5u, column + 1u, b5, second + 1u, d5);
    store_pair(row + 6u, column, a6, second, c6);
    store_pair(row + 6u, column + 1u, b6, second + 1u, d6);
    store_pair(row + 7u, column, a7, second, c7);
    store_pair(row + 7u, column + 1u, b7, second + 1u, d7);
    store_pair(row + 8u, column, a8, second, c8);
    store_pair(row + 8u, column + 1u, b8, second + 1u, d8);
    store_pair(row + 9u, column, a9, second, c9);
    store_pair(row + 9u, column + 1u, b9, second + 1u, d9);
    store_pair(row + 10u, column, a10, second, c10);
    store_pair(row + 10u, column + 1u, b10, second + 1u, d10);
    store_pair(row + 11u, column, a11, second, c11);
    store_pair(row + 11u, column + 1u, b11, second + 1u, d11);
    store_pair(row + 12u, column, a12, second, c12);
    store_pair(row + 12u, column + 1u, b12, second + 1u, d12);
    store_pair(row + 13u, column, a13, second, c13);
    store_pair(row + 13u, column + 1u, b13, second + 1u, d13);
    store_pair(row + 14u, column, a14, second, c14);
    store_pair(row + 14u, column + 1u, b14, second + 1u, d14);
    store_pair(row + 15u, column, a15, second, c15);
    store_pair(row + 15u, column + 1u, b15, second + 1u, d15);
}
