// Reader of f32 weights: four outputs of one input.
//
// Panels of 32 outputs, [n / 32][k][32]; an index counts by four outputs.

@group(0) @binding(2) var<storage, read> weights: array<vec4<f32>>;

fn weight4(index: u32) -> vec4<f32> {
    return weights[index];
}

// Four outputs of each of four inputs, the inputs as columns; `index` is the first input's.
fn weight4x4(index: u32) -> mat4x4<f32> {
    return mat4x4<f32>(
        weight4(index), weight4(index + 8u), weight4(index + 16u), weight4(index + 24u));
}
