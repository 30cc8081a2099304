// Attention with an online softmax, everything that is multiplied in workgroup memory: for graphics
// cards, and heads of an even number of vectors.
//
//     s = q·k · log₂e / √d             the block's scores, in registers
//     m' = max(m, max s)               running maximum
//     p = 2^(s − m')                   to workgroup memory
//     l = l · 2^(m − m') + Σ p         running sum
//     o = o · 2^(m − m') + p·v         running output, in registers
//
// and o / l is stored at the end. (Milakov and Gimelshein 2018; Dao et al. 2022.)
//
// One workgroup takes QUERIES queries of one head of one picture and walks along the keys, KEYS at
// a time: as many as keep all invocations at work in both products. Of the first an invocation
// computes four queries by four keys, of the second four queries by two vectors of channels; in
// both, what neighbouring invocations read lies side by side or is the same.
//
// Barriers of a block: k is there; all have read it, and the maxima of all scores are there; p and
// v, in k's place, are there; all have read them. What a query's outputs are depends on no other
// query, so they are the same in whatever dispatch it comes. Bindings, parameters:
// `shared/attention`.

// Invocations that share four queries: each has two vectors of channels, and four keys of a block.
const SHARING: u32 = D4 / 2u;
const KEYS: u32 = 4u * SHARING;
const LANES: u32 = QUERIES / 4u * SHARING;
// Between the four queries of an invocation.
const STEP: u32 = QUERIES / 4u;
// If a row were a multiple of eight vectors, all rows would begin in the same bank of memory.
const QUERY_ROW: u32 = D4 + u32(D4 % 8u == 0u);
const WEIGHT_ROW: u32 = SHARING + u32(SHARING % 8u == 0u);

const LOG2_E: f32 = 1.4426950408889634;

// q, scaled: [query][channels / 4].
var<workgroup> some_queries: array<vec4<f32>, QUERIES * QUERY_ROW>;
// First k, [channel][keys / 4], then v, [key][channels / 4].
var<workgroup> some_kv: array<vec4<f32>, KEYS * D4>;
// p, [query][keys / 4].
var<workgroup> weights: array<vec4<f32>, QUERIES * WEIGHT_ROW>;
// Of each invocation's four queries: the largest scores, at the end the sums.
var<workgroup> partial: array<vec4<f32>, LANES>;
// Of each query: 2^(m − m'), at the end 1 / l.
var<workgroup> factors: array<f32, QUERIES>;

// What is staged is staged in a constant number of turns, so that all loads can be sent at once. A
// query or key past the end repeats the last.

fn stage_queries(lane: u32, start: u32, first: u32) {
    for (var turn = 0u; turn < (QUERIES * D4 + LANES - 1u) / LANES; turn++) {
        let i = turn * LANES + lane;
        if i < QUERIES * D4 {
            let query = min(first + i / D4, params.queries - 1u);
            some_queries[i / D4 * QUERY_ROW + i % D4] =
                vec4<f32>(q[start + query * params.q_row4 + i % D4]) * (params.scale * LOG2_E);
        }
    }
}

// A vector of channels of a key.
fn key4(start: u32, key: u32) -> vec4<f32> {
    return vec4<f32>(k[start + min(key, params.keys - 1u) * params.kv_row4]);
}

fn stage_keys(lane: u32, start: u32, block: u32) {
    for (var turn = 0u; turn < (SHARING * D4 + LANES - 1u) / LANES; turn++) {
        let i = turn * LANES + lane;
        if i < SHARING * D4 {
            let c = start + i % D4;
            let key = block + i / D4 * 4u;
            let channels = transpose(mat4x4<f32>(
                key4(c, key), key4(c, key + 1u), key4(c, key + 2u), key4(c, key + 3u)));
            let to = i % D4 * KEYS + i / D4;
            some_kv[to] = channels[0];
            some_kv[to + SHARING] = channels[1];
            some_kv[to + 2u * SHARING] = channels[2];
            some_kv[to + 3u * SHARING] = channels[3];
        }
    }
}

