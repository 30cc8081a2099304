// Adds to f16 weights in panels of 32 outputs, two to a word; an index counts by four outputs. It
// needs no feature of the adapter.

@group(0) @binding(3) var<storage, read_write> weights: array<vec2<u32>>;

fn add4(index: u32, sum: vec4<f32>) {
    let packed = weights[index];
    let low = unpack2x16float(packed.x) + sum.xy;
    let high = unpack2x16float(packed.y) + sum.zw;
    weights[index] = vec2<u32>(pack2x16float(low), pack2x16float(high));
}
