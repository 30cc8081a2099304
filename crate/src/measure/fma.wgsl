// The adapter's arithmetic, with nothing else in the way: eight chains of multiply-adds that never
// leave the registers. Each invocation does params.rounds · 8 · 4 of them. FUSED, it asks for fused
// multiply-adds, which some adapters have and others must imitate.

struct Params {
    rounds: u32,
    factor: f32,  // near one, so that sums stay finite
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;

fn step(s: vec4<f32>, f: vec4<f32>, a: vec4<f32>) -> vec4<f32> {
    if FUSED { return fma(s, f, a); }
    return s * f + a;
}

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let a = x[id.x];
    let f = vec4<f32>(params.factor);
    var s0 = a; var s1 = a + 1.0; var s2 = a + 2.0; var s3 = a + 3.0;
    var s4 = a + 4.0; var s5 = a + 5.0; var s6 = a + 6.0; var s7 = a + 7.0;
    for (var i = 0u; i < params.rounds; i++) {
        s0 = step(s0, f, a); s1 = step(s1, f, a); s2 = step(s2, f, a); s3 = step(s3, f, a);
        s4 = step(s4, f, a); s5 = step(s5, f, a); s6 = step(s6, f, a); s7 = step(s7, f, a);
    }
    y[id.x] = s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7;
}
