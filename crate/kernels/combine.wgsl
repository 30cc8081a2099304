// A linear combination of up to five tensors: guidance, every sampler's step, a sum, a cast.
//
//     y[b, i] = Σⱼ coefficientⱼ · xⱼ[firstⱼ + b mod periodⱼ, i]       of the terms with startⱼ ≤ b
//
// TERMS says how many there are; the bindings of the others are not read.

struct Term {
    coefficient: f32,
    first: u32,   // index / 4 of the term's first element
    period: u32,  // elements / 4 after which the term repeats
    start: u32,   // index / 4 of the first output that gets the term
}

struct Params {
    count: u32,     // outputs / 4
    unused_a: u32,  // keep the terms aligned to 16 bytes
    unused_b: u32,
    unused_c: u32,
    terms: array<Term, 5>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x0: array<Type0>;
@group(0) @binding(2) var<storage, read> x1: array<Type1>;
@group(0) @binding(3) var<storage, read> x2: array<Type2>;
@group(0) @binding(4) var<storage, read> x3: array<Type3>;
@group(0) @binding(5) var<storage, read> x4: array<Type4>;
@group(0) @binding(6) var<storage, read_write> y: array<Elem4>;

fn place(term: u32, i: u32) -> u32 {
    return params.terms[term].first + i % params.terms[term].period;
}

fn coefficient(term: u32, i: u32) -> f32 {
    return select(0.0, params.terms[term].coefficient, i >= params.terms[term].start);
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_id(group, groups, lane);
    if i >= params.count { return; }
    var sum = coefficient(0u, i) * vec4<f32>(x0[place(0u, i)]);
    if TERMS > 1u { sum += coefficient(1u, i) * vec4<f32>(x1[place(1u, i)]); }
    if TERMS > 2u { sum += coefficient(2u, i) * vec4<f32>(x2[place(2u, i)]); }
    if TERMS > 3u { sum += coefficient(3u, i) * vec4<f32>(x3[place(3u, i)]); }
    if TERMS > 4u { sum += coefficient(4u, i) * vec4<f32>(x4[place(4u, i)]); }
    y[i] = Elem4(sum);
}
