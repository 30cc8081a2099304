//! Proof of `concat`: the channels of both, one after the other, bit for bit.

use crate::harness::shapes::{edges, edges_of_four, sorted};
use crate::harness::{PRECISIONS, Proof, Tolerance, Want};
use darkroom::Precision;

fn proof() -> Proof {
    Proof::new("concat", Tolerance { f32: 0.0, f16: 0.0 })
}

fn check(
    proof: &mut Proof,
    [h, w]: [usize; 2],
    [a, b]: [usize; 2],
    precision: Precision,
    sampled: bool,
) {
    let case = proof.case(format!("2×{h}×{w}×({a} + {b})"), precision);
    let (first, second) =
        (case.activations("a", [2, h, w, a]), case.activations("b", [2, h, w, b]));
    let definition = |[p, y, x, c]: [usize; 4]| match c < a {
        true => first.at([p, y, x, c]),
        false => second.at([p, y, x, c - a]),
    };
    let shape = [2, h, w, a + b];
    let want = match sampled {
        false => Want::every(shape, definition),
        true => Want::sampled(&case, shape, definition),
    };
    proof.check(&case, want, move |gpu| first.on(gpu).concat(&second.on(gpu)));
}

#[test]
fn over_edge_sizes() {
    let mut proof = proof();
    let channels = sorted([edges_of_four(8), edges_of_four(64)].concat());
    for precision in PRECISIONS {
        for &a in &channels {
            for &b in &channels {
                check(&mut proof, [1, 3], [a, b], precision, false);
            }
        }
        for w in edges(64) {
            check(&mut proof, [3, w], [4, 8], precision, false);
        }
        check(&mut proof, [257, 259], [4, 4], precision, false);
    }
}

#[test]
fn with_the_channels_of_the_model() {
    let mut proof = proof();
    for precision in PRECISIONS {
        for (a, b) in [(1280, 1280), (1280, 640), (640, 640), (640, 320), (320, 320)] {
            check(&mut proof, [5, 7], [a, b], precision, false);
        }
    }
}

#[test]
#[ignore = "seconds: the full size of Stable Diffusion v1.4"]
fn at_full_size() {
    let mut proof = proof();
    let sizes = [
        (8, 1280, 1280),
        (16, 1280, 1280),
        (16, 1280, 640),
        (32, 1280, 640),
        (32, 640, 640),
        (32, 640, 320),
        (64, 640, 320),
        (64, 320, 320),
    ];
    for precision in PRECISIONS {
        for (side, a, b) in sizes {
            check(&mut proof, [side, side], [a, b], precision, true);
        }
    }
}
