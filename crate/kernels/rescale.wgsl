// Gives guided predictions a part of the spread that the prompt's own prediction has.
//
//     y = y · (share · std(text) / std(y) + 1 − share)             of each picture on its own
//
// One workgroup for each picture, and y in place: it was made for this alone. Two passes, as in
// layer_norm.wgsl. The deviations' divisors are the same and cancel.

struct Params {
    count: u32,  // elements / 4 of a picture
    first: u32,  // index / 4 of the first picture's text
    share: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> text: array<Elem4>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let ours = group.x * params.count;
    let theirs = params.first + ours;
    let ones = vec4<f32>(1.0);

    var sums = vec2<f32>();
    for (var i = lane; i < params.count; i += LANES) {
        sums += vec2<f32>(dot(vec4<f32>(text[theirs + i]), ones), dot(y[ours + i], ones));
    }
    let count = f32(params.count * 4u);
    let of_text = workgroup_sum(lane, sums.x) / count;
    let of_y = workgroup_sum(lane, sums.y) / count;

    var squares = vec2<f32>();
    for (var i = lane; i < params.count; i += LANES) {
        let a = vec4<f32>(text[theirs + i]) - of_text;
        let b = y[ours + i] - of_y;
        squares += vec2<f32>(dot(a, a), dot(b, b));
    }
    let spread_of_text = workgroup_sum(lane, squares.x);
    let spread_of_y = workgroup_sum(lane, squares.y);
    let factor = params.share * sqrt(spread_of_text / spread_of_y) + 1.0 - params.share;

    for (var i = lane; i < params.count; i += LANES) { y[ours + i] *= factor; }
}
