// Who is in a row: the tokens of the rows that are kept, then those that are merged, ordered by
// their destinations; at last, where those of each destination begin, and where the last ones end.

const NONE = 0xffffffffu;

struct Params {
    width: u32,
    height: u32,
    merged: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> places: array<vec2<u32>>;          // [b, t]: (row, into)
@group(0) @binding(2) var<storage, read_write> y: array<u32>;               // [b, t + 1]

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let tokens = params.width * params.height;
    let count = destinations();
    let i = group.x * LANES + lane;
    if i >= tokens { return; }
    let picture = group.y * tokens;
    let kept = tokens - count - params.merged;
    let out = group.y * (tokens + 1u);
    let place = places[picture + i];
    var before = 0u;    // of those in the same row, and in rows before
    var begins = 0u;    // of those in rows before the i-th destination
    for (var other = 0u; other < tokens; other++) {
        let into = places[picture + other].y;
        if into < place.y || (into == place.y && other < i) { before++; }
        if into < i { begins++; }
    }
    if place.y != NONE {
        y[out + kept + before] = i;
    } else if !is_destination(i) {
        y[out + place.x] = i;
    }
    // All but destinations have an entry: those of the beginnings come where they would be.
    if i <= count { y[out + tokens - count + i] = begins; }
}
