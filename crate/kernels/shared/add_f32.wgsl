// Adds to f32 weights in panels of 32 outputs; an index counts by four outputs.

@group(0) @binding(3) var<storage, read_write> weights: array<vec4<f32>>;

fn add4(index: u32, sum: vec4<f32>) {
    weights[index] += sum;
}
