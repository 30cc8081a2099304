// Adds the sums of the slices of a matmul or convolution, in order, and applies the epilogue.
//
//     y[r, o] = activation(Σₛ parts[s, r, o] + bias[o] + shift[picture of r, o]) + residual[r, o]
//
// shared/slices.wgsl says what the slices are.

struct Params {
    rows: u32,              // of this dispatch (a band)
    n4: u32,                // outputs / 4
    slices: u32,
    rows_per_picture: u32,  // for shift
    first_row: u32,         // of this dispatch, for shift
    shift_row4: u32,        // channels of the shift / 4
    shift_first4: u32,      // the first of them that is added / 4
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parts: array<vec4<f32>>;     // [slices, rows, n4]
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;      // [n4]
@group(0) @binding(3) var<storage, read> shift: array<Elem4>;         // [pictures, shift_row4]
@group(0) @binding(4) var<storage, read> residual: array<Elem4>;      // [rows, n4]
@group(0) @binding(5) var<storage, read_write> y: array<Elem4>;       // [rows, n4]

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = linear_id(group, groups, lane);
    let count = params.rows * params.n4;
    if at >= count { return; }
    var sum = parts[at];
    for (var slice = 1u; slice < params.slices; slice++) { sum += parts[slice * count + at]; }
    let row = at / params.n4;
    let picture = (params.first_row + row) / params.rows_per_picture;
    y[at] = Elem4(epilogue(sum, at, at % params.n4, picture));
}
