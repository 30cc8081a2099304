//! Proof of `blend`: `mask · a + (1 − mask) · b`.

use crate::harness::shapes::{edges, edges_of_four, sorted};
use crate::harness::{Array, Case, PRECISIONS, Proof, Tolerance, Want};
use darkroom::Precision;

fn proof() -> Proof {
    Proof::new("blend", Tolerance { f32: 1e-12, f16: 2e-7 })
}

/// A mask of zeros, ones and what is between.
fn mask(shape: [usize; 4]) -> Array {
    Array::from_fn(shape, |i| [0.0, 1.0, 0.25, 0.6][i * 7 / 3 % 4]).stored(Precision::F32)
}

fn check(proof: &mut Proof, case: &Case, shape: [usize; 4]) {
    let (a, b, mask) = (case.activations("a", shape), case.activations("b", shape), mask(shape));
    let want = Want::every(shape, |at| {
        let m = mask.at(at);
        m * a.at(at) + (1.0 - m) * b.at(at)
    });
    proof.check(case, want, move |gpu| mask.on(gpu).blend_kept(&a.on(gpu), &b.on(gpu)));
}

#[test]
fn over_edge_sizes() {
    let mut proof = proof();
    let channels = sorted([edges_of_four(8), edges_of_four(64)].concat());
    for precision in PRECISIONS {
        for (i, &c) in channels.iter().enumerate() {
            let shape = [2, 3, edges(8)[i % 5], c];
            check(&mut proof, &proof_case(precision, shape), shape);
        }
    }
}

fn proof_case(precision: Precision, shape: [usize; 4]) -> Case {
    proof().case(format!("{shape:?}"), precision)
}

#[test]
fn with_more_elements_than_a_dispatch_has_groups() {
    let mut proof = proof();
    for precision in PRECISIONS {
        let shape = [1, 263, 269, 4];
        check(&mut proof, &proof_case(precision, shape), shape);
    }
}
