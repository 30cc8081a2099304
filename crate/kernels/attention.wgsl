// Attention with an online softmax: softmax(q·kᵀ / √d) · v, for each head. Scores are never stored.
//
// One workgroup takes 16 queries of one head of one picture and walks along the keys, 64 at a time:
//
//     s = q·k                          the block's 16 × 64 scores, in workgroup memory
//     m' = max(m, max s)               running maximum
//     p = exp(s − m')                  in place of s
//     l = l · exp(m − m') + Σ p        running sum
//     o = o · exp(m − m') + p·v        running output, in registers
//
// and stores o / l at the end. (Milakov and Gimelshein 2018; Dao et al. 2022.)
//
// Queries go by four: an invocation computes 4 × 4 scores from 4 + 4 loads, and four channels of
// four queries from one load of v. So scores are kept as vectors over four queries. q is scaled by
// 1/√d before the product, so that scores of f16 values stay small.

struct Params {
    queries: u32,      // one past the last of this dispatch
    keys: u32,
    heads: u32,
    first_query: u32,  // of this dispatch
    kv_pictures: u32,  // k and v repeat with this period
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
@group(0) @binding(2) var<storage, read> k: array<Elem4>;          // [kv_pictures, keys, kv_row4]
@group(0) @binding(3) var<storage, read> v: array<Elem4>;          // [kv_pictures, keys, kv_row4]
@group(0) @binding(4) var<storage, read_write> y: array<Elem4>;    // [b, all_queries, heads, D4]

const LANES: u32 = 64u;
const QUERIES: u32 = 16u;
const KEYS: u32 = 64u;
// Vectors of four queries × four channels that an invocation sums.
const OWNED: u32 = (QUERIES / 4u * D4 + LANES - 1u) / LANES;
// Finite, because a driver may assume that there are no infinities.
const LOWEST: f32 = -3.0e38;

var<workgroup> scores: array<vec4<f32>, QUERIES / 4u * KEYS>;   // [queries / 4][keys]
var<workgroup> corrections: array<f32, QUERIES>;
var<workgroup> sums: array<f32, QUERIES>;

fn query4(row: u32, c: u32) -> vec4<f32> {
    return vec4<f32>(q[row + c]) * params.scale;
}

// Which of four queries, from `query` on, may see `key`.
fn visible(query: u32, key: u32) -> vec4<bool> {
    let here = vec4<u32>(key) < vec4<u32>(params.keys);
    if CAUSAL { return here & (vec4<u32>(key) <= vec4<u32>(query) + vec4<u32>(0u, 1u, 2u, 3u)); }
    return here;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) at: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let head = at.y * D4;
    let first = params.first_query + at.x * QUERIES;
    let q_row4 = params.q_row4;
    let kv_row4 = params.kv_row4;
    let q_start = at.z * params.all_queries * q_row4 + params.q_first4 + head;
    let kv_start = (at.z % params.kv_pictures) * params.keys * kv_row4 + head;
    let k_start = kv_start + params.k_first4;
    let v_start = kv_start + params.v_first4;

    // This invocation's scores: four queries by the keys `lane % 16` + 0, 16, 32, 48.
    let four = lane / 16u;
    let query = first + four * 4u;
    let last_query = params.queries - 1u;
    let q0 = q_start + min(query, last_query) * q_row4;
    let q1 = q_start + min(query + 1u, last_query) * q_row4;
    let q2 = q_start + min(query + 2u, last_query) * q_row4;
    let q3 = q_start + min(query + 3u, last_query) * q_row4;

    // One vector of four channels for each of four queries, for each owned item.
    var output: array<vec4<f32>, 4u * OWNED>;
    for (var j = 0u; j < 4u * OWNED; j++) { output[j] = vec4<f32>(); }
    // Of query `lane`, kept by the first QUERIES invocations.
    var highest = LOWEST;
    var total = 0.0;

    for (var block = 0u; block < params.keys; block += KEYS) {
        let key = block + lane % 16u;
        let last_key = params.keys - 1u;
        let k0 = k_start + min(key, last_key) * kv_row4;
        let k1 = k_start + min(key + 16u, last_key) * kv_row4;
        let k2 = k_start + min(key + 32u, last_key) * kv_row4;
        let k3 = k_start + min(key + 48u, last_key) * kv_row4;
        var s0 = vec4<f32>();
        var s1 = vec4<f32>();
        var s2 = vec4<f32>();
        var s3 = vec4<f32>();
        for (var c = 0u; c < D4; c++) {
            // Row by query: one product gives a key's dot products with four queries.
            let queries = transpose(mat4x4<f32>(
                query4(q0, c), query4(q1, c), query4(q2, c), query4(q3, c)));
            s0 += queries * vec4<f32>(k[k0 + c]);
            s1 += queries * vec4<f32>(k[k1 + c]);
            s2 += queries * vec4<f32>(k[k2 + c]);
            s3 += queries * vec4<f32>(k[k3 + c]);
        }
        let lowest = vec4<f32>(LOWEST);
        let slot = four * KEYS + lane % 16u;
        scores[slot] = select(lowest, s0, visible(query, key));
        scores[slot + 16u] = select(lowest, s1, visible(query, key + 16u));
        scores[slot + 32u] = select(lowest, s2, visible(query, key + 32u));
        scores[slot + 48u] = select(lowest, s3, visible(query, key + 48u));
        workgroupBarrier();

        if lane < QUERIES {
            let row = lane / 4u * KEYS;
            let of_four = lane % 4u;
            var next = highest;
            for (var i = 0u; i < KEYS; i++) { next = max(next, scores[row + i][of_four]); }
            let correction = exp(highest - next);
            total *= correction;
            for (var i = 0u; i < KEYS; i++) {
                let score = scores[row + i][of_four];
                // A key that may not be seen weighs nothing, even where none has been seen yet.
                let p = select(exp(score - next), 0.0, score == LOWEST);
                scores[row + i][of_four] = p;
                total += p;
            }
            highest = next;
            corrections[lane] = correction;
            sums[lane] = total;
        }
        workgroupBarrier();

        for (var j = 0u; j < OWNED; j++) {
            let i = j * LANES + lane;
            if i < QUERIES / 4u * D4 {
                let quad = i / D4;
                var o0 = output[4u * j] * corrections[4u * quad];
                var o1 = output[4u * j + 1u] * corrections[4u * quad + 1u];
                var o2 = output[4u * j + 2u] * corrections[4u * quad + 2u];
                var o3 = output[4u * j + 3u] * corrections[4u * quad + 3u];
                var v_at = v_start + block * kv_row4 + i % D4;
                for (var n = 0u; n < min(KEYS, params.keys - block); n++) {
                    let p = scores[quad * KEYS + n];
                    let value = vec4<f32>(v[v_at]);
                    o0 += p.x * value;
                    o1 += p.y * value;
                    o2 += p.z * value;
                    o3 += p.w * value;
                    v_at += kv_row4;
                }
                output[4u * j] = o0;
                output[4u * j + 1u] = o1;
                output[4u * j + 2u] = o2;
                output[4u * j + 3u] = o3;
            }
        }
        workgroupBarrier();
    }

    for (var j = 0u; j < OWNED; j++) {
        let i = j * LANES + lane;
        for (var n = 0u; n < 4u; n++) {
            let nth = i / D4 * 4u + n;
            if i < QUERIES / 4u * D4 && first + nth < params.queries {
                let row = at.z * params.all_queries + first + nth;
                y[row * params.heads * D4 + head + i % D4] = Elem4(output[4u * j + n] / sums[nth]);
            }
        }
    }
}
