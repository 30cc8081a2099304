// Every token gets what became of its row: y = residual + x[row].

struct Params {
    tokens: u32,
    rows: u32,
    c4: u32,
    count: u32,  // outputs / 4
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Elem4>;                   // [b, rows, c4]
@group(0) @binding(2) var<storage, read> places: array<vec2<u32>>;          // [b, t]: (row, into)
@group(0) @binding(3) var<storage, read> residual: array<Elem4>;            // [b, t, c4]
@group(0) @binding(4) var<storage, read_write> y: array<Elem4>;             // [b, t, c4]

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_id(group, groups, lane);
    if i >= params.count { return; }
    let token = i / params.c4;
    let row = token / params.tokens * params.rows + places[token].x;
    y[i] = Elem4(vec4<f32>(residual[i]) + vec4<f32>(x[row * params.c4 + i % params.c4]));
}
