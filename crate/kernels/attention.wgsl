// Attention with an online softmax: softmax(q·kᵀ / √d) · v, for each head. Scores are never stored.
//
// One workgroup takes 8 queries of one head of one picture and walks along the keys, 32 at a time:
//
//     s = q·k                          the block's 8 × 32 scores, in workgroup memory
//     m' = max(m, max s)               running maximum
//     p = exp(s − m')                  in place of s
//     l = l · exp(m − m') + Σ p        running sum
//     o = o · exp(m − m') + p·v        running output, in registers: four channels at a time
//
// and stores o / l at the end. (Milakov and Gimelshein 2018; Dao et al. 2022.) q is scaled by 1/√d
// before the product, so that scores of f16 values stay small.

struct Params {
    queries: u32,
    keys: u32,
    heads: u32,
    first_query: u32,  // of this dispatch
    kv_pictures: u32,  // k and v repeat with this period
    scale: f32,        // 1/√d
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: array<Elem4>;            // [b, queries, heads, D4]
@group(0) @binding(2) var<storage, read> k: array<Elem4>;            // [kv_pictures, keys, heads, D4]
@group(0) @binding(3) var<storage, read> v: array<Elem4>;            // [kv_pictures, keys, heads, D4]
@group(0) @binding(4) var<storage, read_write> y: array<Elem4>;      // as q

const QUERIES: u32 = 8u;
const KEYS: u32 = 32u;
const OWNED: u32 = (QUERIES * D4 + LANES - 1u) / LANES;
// Finite, because a driver may assume that there are no infinities.
const LOWEST: f32 = -3.0e38;

var<workgroup> scores: array<f32, QUERIES * KEYS>;
var<workgroup> corrections: array<f32, QUERIES>;
var<workgroup> sums: array<f32, QUERIES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) at: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let row4 = params.heads * D4;
    let head = at.y * D4;
    let first = params.first_query + at.x * QUERIES;
    let q_start = at.z * params.queries * row4 + head;
    let kv_start = (at.z % params.kv_pictures) * params.keys * row4 + head;

    var output: array<vec4<f32>, OWNED>;
    for (var j = 0u; j < OWNED; j++) { output[j] = vec4<f32>(); }
    // Of query `lane`, kept by the first QUERIES invocations.
    var highest = LOWEST;
    var total = 0.0;

    for (var block = 0u; block < params.keys; block += KEYS) {
        for (var i = lane; i < QUERIES * KEYS; i += LANES) {
            let query = first + i / KEYS;
            let key = block + i % KEYS;
            var score = LOWEST;
            if key < params.keys && query < params.queries && !(CAUSAL && key > query) {
                let q_row = q_start + query * row4;
                let k_row = kv_start + key * row4;
                var sum = vec4<f32>();
                for (var c = 0u; c < D4; c++) {
                    sum += vec4<f32>(q[q_row + c]) * params.scale * vec4<f32>(k[k_row + c]);
                }
                score = dot(sum, vec4<f32>(1.0));
            }
            scores[i] = score;
        }
        workgroupBarrier();

        if lane < QUERIES {
            var next = highest;
            for (var i = 0u; i < KEYS; i++) { next = max(next, scores[lane * KEYS + i]); }
            let correction = exp(highest - next);
            total *= correction;
            for (var i = 0u; i < KEYS; i++) {
                let score = scores[lane * KEYS + i];
                // A key that may not be seen weighs nothing, even where no other has been seen yet.
                let p = select(exp(score - next), 0.0, score == LOWEST);
                scores[lane * KEYS + i] = p;
                total += p;
            }
            highest = next;
            corrections[lane] = correction;
            sums[lane] = total;
        }
        workgroupBarrier();

        for (var j = 0u; j < OWNED; j++) {
            let i = j * LANES + lane;
            if i < QUERIES * D4 {
                let query = i / D4;
                var sum = output[j] * corrections[query];
                var v_at = kv_start + block * row4 + i % D4;
                for (var key = 0u; key < min(KEYS, params.keys - block); key++) {
                    sum += scores[query * KEYS + key] * vec4<f32>(v[v_at]);
                    v_at += row4;
                }
                output[j] = sum;
            }
        }
        workgroupBarrier();
    }

    for (var j = 0u; j < OWNED; j++) {
        let i = j * LANES + lane;
        let query = first + i / D4;
        if i < QUERIES * D4 && query < params.queries {
            y[q_start + query * row4 + i % D4] = Elem4(output[j] / sums[i / D4]);
        }
    }
}
