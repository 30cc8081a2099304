// Reader of q5_0 weights: four outputs of each of four inputs.
//
// Panels of 32 outputs in cells of 32 inputs; crate/src/weight.rs says what lies where in a cell.
// An index counts by four outputs as if the panels were [n / 32][k][32]: of its bits the lowest
// three are the column of four outputs, bits 5 to 7 the patch along the inputs, the others the
// cell. Bit operations only, so that no feature of the adapter is needed.

@group(0) @binding(2) var<storage, read> weights: array<vec2<u32>>;

// A cell is 64 patches of nibbles, 16 vectors of four patches' high bits, 8 vectors of scales.
const CELL: u32 = 88u;

fn weight4x4(index: u32) -> mat4x4<f32> {
    let cell = (index >> 8u) * CELL;
    let column = index & 7u;
    let along = (index >> 5u) & 7u;
    let nibbles = weights[cell + along * 8u + column];
    let of_four = weights[cell + 64u + (along >> 2u) * 8u + column];
    let of_two = select(of_four.x, of_four.y, (along & 2u) == 2u);
    let high = of_two >> ((along & 1u) * 16u);
    let packed = weights[cell + 80u + column];
    let d = vec4<f32>(unpack2x16float(packed.x), unpack2x16float(packed.y));
    return mat4x4<f32>(
        d * integers(nibbles.x, high),
        d * integers(nibbles.x >> 16u, high >> 4u),
        d * integers(nibbles.y, high >> 8u),
        d * integers(nibbles.y >> 16u, high >> 12u),
    );
}

// The lowest four nibbles with the lowest four bits above them, less 16.
fn integers(nibbles: u32, high: u32) -> vec4<f32> {
    let low = (vec4<u32>(nibbles) >> vec4<u32>(0u, 4u, 8u, 12u)) & vec4<u32>(15u);
    let top = (vec4<u32>(high) >> vec4<u32>(0u, 1u, 2u, 3u)) & vec4<u32>(1u);
    return vec4<f32>(low | (top << vec4<u32>(4u))) - 16.0;
}
