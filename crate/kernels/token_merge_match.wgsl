// For every token the destination that is most like it, and how much: "Token Merging" (Bolya and
// Hoffman, 2303.17604).
//
//     likeness = x · d / (|x|·|d|)          the first of several that are equally alike
//
// A workgroup has LANES tokens of one picture, each lane its own; the destinations go by eight.
// A destination's own match is not used.

struct Params {
    width: u32,
    height: u32,
    c4: u32,
    first: u32,  // first token of this dispatch
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Elem4>;                   // [b, t, c4]
@group(0) @binding(2) var<storage, read_write> y: array<vec2<u32>>;         // [b, t]

var<workgroup> inverse: array<f32, LANES>;  // 1 / |d|

// 1 / |x[row]|; of a row of zeros, or of what is no number, some number.
fn inverse_norm(row: u32) -> f32 {
    var square = 1e-20;
    for (var c = 0u; c < params.c4; c++) {
        let v = vec4<f32>(x[row + c]);
        square += dot(v, v);
    }
    return 1.0 / sqrt(square);
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let tokens = params.width * params.height;
    let count = destinations();
    let token = params.first + group.x * LANES + lane;
    let picture = group.y * tokens * params.c4;
    let own = picture + min(token, tokens - 1u) * params.c4;
    var most = -1e30;
    var at = 0u;
    for (var tile = 0u; tile < count; tile += LANES) {
        let mine = token_of(min(tile + lane, count - 1u));
        workgroupBarrier();
        inverse[lane] = inverse_norm(picture + mine * params.c4);
        workgroupBarrier();
        for (var part = 0u; part < min(LANES, count - tile); part += 8u) {
            // Zeros are written out: not every compiler makes a variable in a loop anew.
            var rows = array<u32, 8>();
            var sums = array<f32, 8>();
            for (var i = 0u; i < 8u; i++) {
                rows[i] = picture + token_of(min(tile + part + i, count - 1u)) * params.c4;
            }
            for (var c = 0u; c < params.c4; c++) {
                let v = vec4<f32>(x[own + c]);
                for (var i = 0u; i < 8u; i++) { sums[i] += dot(v, vec4<f32>(x[rows[i] + c])); }
            }
            for (var i = 0u; i < 8u; i++) {
                let likeness = sums[i] * inverse[part + i];
                let place = tile + part + i;
                if place < count && likeness > most {
                    most = likeness;
                    at = place;
                }
            }
        }
    }
    if token >= tokens { return; }
    // The norm is the same for all destinations, and counts among the tokens.
    y[group.y * tokens + token] = vec2<u32>(at, bitcast<u32>(most * inverse_norm(own)));
}
