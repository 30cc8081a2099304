// Attention with an online softmax, without shared memory: for software adapters, whose barriers
// cost more than what they save.
//
// An invocation takes four queries of one head and a slice of at most five vectors of the output's
// channels. It walks along the keys, four at a time, as `attention` does; where a head has several
// slices, the scores are made once for each. Bindings, parameters: `shared/attention`.

const LANES: u32 = 8u;
const SLICES: u32 = D4 / SLICE4;

// A vector of channels of four queries, row by query: one product gives a key's dot products with
// all four.
fn queries4(q0: u32, q1: u32, q2: u32, q3: u32) -> mat4x4<f32> {
    return transpose(params.scale * mat4x4<f32>(
        vec4<f32>(q[q0]), vec4<f32>(q[q1]), vec4<f32>(q[q2]), vec4<f32>(q[q3])));
}

// A vector of channels of four keys, as columns.
fn values(start: u32, r0: u32, r1: u32, r2: u32, r3: u32) -> mat4x4<f32> {
    return mat4x4<f32>(
        vec4<f32>(v[start + r0]), vec4<f32>(v[start + r1]),
        vec4<f32>(v[start + r2]), vec4<f32>(v[start + r3]));
}

fn store(row: u32, query: u32, at: u32, value: vec4<f32>) {
    if query < params.queries { y[(row + query) * params.heads * D4 + at] = Elem4(value); }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) at: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let number = at.x * LANES + lane;
    let query = params.first_query + number / SLICES * 4u;
    if query >= params.queries { return; }
    let slice = number % SLICES * SLICE4;
    let head = at.y * D4;
    let kv_row4 = params.kv_row4;
    let q_start = at.z * params.all_queries * params.q_row4 + params.q_first4 + head;
    let kv_start = (at.z / params.sharing) * params.keys * kv_row4 + head;
    let k_start = kv_start + params.k_first4;
    let v_start = kv_start + params.v_first4 + slice;
    let last = params.queries - 1u;
    let q0 = q_start + query * params.q_row4;
    let q1 = q_start + min(query + 1u, last) * params.q_row4;
    let q2 = q_start + min(query + 2u, last) * params.q_row4;
    let q3 = q_start + min(query + 3u, last) * params.q_row4;

    var queries: array<mat4x4<f32>, D4>;
    for (var c = 0u; c < D4; c++) { queries[c] = queries4(q0 + c, q1 + c, q2 + c, q3 + c); }

    // One vector of channels of each of the four queries a line.
    var a0 = vec4<f32>(); var b0 = vec4<f32>(); var c0 = vec4<f32>(); var d0 = vec4<f32>();
    var a1 = vec4<f32>(); var b1 = vec4<f32>(); var c1 = vec4<f32>(); var d1 = vec4<f32>();
    var a2 = vec4<f32>(); var b2 = vec4<f32>(); var c2 = vec4<f32>(); var d2 = vec4<f32>();
    var a3 = vec4<f32>(); var b3 = vec4<f32>(); var c3 = vec4<f32>(); var d3 = vec4<f32>();
    var a4 = vec4<f32>(); var b4 = vec4<f32>(); var c4 = vec4<f32>(); var d4 = vec4<f32>();
    var highest = vec4<f32>(LOWEST);
    var total = vec4<f32>();
    let last_key = params.keys - 1u;
    for (var key = 0u; key < params.keys; key += 4u) {
        let r0 = key * kv_row4;
        let r1 = min(key + 1u, last_key) * kv_row4;
        let r2 = min(key + 2u, last_key) * kv_row4;
        let r3 = min(key + 3u, last_key) * kv_row4;
        var s0 = vec4<f32>(); var s1 = vec4<f32>(); var s2 = vec4<f32>(); var s3 = vec4<f32>();
        for (var c = 0u; c < D4; c++) {
            let of_queries = queries[c];
            let from_key = k_start + c;
            s0 += of_queries * vec4<f32>(k[from_key + r0]);
            s1 += of_queries * vec4<f32>(k[from_key + r1]);
            s2 += of_queries * vec4<f32>(k[from_key + r2]);
            s3 += of_queries * vec4<f32>(k[from_key + r3]);
        }
        s0 = masked(s0, query, key); s1 = masked(s1, query, key + 1u);
        s2 = masked(s2, query, key + 2u); s3 = masked(s3, query, key + 3u);
        let next = max(max(max(s0, s1), max(s2, s3)), highest);
        let correction = exp(highest - next);
        highest = next;
        s0 = weight(s0, next); s1 = weight(s1, next);
        s2 = weight(s2, next); s3 = weight(s3, next);
        total = total * correction + s0 + s1 + s2 + s3;
        // Column by query: a query's weights of the four keys.
        let p = transpose(mat4x4<f32>(s0, s1, s2, s3));
        let v0 = values(v_start, r0, r1, r2, r3);
        a0 = a0 * correction.x + v0 * p[0];
        b0 = b0 * correction.y + v0 * p[1];
        c0 = c0 * correction.z + v0 * p[2];
        d0 = d0 * correction.w + v0 * p[3];
        if SLICE4 > 1u {
            let v1 = values(v_start + 1u, r0, r1, r2, r3);
            a1 = a1 * correction.x + v1 * p[0];
            b1 = b1 * correction.y + v1 * p[1];
            c1 = c1 * correction.z + v1 * p[2];
            d1 = d1 * correction.w + v1 * p[3];
        }
        if SLICE4 > 2u {
            let v2 = values(v_start + 2u, r0, r1, r2, r3);
            a2 = a2 * correction.x + v2 * p[0];
            b2 = b2 * correction.y + v2 * p[1];
            c2 = c2 * correction.z + v2 * p[2];
            d2 = d2 * correction.w + v2 * p[3];
        }
        if SLICE4 > 3u {
            let v3 = values(v_start + 3u, r0, r1, r2, r3);
            a3 = a3 * correction.x + v3 * p[0];
            b3 = b3 * correction.y + v3 * p[1];
            c3 = c3 * correction.z + v3 * p[2];
            d3 = d3 * correction.w + v3 * p[3];
        }
        if SLICE4 > 4u {
            let v4 = values(v_start + 4u, r0, r1, r2, r3);
            a4 = a4 * correction.x + v4 * p[0];
            b4 = b4 * correction.y + v4 * p[1];
            c4 = c4 * correction.z + v4 * p[2];
            d4 = d4 * correction.w + v4 * p[3];
        }
    }

    let row = at.z * params.all_queries;
    let to = head + slice;
    let parts = 1.0 / total;
    store(row, query, to, a0 * parts.x);
    store(row, query + 1u, to, b0 * parts.y);
    store(row, query + 2u, to, c0 * parts.z);
    store(row, query + 3u, to, d0 * parts.w);
    if SLICE4 > 1u {
        store(row, query, to + 1u, a1 * parts.x);
        store(row, query + 1u, to + 1u, b1 * parts.y);
        store(row, query + 2u, to + 1u, c1 * parts.z);
        store(row, query + 3u, to + 1u, d1 * parts.w);
    }
    if SLICE4 > 2u {
        store(row, query, to + 2u, a2 * parts.x);
        store(row, query + 1u, to + 2u, b2 * parts.y);
        store(row, query + 2u, to + 2u, c2 * parts.z);
        store(row, query + 3u, to + 2u, d2 * parts.w);
    }
    if SLICE4 > 3u {
        store(row, query, to + 3u, a3 * parts.x);
        store(row, query + 1u, to + 3u, b3 * parts.y);
        store(row, query + 2u, to + 3u, c3 * parts.z);
        store(row, query + 3u, to + 3u, d3 * parts.w);
    }
    if SLICE4 > 4u {
        store(row, query, to + 4u, a4 * parts.x);
        store(row, query + 1u, to + 4u, b4 * parts.y);
        store(row, query + 2u, to + 4u, c4 * parts.z);
        store(row, query + 3u, to + 4u, d4 * parts.w);
    }
}
