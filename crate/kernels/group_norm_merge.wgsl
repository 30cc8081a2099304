// From the statistics of channels and chunks to what a group norm does with each channel: the
// second of its three passes on a graphics card, a short one.
//
//     scale = γ / √(m2 / count + ε)
//
// The mean and β are handed on as they are: taken together, β − mean · scale, they would be rounded
// once more, which counts where the mean is large.
//
// One workgroup for each (group, picture). An invocation merges some of the group's channels of
// some chunks as Chan, Golub and LeVeque do (1983), exact however the picture was cut; then the
// invocations merge by halves.

struct Params {
    c: u32,
    width: u32,   // channels of a group
    chunks: u32,  // of a picture
    eps: f32,
}

// Channels side by side.
const ACROSS: u32 = 16u;
const DOWN: u32 = LANES / ACROSS;

@group(0) @binding(0) var<uniform> params: Params;
// [b, chunks, 4 + 2 · c]: the count of a chunk, its means, its m2
@group(0) @binding(1) var<storage, read> stats: array<f32>;
@group(0) @binding(2) var<storage, read> gamma: array<f32>;              // [c]
@group(0) @binding(3) var<storage, read> beta: array<f32>;               // [c]
@group(0) @binding(4) var<storage, read_write> affine: array<f32>;    // [b, 3, c]: mean, scale, β

// (mean, m2, count)
var<workgroup> parts: array<vec3<f32>, LANES>;

fn merged(a: vec3<f32>, b: vec3<f32>) -> vec3<f32> {
    if b.z == 0.0 { return a; }
    let count = a.z + b.z;
    let d = b.x - a.x;
    return vec3<f32>(a.x + d * (b.z / count), a.y + b.y + d * d * (a.z * b.z / count), count);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) at: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let first = at.x * params.width;
    var part = vec3<f32>();
    for (var chunk = lane / ACROSS; chunk < params.chunks; chunk += DOWN) {
        let slot = (at.y * params.chunks + chunk) * (4u + 2u * params.c);
        let count = stats[slot];
        for (var i = lane % ACROSS; i < params.width; i += ACROSS) {
            let c = slot + 4u + first + i;
            part = merged(part, vec3<f32>(stats[c], stats[c + params.c], count));
        }
    }
    parts[lane] = part;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        if lane < half { parts[lane] = merged(parts[lane], parts[lane + half]); }
        workgroupBarrier();
    }

    let whole = parts[0];
    let rstd = inverseSqrt(whole.y / whole.z + params.eps);
    for (var i = lane; i < params.width; i += LANES) {
        let c = first + i;
        let to = 3u * at.y * params.c + c;
        affine[to] = whole.x;
        affine[to + params.c] = rstd * gamma[c];
        affine[to + 2u * params.c] = beta[c];
    }
}
