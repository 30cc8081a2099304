// Attention with an online softmax on the matrix units of a graphics card (cooperative matrices):
// for heads of up to 80 channels.
//
//     s = q·k · log₂e / √d             on the matrix units
//     p = 2^(s − m)                    to workgroup memory
//     l = l + Σ p                      in f32
//     o = o + p·v                      on the matrix units
//
// and o / l is stored at the end. (Milakov and Gimelshein 2018; Dao et al. 2022.) m is not always
// the largest score: only when a score of the workgroup exceeds its query's m by more than 8, the m
// of each query becomes its largest score, and o and l are multiplied by 2^(m − m'). Only the units
// know which numbers of a matrix an invocation holds, so o goes to workgroup memory for that, and
// each invocation adds its query's outputs to what it keeps. When that happens changes how sums are
// rounded, so dispatches begin at multiples of LANES queries.
//
// A workgroup has SUBGROUPS subgroups of 32 invocations, each with 32 queries of one head of one
// picture, one query for each invocation; together they walk along the keys, 32 at a time. Units
// multiply f16 and add in f32: p is rounded to f16, as all inputs are, or SPLIT in two with them as
// in shared/tile_matrix. As there, only a few products are added by the units, which cut what they
// add towards zero, and their sums by f32 additions. Matrices have names, because arrays of them
// took twice the time on the card that this was measured on.
//
// Bindings, parameters: shared/attention.

alias Half4 = vec4<f16>;
alias Left = coop_mat16x16<f16, A>;
alias Right = coop_mat16x16<f16, B>;
alias Sums = coop_mat16x16<f32, C>;

const LANES: u32 = 32u * SUBGROUPS;
const KEYS: u32 = 32u;
// Matrices of 16 channels.
const PARTS: u32 = (D4 + 3u) / 4u;
// Vectors of a row in workgroup memory: of keys and values, of weights, of sums. Rows are a little
// longer than what they hold, so that they begin in different banks, and a card reads matrices from
// multiples of 16 bytes only. So is the size of each variable, which is all that places the next.
const PITCH: u32 = 4u * PARTS + 2u;
const ROW: u32 = select(10u, 18u, SPLIT);
const SUM_ROW: u32 = 5u;
// Where the lower halves are.
const LOWER: u32 = select(0u, KEYS * PITCH, SPLIT);
const LOWER_WEIGHTS: u32 = select(0u, 8u, SPLIT);

const LOG2_E: f32 = 1.4426950408889634;
// Weights are 2^8 at the most.
const SLACK: f32 = 8.0;

// [key][channels / 4], and their lower halves.
var<workgroup> some_keys: array<Half4, KEYS * PITCH + LOWER>;
var<workgroup> some_values: array<Half4, KEYS * PITCH + LOWER>;
// p, [query][keys / 4], and their lower halves; before, q.
var<workgroup> weights: array<Half4, LANES * ROW>;
// 16 numbers of each query, on their way from the units to its invocation.
var<workgroup> sums: array<vec4<f32>, LANES * SUM_ROW>;
// x: whether a score is too large for its query's m; whoever finds one writes the same.
var<workgroup> grows: vec4<u32>;

// Not a conversion there and back, which a compiler may take for nothing.
fn upper(x: vec4<f32>) -> vec4<f32> {
    return bitcast<vec4<f32>>(bitcast<vec4<u32>>(x) & vec4<u32>(0xffffe000u));
}

fn put_key(at: u32, x: vec4<f32>) {
    if SPLIT {
        some_keys[at] = Half4(upper(x));
        some_keys[at + LOWER] = Half4(x - upper(x));
    } else {
        some_keys[at] = Half4(x);
    }
}

fn put_value(at: u32, x: vec4<f32>) {
    if SPLIT {
        some_values[at] = Half4(upper(x));
        some_values[at + LOWER] = Half4(x - upper(x));
    } else {
        some_values[at] = Half4(x);
    }
}

fn put_weight(at: u32, x: vec4<f32>) {
    if SPLIT {
        weights[at] = Half4(upper(x));
        weights[at + LOWER_WEIGHTS] = Half4(x - upper(x));
    } else {
        weights[at] = Half4(x);
    }
}

