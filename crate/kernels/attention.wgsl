// Attention with an online softmax: softmax(q·kᵀ / √d) · v, for each head. Scores are never stored.
//
// One workgroup takes QUERIES queries of one head of one picture and walks along the keys, KEYS at
// a time:
//
//     s = q·k                          the block's scores, in registers
//     m' = max(m, max s)               running maximum
//     p = exp(s − m')                  to workgroup memory
//     l = l · exp(m − m') + Σ p        running sum
//     o = o · exp(m − m') + p·v        running output, in registers
//
// and stores o / l at the end. (Milakov and Gimelshein 2018; Dao et al. 2022.)
//
// Queries go by four: an invocation computes 4 × 4 scores from 4 + 4 loads, and four channels of
// four queries from one load of v and one of p. Neighbouring invocations take keys that lie far
// apart in memory, so keys come by way of workgroup memory, CHUNK4 vectors of channels at a time,
// and so do the queries. Of v they take neighbouring channels: straight from the cache (STAGED_KEYS
// is 0), or, where barriers cost little, by way of workgroup memory, so many keys at a time.
// q is scaled by 1/√d before the product, so that scores of f16 values stay small.

const LANES: u32 = 64u;
const QUERIES: u32 = 4u * QUADS;
// Invocations that share four queries, and the keys of a block.
const KEY_LANES: u32 = LANES / QUADS;
const KEYS: u32 = 4u * KEY_LANES;
const CHUNKS: u32 = D4 / CHUNK4;
// Odd, so that neighbouring keys begin in different banks of workgroup memory.
const KEY_STRIDE: u32 = CHUNK4 | 1u;
// Vectors of four queries × four channels that an invocation sums.
const OWNED: u32 = (QUADS * D4 + LANES - 1u) / LANES;
// Keys whose values are read between two barriers.
const VALUE_KEYS: u32 = select(KEYS, STAGED_KEYS, STAGED_KEYS > 0u);

// A channel of four queries is a vector: [quad][channels / 4][of four channels].
var<workgroup> some_queries: array<vec4<f32>, QUADS * CHUNK4 * 4u>;
// Or values: [key][channels / 4].
var<workgroup> some_keys: array<vec4<f32>, KEYS * KEY_STRIDE>;
// p, [quad][key].
var<workgroup> weights: array<vec4<f32>, QUADS * KEYS>;
// Of each invocation: its largest scores, at the end its sums.
var<workgroup> partial: array<vec4<f32>, LANES>;
// exp(m − m') of each quad.
var<workgroup> corrections: array<vec4<f32>, QUADS>;

// A vector of channels of a query; one past the end repeats the last.
fn query4(start: u32, query: u32, c: u32) -> vec4<f32> {
    let at = start + min(query, params.queries - 1u) * params.q_row4 + c;
    return vec4<f32>(q[at]) * params.scale;
}

fn stage_queries(lane: u32, start: u32, first: u32, chunk: u32) {
    for (var i = lane; i < QUADS * CHUNK4; i += LANES) {
        let query = first + i / CHUNK4 * 4u;
        let c = chunk * CHUNK4 + i % CHUNK4;
        let rows = transpose(mat4x4<f32>(
            query4(start, query, c), query4(start, query + 1u, c),
            query4(start, query + 2u, c), query4(start, query + 3u, c)));
        some_queries[4u * i] = rows[0];
        some_queries[4u * i + 1u] = rows[1];
        some_queries[4u * i + 2u] = rows[2];
        some_queries[4u * i + 3u] = rows[3];
    }
}

fn stage_keys(lane: u32, start: u32, block: u32, chunk: u32) {
    for (var i = lane; i < KEYS * CHUNK4; i += LANES) {
        let key = min(block + i / CHUNK4, params.keys - 1u);
        let c = i % CHUNK4;
        some_keys[i / CHUNK4 * KEY_STRIDE + c] =
            vec4<f32>(k[start + key * params.kv_row4 + chunk * CHUNK4 + c]);
    }
}

