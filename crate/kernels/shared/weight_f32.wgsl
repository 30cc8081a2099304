// Reader of f32 weights: four outputs of one input.
//
// Panels of 32 outputs, [n / 32][k][32]; an index counts by four outputs.

@group(0) @binding(2) var<storage, read> weights: array<vec4<f32>>;

fn weight4(index: u32) -> vec4<f32> {
    return weights[index];
}
