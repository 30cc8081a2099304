// The sum over a workgroup of LANES invocations (a power of two), by halves. Every invocation must
// call it, and every one receives the sum.

var<workgroup> partial_sums: array<f32, LANES>;

fn workgroup_sum(lane: u32, value: f32) -> f32 {
    partial_sums[lane] = value;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        if lane < half { partial_sums[lane] += partial_sums[lane + half]; }
        workgroupBarrier();
    }
    let sum = partial_sums[0];
    // Nobody may start the next sum before all have read this one.
    workgroupBarrier();
    return sum;
}
