//! Proof of `prelu`: the slope of its channel below zero.

use crate::harness::shapes::{edges, edges_of_four, sorted};
use crate::harness::{PRECISIONS, Proof, Tolerance, Want};
use darkroom::Precision;

fn proof() -> Proof {
    Proof::new("prelu", Tolerance { f32: 1e-14, f16: 2e-7 })
}

fn check(proof: &mut Proof, shape: [usize; 3], precision: Precision, sampled: bool) {
    let case = proof.case(format!("{shape:?}"), precision);
    let x = case.activations("x", shape);
    let slopes = case.parameters("slopes", [shape[2]]);
    let definition = |at: [usize; 3]| {
        let value = x.at(at);
        value.max(0.0) + slopes.at([at[2]]) * value.min(0.0)
    };
    let want = match sampled {
        false => Want::every(shape, definition),
        true => Want::sampled(&case, shape, definition),
    };
    proof.check(&case, want, move |gpu| x.on(gpu).prelu(&slopes.on(gpu)));
}

#[test]
fn over_edge_sizes() {
    let mut proof = proof();
    let channels = sorted([edges_of_four(8), edges_of_four(64)].concat());
    for precision in PRECISIONS {
        for (i, &c) in channels.iter().enumerate() {
            check(&mut proof, [2, edges(64)[i % 5], c], precision, false);
        }
        check(&mut proof, [1, 70_001, 4], precision, false);
    }
}

#[test]
#[ignore = "seconds: a picture of 512×512 in the compact network"]
fn at_full_size() {
    let mut proof = proof();
    for precision in PRECISIONS {
        check(&mut proof, [1, 512 * 512, 64], precision, true);
    }
}
