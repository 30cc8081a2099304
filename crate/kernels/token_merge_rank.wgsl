// Where every token goes: (row, into). The `merged` tokens that are most like their destinations go
// into these; the others keep rows of their own, which come first, the likest first; then come the
// destinations.
//
//     rank = how many other tokens are more like their destinations (of equals: the earlier ones)

const NONE = 0xffffffffu;  // of `into`: it is merged into none

struct Params {
    width: u32,
    height: u32,
    merged: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> matches: array<vec2<u32>>;         // [b, t]
@group(0) @binding(2) var<storage, read_write> y: array<vec2<u32>>;         // [b, t]

// What is no number is like nothing.
fn likeness(i: u32) -> f32 {
    let bits = matches[i].y;
    return select(bitcast<f32>(bits), -2.0, (bits & 0x7f800000u) == 0x7f800000u);
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let tokens = params.width * params.height;
    let token = group.x * LANES + lane;
    if token >= tokens { return; }
    let picture = group.y * tokens;
    let kept = tokens - destinations() - params.merged;
    if is_destination(token) {
        let row = token / params.width / 2u * (params.width / 2u) + token % params.width / 2u;
        y[picture + token] = vec2<u32>(kept + row, NONE);
        return;
    }
    let own = likeness(picture + token);
    var rank = 0u;
    for (var other = 0u; other < tokens; other++) {
        let its = likeness(picture + other);
        let before = its > own || (its == own && other < token);
        if before && !is_destination(other) { rank++; }
    }
    let into = matches[picture + token].x;
    if rank < params.merged {
        y[picture + token] = vec2<u32>(kept + into, into);
    } else {
        y[picture + token] = vec2<u32>(rank - params.merged, NONE);
    }
}