fn stage_values(lane: u32, start: u32, block: u32) {
    for (var turn = 0u; turn < (KEYS * D4 + LANES - 1u) / LANES; turn++) {
        let i = turn * LANES + lane;
        if i < KEYS * D4 {
            let key = min(block + i / D4, params.keys - 1u);
            some_kv[i] = vec4<f32>(v[start + key * params.kv_row4 + i % D4]);
        }
    }
}

// Four multiplications and additions of vectors, which a driver can fuse one by one.
fn add(sum: vec4<f32>, by: vec4<f32>, x: vec4<f32>, y: vec4<f32>, z: vec4<f32>, w: vec4<f32>)
    -> vec4<f32> {
    return sum + by.x * x + by.y * y + by.z * z + by.w * w;
}

// A query's scores of four keys, from `key` on; LOWEST for those that it may not see. The first
// block has a key for every query, so that the largest is a score from there on.
fn seen(scores: vec4<f32>, query: u32, key: u32) -> vec4<f32> {
    let keys = vec4<u32>(key) + vec4<u32>(0u, 1u, 2u, 3u);
    var visible = keys < vec4<u32>(params.keys);
    if CAUSAL { visible &= keys <= vec4<u32>(query); }
    return select(vec4<f32>(LOWEST), scores, visible);
}

fn largest(x: vec4<f32>) -> f32 { return max(max(x.x, x.y), max(x.z, x.w)); }

fn sum(x: vec4<f32>) -> f32 { return dot(x, vec4<f32>(1.0)); }

// Of an invocation's four queries.
fn put_factors(query: u32, four: vec4<f32>) {
    factors[query] = four.x;
    factors[query + STEP] = four.y;
    factors[query + 2u * STEP] = four.z;
    factors[query + 3u * STEP] = four.w;
}

