// Whether a tensor holds an infinity or what is not a number: y = 1, else 0.
//
// One workgroup looks at all of it, so only y has to go to the host. It looks at bits, because a
// driver may assume that there are no infinities: a float whose exponent is all ones is not finite.

struct Params {
    count: u32,  // pairs of words
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec2<u32>>;      // two f32, or four f16
@group(0) @binding(2) var<storage, read_write> y: array<u32>;      // [1]

fn has(words: vec2<u32>, exponent: u32) -> bool {
    return any((words & vec2<u32>(exponent)) == vec2<u32>(exponent));
}

fn broken(words: vec2<u32>) -> bool {
    if HALVES { return has(words, 0x7c00u) || has(words, 0x7c000000u); }
    return has(words, 0x7f800000u);
}

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32) {
    var found = false;
    for (var i = lane; i < params.count; i += LANES) { found = found || broken(x[i]); }
    let lanes = workgroup_sum(lane, select(0.0, 1.0, found));
    if lane == 0u { y[0] = select(0u, 1u, lanes > 0.0); }
}
