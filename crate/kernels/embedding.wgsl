// Rows of tables by id, plus a row of positions: y[b, t] = table[ids[b, t]] + positions[t].
//
// A table larger than a binding is bound in ranges of rows, and further tables follow it; ids of
// other ranges are left alone.

struct Params {
    tokens: u32,       // of all pictures
    sequence: u32,     // tokens of one
    c4: u32,
    first_row: u32,    // in this dispatch, of all tables
    rows: u32,         // bound
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ids: array<u32>;                  // [tokens]
// 2: the table's rows [rows, c4], in the reader
@group(0) @binding(3) var<storage, read> positions: array<vec4<f32>>;      // [sequence, c4]
@group(0) @binding(4) var<storage, read_write> y: array<Elem4>;            // [tokens, c4]

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_id(group, groups, lane);
    if i >= params.tokens * params.c4 { return; }
    let token = i / params.c4;
    let c = i % params.c4;
    let id = ids[token];
    if id < params.first_row || id >= params.first_row + params.rows { return; }
    let row = weight4((id - params.first_row) * params.c4 + c);
    y[i] = Elem4(row + positions[token % params.sequence * params.c4 + c]);
}
