// Reader of q4_0 weights: four outputs of each of four inputs.
//
// Panels of 32 outputs in cells of 32 inputs; crate/src/weight.rs says what lies where in a cell.
// An index counts by four outputs as if the panels were [n / 32][k][32]: of its bits the lowest
// three are the column of four outputs, bits 5 to 7 the patch along the inputs, the others the
// cell. Bit operations only, so that no feature of the adapter is needed.

@group(0) @binding(2) var<storage, read> weights: array<vec2<u32>>;

// A cell is 64 patches and 8 vectors of scales.
const CELL: u32 = 72u;

fn weight4x4(index: u32) -> mat4x4<f32> {
    let cell = (index >> 8u) * CELL;
    let column = index & 7u;
    let nibbles = weights[cell + ((index >> 5u) & 7u) * 8u + column];
    let packed = weights[cell + 64u + column];
    let d = vec4<f32>(unpack2x16float(packed.x), unpack2x16float(packed.y));
    return mat4x4<f32>(
        d * integers(nibbles.x),
        d * integers(nibbles.x >> 16u),
        d * integers(nibbles.y),
        d * integers(nibbles.y >> 16u),
    );
}

// The lowest four nibbles, less 8.
fn integers(nibbles: u32) -> vec4<f32> {
    return vec4<f32>((vec4<u32>(nibbles) >> vec4<u32>(0u, 4u, 8u, 12u)) & vec4<u32>(15u)) - 8.0;
}
