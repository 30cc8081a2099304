// Reader of q8_0 weights: four outputs of each of four inputs.
//
// Panels of 32 outputs in cells of 32 inputs; crate/src/weight.rs says what lies where in a cell.
// An index counts by four outputs as if the panels were [n / 32][k][32]: of its bits the lowest
// three are the column of four outputs, bits 5 to 7 the patch along the inputs, the others the
// cell. Bit operations only, so that no feature of the adapter is needed.

@group(0) @binding(2) var<storage, read> weights: array<vec4<u32>>;

// A cell is 64 patches and 4 vectors of scales, each of which serves two columns.
const CELL: u32 = 68u;

fn weight4x4(index: u32) -> mat4x4<f32> {
    let cell = (index >> 8u) * CELL;
    let column = index & 7u;
    let sixteen = weights[cell + ((index >> 5u) & 7u) * 8u + column];
    let scales = weights[cell + 64u + (column >> 1u)];
    let packed = select(scales.xy, scales.zw, (column & 1u) == 1u);
    let d = vec4<f32>(unpack2x16float(packed.x), unpack2x16float(packed.y));
    return mat4x4<f32>(
        d * signed(sixteen.x), d * signed(sixteen.y), d * signed(sixteen.z), d * signed(sixteen.w));
}

// Four signed bytes: each moved up to the sign bit and back.
fn signed(word: u32) -> vec4<f32> {
    let high = vec4<u32>(word) << vec4<u32>(24u, 16u, 8u, 0u);
    return vec4<f32>(vec4<i32>(high) >> vec4<u32>(24u));
}
