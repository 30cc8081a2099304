//! Proof of `average_pool`: the average of 2×2 pixels, or of those that there are of them at an odd
//! last row or column.

use crate::harness::shapes::edges;
use crate::harness::{PRECISIONS, Proof, Tolerance, Want};
use darkroom::Precision;

fn check(proof: &mut Proof, [h, w, c]: [usize; 3], precision: Precision, sampled: bool) {
    let case = proof.case(format!("2×{h}×{w}×{c}"), precision);
    let x = case.activations("x", [2, h, w, c]);
    let definition = |[b, y, i, j]: [usize; 4]| {
        let (mut sum, mut count) = (0.0, 0.0);
        for row in 2 * y..(2 * y + 2).min(h) {
            for column in 2 * i..(2 * i + 2).min(w) {
                sum += x.at([b, row, column, j]);
                count += 1.0;
            }
        }
        sum / count
    };
    let shape = [2, h.div_ceil(2), w.div_ceil(2), c];
    let want = match sampled {
        false => Want::every(shape, definition),
        true => Want::sampled(&case, shape, definition),
    };
    proof.check(&case, want, move |gpu| x.on(gpu).average_pool());
}

fn proof() -> Proof {
    Proof::new("average_pool", Tolerance { f32: 1e-12, f16: 2e-7 })
}

#[test]
fn over_edge_sizes() {
    let mut proof = proof();
    for precision in PRECISIONS {
        for h in edges(4) {
            for w in edges(8) {
                check(&mut proof, [h, w, 4], precision, false);
                check(&mut proof, [h, w, 36], precision, false);
            }
        }
        check(&mut proof, [263, 271, 8], precision, false);
    }
}

#[test]
#[ignore = "seconds: the full size of Stable Diffusion v1.4"]
fn at_full_size() {
    let mut proof = proof();
    for precision in PRECISIONS {
        for (side, c) in [(64, 320), (32, 640), (16, 1280)] {
            check(&mut proof, [side, side, c], precision, true);
        }
    }
}
