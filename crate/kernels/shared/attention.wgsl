// What the kernels of attention share: parameters, bindings, and how a score becomes a weight.

struct Params {
    queries: u32,      // one past the last of this dispatch
    keys: u32,
    heads: u32,
    first_query: u32,  // of this dispatch
    sharing: u32,      // pictures of q, one after the other, that share k and v
    scale: f32,        // 1/√d
    all_queries: u32,  // of a picture
    q_row4: u32,       // channels / 4 of a row of q's tensor, and where in it q begins
    kv_row4: u32,
    q_first4: u32,
    k_first4: u32,
    v_first4: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: array<Elem4>;          // [b, all_queries, q_row4]
@group(0) @binding(2) var<storage, read> k: array<Elem4>;          // [b / sharing, keys, kv_row4]
@group(0) @binding(3) var<storage, read> v: array<Elem4>;          // [b / sharing, keys, kv_row4]
@group(0) @binding(4) var<storage, read_write> y: array<Elem4>;    // [b, all_queries, heads, D4]

// Finite, because a driver may assume that there are no infinities.
const LOWEST: f32 = -3.0e38;

// The scores of one key for four queries, from `query` on; LOWEST for those that may not see it.
fn masked(score: vec4<f32>, query: u32, key: u32) -> vec4<f32> {
    var visible = vec4<u32>(key) < vec4<u32>(params.keys);
    if CAUSAL {
        visible &= vec4<u32>(key) <= vec4<u32>(query) + vec4<u32>(0u, 1u, 2u, 3u);
    }
    return select(vec4<f32>(LOWEST), score, visible);
}

// A key that may not be seen weighs nothing, even where none has been seen yet.
fn weight(score: vec4<f32>, highest: vec4<f32>) -> vec4<f32> {
    return select(exp(score - highest), vec4<f32>(), score == vec4<f32>(LOWEST));
}