fn get_factors(query: u32) -> vec4<f32> {
    return vec4<f32>(factors[query], factors[query + STEP],
        factors[query + 2u * STEP], factors[query + 3u * STEP]);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) at: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let head = at.y * D4;
    let first = params.first_query + at.x * QUERIES;
    let q_start = at.z * params.all_queries * params.q_row4 + params.q_first4 + head;
    let kv_start = (at.z / params.sharing) * params.keys * params.kv_row4 + head;
    let k_start = kv_start + params.k_first4;
    let v_start = kv_start + params.v_first4;

    // This invocation's queries: from this one on, STEP apart. And its part of what is shared.
    let query = lane / SHARING;
    let nth = first + query;
    let part = lane % SHARING;
    let query0 = query * QUERY_ROW;
    let query1 = query0 + STEP * QUERY_ROW;
    let query2 = query1 + STEP * QUERY_ROW;
    let query3 = query2 + STEP * QUERY_ROW;
    let weight0 = query * WEIGHT_ROW;
    let weight1 = weight0 + STEP * WEIGHT_ROW;
    let weight2 = weight1 + STEP * WEIGHT_ROW;
    let weight3 = weight2 + STEP * WEIGHT_ROW;

    // The outputs of a query, channels `part` and `part + SHARING`, a line.
    var a0 = vec4<f32>(); var a1 = vec4<f32>();
    var b0 = vec4<f32>(); var b1 = vec4<f32>();
    var c0 = vec4<f32>(); var c1 = vec4<f32>();
    var d0 = vec4<f32>(); var d1 = vec4<f32>();
    // Of the four queries; the sums are of this invocation's keys only.
    var highest = vec4<f32>(LOWEST);
    var total = vec4<f32>();
    stage_queries(lane, q_start, first);

    for (var block = 0u; block < params.keys; block += KEYS) {
        stage_keys(lane, k_start, block);
        workgroupBarrier();
        var s0 = vec4<f32>(); var s1 = vec4<f32>(); var s2 = vec4<f32>(); var s3 = vec4<f32>();
        for (var c = 0u; c < D4; c++) {
            let i = c * KEYS + part;
            let x = some_kv[i];
            let y = some_kv[i + SHARING];
            let z = some_kv[i + 2u * SHARING];
            let w = some_kv[i + 3u * SHARING];
            s0 = add(s0, some_queries[query0 + c], x, y, z, w);
            s1 = add(s1, some_queries[query1 + c], x, y, z, w);
            s2 = add(s2, some_queries[query2 + c], x, y, z, w);
            s3 = add(s3, some_queries[query3 + c], x, y, z, w);
        }
        if CAUSAL || block + KEYS > params.keys {
            let key = block + 4u * part;
            s0 = seen(s0, nth, key);
            s1 = seen(s1, nth + STEP, key);
            s2 = seen(s2, nth + 2u * STEP, key);
            s3 = seen(s3, nth + 3u * STEP, key);
        }
        partial[lane] = vec4<f32>(largest(s0), largest(s1), largest(s2), largest(s3));
        workgroupBarrier();

        var next = highest;
        for (var i = 0u; i < SHARING; i++) { next = max(next, partial[query * SHARING + i]); }
        let correction = exp2(highest - next);
        highest = next;
        s0 = exp2(s0 - next.x); s1 = exp2(s1 - next.y);
        s2 = exp2(s2 - next.z); s3 = exp2(s3 - next.w);
        total = total * correction + vec4<f32>(sum(s0), sum(s1), sum(s2), sum(s3));
        weights[weight0 + part] = s0; weights[weight1 + part] = s1;
        weights[weight2 + part] = s2; weights[weight3 + part] = s3;
        if part == 0u { put_factors(query, correction); }
        stage_values(lane, v_start, block);
        workgroupBarrier();

        let old = get_factors(query);
        a0 *= old.x; b0 *= old.y; c0 *= old.z; d0 *= old.w;
        a1 *= old.x; b1 *= old.y; c1 *= old.z; d1 *= old.w;
        for (var n = 0u; n < SHARING; n++) {
            let pa = weights[weight0 + n]; let pb = weights[weight1 + n];
            let pc = weights[weight2 + n]; let pd = weights[weight3 + n];
            let i = 4u * n * D4 + part;
            let x0 = some_kv[i]; let x1 = some_kv[i + SHARING];
            let y0 = some_kv[i + D4]; let y1 = some_kv[i + D4 + SHARING];
            let z0 = some_kv[i + 2u * D4]; let z1 = some_kv[i + 2u * D4 + SHARING];
            let w0 = some_kv[i + 3u * D4]; let w1 = some_kv[i + 3u * D4 + SHARING];
            a0 = add(a0, pa, x0, y0, z0, w0); a1 = add(a1, pa, x1, y1, z1, w1);
            b0 = add(b0, pb, x0, y0, z0, w0); b1 = add(b1, pb, x1, y1, z1, w1);
            c0 = add(c0, pc, x0, y0, z0, w0); c1 = add(c1, pc, x1, y1, z1, w1);
            d0 = add(d0, pd, x0, y0, z0, w0); d1 = add(d1, pd, x1, y1, z1, w1);
        }
        workgroupBarrier();
    }

    partial[lane] = total;
    workgroupBarrier();
    if part == 0u {
        var all = vec4<f32>();
        for (var i = 0u; i < SHARING; i++) { all += partial[lane + i]; }
        put_factors(query, 1.0 / all);
    }
    workgroupBarrier();
    let shares = get_factors(query);
    let row = at.z * params.all_queries + nth;
    let row4 = params.heads * D4;
    let to = row * row4 + head + part;
    if nth < params.queries { store(to, a0 * shares.x, a1 * shares.x); }
    if nth + STEP < params.queries { store(to + STEP * row4, b0 * shares.y, b1 * shares.y); }
    if nth + 2u * STEP < params.queries {
        store(to + 2u * STEP * row4, c0 * shares.z, c1 * shares.z);
    }
    if nth + 3u * STEP < params.queries {
        store(to + 3u * STEP * row4, d0 * shares.w, d1 * shares.w);
    }
}

fn store(to: u32, first: vec4<f32>, second: vec4<f32>) {
    y[to] = Elem4(first);
    y[to + SHARING] = Elem4(second);
}