// A block of keys and values; past the end, the last again. In a constant number of turns, so that
// all loads can be sent at once.
fn stage(lane: u32, k_start: u32, v_start: u32, block: u32) {
    for (var turn = 0u; turn < (KEYS * D4 + LANES - 1u) / LANES; turn++) {
        let i = turn * LANES + lane;
        if i < KEYS * D4 {
            let offset = min(block + i / D4, params.keys - 1u) * params.kv_row4 + i % D4;
            let to = i / D4 * PITCH + i % D4;
            put_key(to, vec4<f32>(k[k_start + offset]));
            put_value(to, vec4<f32>(v[v_start + offset]));
        }
    }
}

// Between a head's last channel and a multiple of 16 there are zeros.
fn pad(lane: u32) {
    for (var i = lane; i < select(KEYS, 2u * KEYS, SPLIT) * (PITCH - D4); i += LANES) {
        let to = i / (PITCH - D4) * PITCH + D4 + i % (PITCH - D4);
        some_keys[to] = Half4();
        some_values[to] = Half4();
    }
}

// Puts 16 channels of the invocation's query where its weights will be.
fn put_query(row: u32, start: u32, first: u32) {
    for (var c = first; c < first + 4u; c++) {
        var x = vec4<f32>();
        if c < D4 { x = vec4<f32>(q[start + c]); }
        put_weight(row + c - first, x);
    }
}

// Where in workgroup memory this invocation's row is, and rows 0 and 16 of its subgroup.
struct Rows { own: u32, first: u32, second: u32 }

fn rows_of(lane: u32, length: u32) -> Rows {
    let first = lane / 32u * 32u * length;
    return Rows(lane * length, first, first + 16u * length);
}

fn query(at: u32) -> Left { return coopLoadT<Left>(&weights[at], ROW); }
fn rest(at: u32) -> Left {
    if SPLIT { return coopLoadT<Left>(&weights[at + LOWER_WEIGHTS], ROW); }
    return Left();
}
fn keys(at: u32) -> Right { return coopLoad<Right>(&some_keys[at], PITCH); }
fn values(at: u32) -> Right { return coopLoadT<Right>(&some_values[at], PITCH); }

// sum + (x + x_rest) · (y + y_rest), without the product of both rests.
fn add(sum: Sums, x: Left, x_rest: Left, y: Right, y_rest: Right) -> Sums {
    let whole = coopMultiplyAdd(x, y, sum);
    if SPLIT { return coopMultiplyAdd(x, y_rest, coopMultiplyAdd(x_rest, y, whole)); }
    return whole;
}

// Everything below has two matrices, of rows 0 … 15 and 16 … 31 of the subgroup.

// 16 channels of their queries, with the lower halves.
fn queries(
    part: u32, at: Rows, start: u32,
    a: ptr<function, Left>, a_rest: ptr<function, Left>,
    b: ptr<function, Left>, b_rest: ptr<function, Left>,
) {
    put_query(at.own, start, 4u * part);
    workgroupBarrier();
    *a = query(at.first); *a_rest = rest(at.first);
    *b = query(at.second); *b_rest = rest(at.second);
    workgroupBarrier();
}

// Adds to the scores of both rows with keys 0 … 15 and 16 … 31 what 16 channels give.
fn score(
    part: u32, a: Left, a_rest: Left, b: Left, b_rest: Left,
    s00: ptr<function, Sums>, s01: ptr<function, Sums>,
    s10: ptr<function, Sums>, s11: ptr<function, Sums>,
) {
    let x = keys(4u * part);
    let x_rest = keys(4u * part + LOWER);
    *s00 = add(*s00, a, a_rest, x, x_rest);
    *s10 = add(*s10, b, b_rest, x, x_rest);
    let y = keys(4u * part + 16u * PITCH);
    let y_rest = keys(4u * part + 16u * PITCH + LOWER);
    *s01 = add(*s01, a, a_rest, y, y_rest);
    *s11 = add(*s11, b, b_rest, y, y_rest);
}

// Adds to 16 channels of both rows' outputs what 16 keys give.
fn attend(
    at: u32, a: Left, a_rest: Left, b: Left, b_rest: Left,
    oa: ptr<function, Sums>, ob: ptr<function, Sums>,
) {
    let x = values(at);
    let x_rest = values(at + LOWER);
    *oa = *oa + add(Sums(), a, a_rest, x, x_rest);
    *ob = *ob + add(Sums(), b, b_rest, x, x_rest);
}

// Hands the numbers of each row to its invocation.
fn hand_over(at: Rows, a: Sums, b: Sums) {
    coopStoreT(a, &sums[at.first], SUM_ROW);
    coopStoreT(b, &sums[at.second], SUM_ROW);
    workgroupBarrier();
}

