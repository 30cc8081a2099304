//! Proof of `resize`: the nearest pixel, as torch's `interpolate` counts: `y · h / height`, rounded
//! down; bit for bit.

use crate::harness::shapes::edges;
use crate::harness::{PRECISIONS, Proof, Tolerance, Want};
use darkroom::Precision;

fn check(
    proof: &mut Proof,
    [h, w, c]: [usize; 3],
    [height, width]: [usize; 2],
    precision: Precision,
    sampled: bool,
) {
    let case = proof.case(format!("2×{h}×{w}×{c} → {height}×{width}"), precision);
    let x = case.activations("x", [2, h, w, c]);
    let definition = |[b, y, i, j]: [usize; 4]| x.at([b, y * h / height, i * w / width, j]);
    let shape = [2, height, width, c];
    let want = match sampled {
        false => Want::every(shape, definition),
        true => Want::sampled(&case, shape, definition),
    };
    proof.check(&case, want, move |gpu| x.on(gpu).resize(height, width));
}

fn proof() -> Proof {
    Proof::new("resize", Tolerance { f32: 0.0, f16: 0.0 })
}

#[test]
fn over_edge_sizes() {
    let mut proof = proof();
    for precision in PRECISIONS {
        for h in edges(4) {
            for width in edges(8) {
                check(&mut proof, [h, 5, 8], [2 * h, width], precision, false);
                check(&mut proof, [h, 7, 4], [2 * h - 1, width], precision, false);
                check(&mut proof, [h, 6, 36], [h.div_ceil(2), width], precision, false);
            }
        }
        check(&mut proof, [9, 17, 4], [263, 271], precision, false);
    }
}

#[test]
#[ignore = "seconds: the full size of Stable Diffusion v1.4"]
fn at_full_size() {
    let mut proof = proof();
    for precision in PRECISIONS {
        for (side, c) in [(8, 1280), (16, 1280), (32, 640), (64, 512), (128, 512)] {
            check(&mut proof, [side, side, c], [2 * side, 2 * side], precision, true);
        }
    }
}