fn stage_values(lane: u32, start: u32, first: u32) {
    for (var i = lane; i < VALUE_KEYS * D4; i += LANES) {
        let key = min(first + i / D4, params.keys - 1u);
        some_keys[i] = vec4<f32>(v[start + key * params.kv_row4 + i % D4]);
    }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) at: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let head = at.y * D4;
    let first = params.first_query + at.x * QUERIES;
    let q_start = at.z * params.all_queries * params.q_row4 + params.q_first4 + head;
    let kv_start = (at.z / params.sharing) * params.keys * params.kv_row4 + head;
    let k_start = kv_start + params.k_first4;
    let v_start = kv_start + params.v_first4;

    // This invocation's scores: four queries by four keys of a block, KEY_LANES apart.
    let quad = lane / KEY_LANES;
    let query = first + 4u * quad;
    let key_lane = lane % KEY_LANES;
    let key0 = key_lane * KEY_STRIDE;

    // One vector of four channels for each of four queries, for each owned item.
    var output: array<vec4<f32>, 4u * OWNED>;
    for (var j = 0u; j < 4u * OWNED; j++) { output[j] = vec4<f32>(); }
    // Of the four queries; the sum is of this invocation's keys only.
    var highest = vec4<f32>(LOWEST);
    var total = vec4<f32>();
    if CHUNKS == 1u { stage_queries(lane, q_start, first, 0u); }

    for (var block = 0u; block < params.keys; block += KEYS) {
        var s0 = vec4<f32>(); var s1 = vec4<f32>(); var s2 = vec4<f32>(); var s3 = vec4<f32>();
        for (var chunk = 0u; chunk < CHUNKS; chunk++) {
            if CHUNKS > 1u { stage_queries(lane, q_start, first, chunk); }
            stage_keys(lane, k_start, block, chunk);
            workgroupBarrier();
            for (var c = 0u; c < CHUNK4; c++) {
                // One product gives a key's dot products with four queries.
                let i = 4u * (quad * CHUNK4 + c);
                let queries = mat4x4<f32>(some_queries[i], some_queries[i + 1u],
                    some_queries[i + 2u], some_queries[i + 3u]);
                s0 += queries * some_keys[key0 + c];
                s1 += queries * some_keys[key0 + KEY_LANES * KEY_STRIDE + c];
                s2 += queries * some_keys[key0 + 2u * KEY_LANES * KEY_STRIDE + c];
                s3 += queries * some_keys[key0 + 3u * KEY_LANES * KEY_STRIDE + c];
            }
            workgroupBarrier();
        }
        let key = block + key_lane;
        s0 = masked(s0, query, key); s1 = masked(s1, query, key + KEY_LANES);
        s2 = masked(s2, query, key + 2u * KEY_LANES); s3 = masked(s3, query, key + 3u * KEY_LANES);
        partial[lane] = max(max(s0, s1), max(s2, s3));
        workgroupBarrier();

        var next = highest;
        for (var i = 0u; i < KEY_LANES; i++) { next = max(next, partial[quad * KEY_LANES + i]); }
        let correction = exp(highest - next);
        highest = next;
        s0 = weight(s0, next); s1 = weight(s1, next);
        s2 = weight(s2, next); s3 = weight(s3, next);
        total = total * correction + s0 + s1 + s2 + s3;
        let slot = quad * KEYS + key_lane;
        weights[slot] = s0; weights[slot + KEY_LANES] = s1;
        weights[slot + 2u * KEY_LANES] = s2; weights[slot + 3u * KEY_LANES] = s3;
        if key_lane == 0u { corrections[quad] = correction; }
        workgroupBarrier();

        let end = min(KEYS, params.keys - block);
        for (var part = 0u; part < end; part += VALUE_KEYS) {
            if STAGED_KEYS > 0u {
                if part > 0u { workgroupBarrier(); }
                stage_values(lane, v_start, block + part);
                workgroupBarrier();
            }
            for (var j = 0u; j < OWNED; j++) {
                let i = j * LANES + lane;
                if i < QUADS * D4 {
                    let owner = i / D4;
                    let old = select(vec4<f32>(1.0), corrections[owner], part == 0u);
                    var o0 = output[4u * j] * old.x;
                    var o1 = output[4u * j + 1u] * old.y;
                    var o2 = output[4u * j + 2u] * old.z;
                    var o3 = output[4u * j + 3u] * old.w;
                    var v_at = v_start + (block + part) * params.kv_row4 + i % D4;
                    for (var n = part; n < min(part + VALUE_KEYS, end); n++) {
                        let p = weights[owner * KEYS + n];
                        var value: vec4<f32>;
                        if STAGED_KEYS > 0u { value = some_keys[(n - part) * D4 + i % D4]; }
                        else { value = vec4<f32>(v[v_at]); }
                        o0 += p.x * value; o1 += p.y * value;
                        o2 += p.z * value; o3 += p.w * value;
                        v_at += params.kv_row4;
                    }
                    output[4u * j] = o0; output[4u * j + 1u] = o1;
                    output[4u * j + 2u] = o2; output[4u * j + 3u] = o3;
                }
            }
        }
        if STAGED_KEYS > 0u { workgroupBarrier(); }
    }

    partial[lane] = total;
    workgroupBarrier();
    for (var j = 0u; j < OWNED; j++) {
        let i = j * LANES + lane;
        let owner = i / D4;
        if i < QUADS * D4 {
            var sum = vec4<f32>();
            for (var n = 0u; n < KEY_LANES; n++) { sum += partial[owner * KEY_LANES + n]; }
            for (var n = 0u; n < 4u; n++) {
                let nth = first + 4u * owner + n;
                let row = (at.z * params.all_queries + nth) * params.heads * D4 + head;
                if nth < params.queries { y[row + i % D4] = Elem4(output[4u * j + n] / sum[n]); }
            }
        }
    }
}