// Adds 16 channels of the outputs to those that the invocations keep of them, times `by`.
fn keep(
    part: u32, by: f32, at: Rows, oa: ptr<function, Sums>, ob: ptr<function, Sums>,
    kept: ptr<function, array<vec4<f32>, 20>>,
) {
    hand_over(at, *oa, *ob);
    for (var c = 0u; c < 4u; c++) {
        (*kept)[4u * part + c] = ((*kept)[4u * part + c] + sums[at.own + c]) * by;
    }
    workgroupBarrier();
    *oa = Sums();
    *ob = Sums();
}

// A query's scores of four keys, from `key` on; LOWEST for those that it may not see.
fn seen(scores: vec4<f32>, nth: u32, key: u32) -> vec4<f32> {
    let all = vec4<u32>(key) + vec4<u32>(0u, 1u, 2u, 3u);
    var visible = all < vec4<u32>(params.keys);
    if CAUSAL { visible &= all <= vec4<u32>(nth); }
    return select(vec4<f32>(LOWEST), scores, visible);
}

// Their weights. A key that may not be seen weighs nothing, even if all others are −∞.
fn weigh(scores: vec4<f32>, highest: f32) -> vec4<f32> {
    return select(exp2(scores - highest), vec4<f32>(), scores == vec4<f32>(LOWEST));
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) at: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let head = at.y * D4;
    let nth = params.first_query + at.x * LANES + lane;
    let q_start = at.z * params.all_queries * params.q_row4 + params.q_first4 + head
        + min(nth, params.queries - 1u) * params.q_row4;
    let kv_start = (at.z / params.sharing) * params.keys * params.kv_row4 + head;
    let here = rows_of(lane, ROW);
    let there = rows_of(lane, SUM_ROW);
    // Not on the queries, which are exact in f16 as they are.
    let scale = params.scale * LOG2_E;

    var qa0 = Left(); var qa0_rest = Left(); var qb0 = Left(); var qb0_rest = Left();
    var qa1 = Left(); var qa1_rest = Left(); var qb1 = Left(); var qb1_rest = Left();
    var qa2 = Left(); var qa2_rest = Left(); var qb2 = Left(); var qb2_rest = Left();
    var qa3 = Left(); var qa3_rest = Left(); var qb3 = Left(); var qb3_rest = Left();
    var qa4 = Left(); var qa4_rest = Left(); var qb4 = Left(); var qb4_rest = Left();
    queries(0u, here, q_start, &qa0, &qa0_rest, &qb0, &qb0_rest);
    if PARTS > 1u { queries(1u, here, q_start, &qa1, &qa1_rest, &qb1, &qb1_rest); }
    if PARTS > 2u { queries(2u, here, q_start, &qa2, &qa2_rest, &qb2, &qb2_rest); }
    if PARTS > 3u { queries(3u, here, q_start, &qa3, &qa3_rest, &qb3, &qb3_rest); }
    if PARTS > 4u { queries(4u, here, q_start, &qa4, &qa4_rest, &qb4, &qb4_rest); }
    pad(lane);

    var oa0 = Sums(); var oa1 = Sums(); var oa2 = Sums(); var oa3 = Sums(); var oa4 = Sums();
    var ob0 = Sums(); var ob1 = Sums(); var ob2 = Sums(); var ob3 = Sums(); var ob4 = Sums();
    var kept = array<vec4<f32>, 20>();
    var highest = LOWEST;
    var total = 0.0;
    for (var block = 0u; block < params.keys; block += KEYS) {
        stage(lane, kv_start + params.k_first4, kv_start + params.v_first4, block);
        if lane == 0u { grows = vec4<u32>(); }
        workgroupBarrier();

        var s00 = Sums(); var s01 = Sums(); var s10 = Sums(); var s11 = Sums();
        score(0u, qa0, qa0_rest, qb0, qb0_rest, &s00, &s01, &s10, &s11);
        if PARTS > 1u { score(1u, qa1, qa1_rest, qb1, qb1_rest, &s00, &s01, &s10, &s11); }
        if PARTS > 2u { score(2u, qa2, qa2_rest, qb2, qb2_rest, &s00, &s01, &s10, &s11); }
        if PARTS > 3u { score(3u, qa3, qa3_rest, qb3, qb3_rest, &s00, &s01, &s10, &s11); }
        if PARTS > 4u { score(4u, qa4, qa4_rest, qb4, qb4_rest, &s00, &s01, &s10, &s11); }
        hand_over(there, s00, s10);
        var x0 = scale * sums[there.own]; var x1 = scale * sums[there.own + 1u];
        var x2 = scale * sums[there.own + 2u]; var x3 = scale * sums[there.own + 3u];
        workgroupBarrier();
        hand_over(there, s01, s11);
        var x4 = scale * sums[there.own]; var x5 = scale * sums[there.own + 1u];
        var x6 = scale * sums[there.own + 2u]; var x7 = scale * sums[there.own + 3u];
        if CAUSAL || block + KEYS > params.keys {
            x0 = seen(x0, nth, block); x1 = seen(x1, nth, block + 4u);
            x2 = seen(x2, nth, block + 8u); x3 = seen(x3, nth, block + 12u);
            x4 = seen(x4, nth, block + 16u); x5 = seen(x5, nth, block + 20u);
            x6 = seen(x6, nth, block + 24u); x7 = seen(x7, nth, block + 28u);
        }

        let most4 = max(max(max(x0, x1), max(x2, x3)), max(max(x4, x5), max(x6, x7)));
        let most = max(max(most4.x, most4.y), max(most4.z, most4.w));
        if most > highest + SLACK { grows.x = 1u; }
        // Matrices need all invocations at once, so all of the workgroup do it, or none.
        if workgroupUniformLoad(&grows).x != 0u {
            let by = exp2(highest - max(highest, most));
            highest = max(highest, most);
            total *= by;
            keep(0u, by, there, &oa0, &ob0, &kept);
            if PARTS > 1u { keep(1u, by, there, &oa1, &ob1, &kept); }
            if PARTS > 2u { keep(2u, by, there, &oa2, &ob2, &kept); }
            if PARTS > 3u { keep(3u, by, there, &oa3, &ob3, &kept); }
            if PARTS > 4u { keep(4u, by, there, &oa4, &ob4, &kept); }
        }
        x0 = weigh(x0, highest); x1 = weigh(x1, highest);
        x2 = weigh(x2, highest); x3 = weigh(x3, highest);
        x4 = weigh(x4, highest); x5 = weigh(x5, highest);
        x6 = weigh(x6, highest); x7 = weigh(x7, highest);
        total += dot(((x0 + x1) + (x2 + x3)) + ((x4 + x5) + (x6 + x7)), vec4<f32>(1.0));
        put_weight(here.own, x0); put_weight(here.own + 1u, x1);
        put_weight(here.own + 2u, x2); put_weight(here.own + 3u, x3);
        put_weight(here.own + 4u, x4); put_weight(here.own + 5u, x5);
        put_weight(here.own + 6u, x6); put_weight(here.own + 7u, x7);
        workgroupBarrier();

        for (var n = 0u; n < 2u; n++) {
            let a = query(here.first + 4u * n); let a_rest = rest(here.first + 4u * n);
            let b = query(here.second + 4u * n); let b_rest = rest(here.second + 4u * n);
            let w = n * 16u * PITCH;
            attend(w, a, a_rest, b, b_rest, &oa0, &ob0);
            if PARTS > 1u { attend(w + 4u, a, a_rest, b, b_rest, &oa1, &ob1); }
            if PARTS > 2u { attend(w + 8u, a, a_rest, b, b_rest, &oa2, &ob2); }
            if PARTS > 3u { attend(w + 12u, a, a_rest, b, b_rest, &oa3, &ob3); }
            if PARTS > 4u { attend(w + 16u, a, a_rest, b, b_rest, &oa4, &ob4); }
        }
        workgroupBarrier();
    }

    let share = 1.0 / total;
    keep(0u, share, there, &oa0, &ob0, &kept);
    if PARTS > 1u { keep(1u, share, there, &oa1, &ob1, &kept); }
    if PARTS > 2u { keep(2u, share, there, &oa2, &ob2, &kept); }
    if PARTS > 3u { keep(3u, share, there, &oa3, &ob3, &kept); }
    if PARTS > 4u { keep(4u, share, there, &oa4, &ob4, &kept); }
    if nth >= params.queries { return; }
    let to = (at.z * params.all_queries + nth) * params.heads * D4 + head;
    for (var c = 0u; c < D4; c++) { y[to + c] = Elem4(kept[c]); }
}
