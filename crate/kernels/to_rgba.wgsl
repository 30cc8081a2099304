// A decoded picture, −1…1, to RGBA8: round(255 · clamp(x / 2 + ½, 0, 1)), ties to even as numpy
// rounds; opaque. A pixel with a value that is no number is transparent, so that who reads the
// bytes can tell: infinities and NaN are the floats whose exponent has all bits set, and only the
// bits are asked, because WGSL lets a compiler assume that there are none.

struct Params {
    count: u32,  // pixels
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Elem4>;      // [pixels]; the fourth is padding
@group(0) @binding(2) var<storage, read_write> y: array<u32>;  // [pixels], red in the lowest byte

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_id(group, groups, lane);
    if i >= params.count { return; }
    let value = vec4<f32>(x[i]);
    let unit = clamp(value * 0.5 + 0.5, vec4<f32>(0.0), vec4<f32>(1.0));
    let bytes = vec4<u32>(round(unit * 255.0));
    let exponents = bitcast<vec3<u32>>(value.xyz) & vec3<u32>(0x7f800000u);
    let finite = all(exponents != vec3<u32>(0x7f800000u));
    let opacity = select(0u, 0xff000000u, finite);
    y[i] = bytes.x | (bytes.y << 8u) | (bytes.z << 16u) | opacity;
}
