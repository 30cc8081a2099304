// Group normalisation with its activation, in one dispatch and without shared memory: for software
// adapters, whose barriers cost more than what they save.
//
//     y = activation((x − mean) / √(variance + ε) · γ + β)
//
// One invocation for each few groups (as many as fill whole vectors of four channels) of a picture:
// down the pixels of one vector after the other, three times as in `group_norm_whole`, whose
// bindings and parameters these are. Sums run in stretches of 64, as there. Loops take four pixels
// at a time: of a longer one Mesa's llvmpipe would do a part, without a word (`DIRECT_VECTORS`).

struct Params {
    rows: u32,     // pixels of a picture
    c4: u32,
    columns: u32,  // vectors of four channels of an invocation
    width: u32,    // channels of a group
    eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Elem4>;            // [b, rows, c4]
@group(0) @binding(2) var<storage, read> gamma: array<vec4<f32>>;    // [c4]
@group(0) @binding(3) var<storage, read> beta: array<vec4<f32>>;     // [c4]
@group(0) @binding(4) var<storage, read_write> y: array<Elem4>;      // [b, rows, c4]

// The groups, of at most four, that the channels of a column belong to.
fn groups_of(column: u32) -> vec4<u32> {
    return (4u * column + vec4<u32>(0u, 1u, 2u, 3u)) / params.width;
}

// A column's four values, each to its group.
fn to_groups(column: u32, value: vec4<f32>) -> vec4<f32> {
    let groups = groups_of(column);
    let none = vec4<f32>();
    return select(none, value.xxxx, groups.xxxx == vec4<u32>(0u, 1u, 2u, 3u))
        + select(none, value.yyyy, groups.yyyy == vec4<u32>(0u, 1u, 2u, 3u))
        + select(none, value.zzzz, groups.zzzz == vec4<u32>(0u, 1u, 2u, 3u))
        + select(none, value.wwww, groups.wwww == vec4<u32>(0u, 1u, 2u, 3u));
}

// The values of the groups, for each channel of a column.
fn of_groups(column: u32, values: vec4<f32>) -> vec4<f32> {
    let groups = groups_of(column);
    return vec4<f32>(values[groups.x], values[groups.y], values[groups.z], values[groups.w]);
}

// What a vector adds to a sum.
fn part_of(i: u32, mean: vec4<f32>, squared: bool) -> vec4<f32> {
    let d = vec4<f32>(x[i]) - mean;
    return select(d, d * d, squared);
}

fn normalise(i: u32, scale: vec4<f32>, offset: vec4<f32>) {
    y[i] = Elem4(activation(vec4<f32>(x[i]) * scale + offset));
}

// The sum of the squares of x − mean down a column, or of x itself.
fn sum_down(first: u32, mean: vec4<f32>, squared: bool) -> vec4<f32> {
    var sum = vec4<f32>();
    for (var begin = 0u; begin < params.rows; begin += 64u) {
        var stretch = vec4<f32>();
        let end = first + min(params.rows, begin + 64u) * params.c4;
        var i = first + begin * params.c4;
        for (; i + 3u * params.c4 < end; i += 4u * params.c4) {
            stretch += part_of(i, mean, squared);
            stretch += part_of(i + params.c4, mean, squared);
            stretch += part_of(i + 2u * params.c4, mean, squared);
            stretch += part_of(i + 3u * params.c4, mean, squared);
        }
        for (; i < end; i += params.c4) {
            stretch += part_of(i, mean, squared);
        }
        sum += stretch;
    }
    return sum;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) at: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let first_column = (at.x * LANES + lane) * params.columns;
    if first_column >= params.c4 { return; }
    let start = at.y * params.rows * params.c4 + first_column;
    let count = f32(params.rows * params.width);

    var sums = vec4<f32>();
    for (var column = 0u; column < params.columns; column++) {
        sums += to_groups(column, sum_down(start + column, vec4<f32>(), false));
    }
    let means = sums / count;

    var squares = vec4<f32>();
    for (var column = 0u; column < params.columns; column++) {
        let mean = of_groups(column, means);
        squares += to_groups(column, sum_down(start + column, mean, true));
    }
    let rstds = inverseSqrt(squares / count + params.eps);

    for (var column = 0u; column < params.columns; column++) {
        let scale = of_groups(column, rstds) * gamma[first_column + column];
        let offset = beta[first_column + column] - of_groups(column, means) * scale;
        var i = start + column;
        let end = i + params.rows * params.c4;
        for (; i + 3u * params.c4 < end; i += 4u * params.c4) {
            normalise(i, scale, offset);
            normalise(i + params.c4, scale, offset);
            normalise(i + 2u * params.c4, scale, offset);
            normalise(i + 3u * params.c4, scale, offset);
        }
        for (; i < end; i += params.c4) {
            normalise(i, scale, offset);
        }
    }
}
