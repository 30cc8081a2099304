//! Proof of `activate`: the function at every element.

use crate::harness::epilogue::ACTIVATIONS;
use crate::harness::maths::activation;
use crate::harness::shapes::{edges, edges_of_four, sorted};
use crate::harness::{Array, PRECISIONS, Proof, Tolerance, Want};
use darkroom::Precision;

fn proof() -> Proof {
    Proof::new("activate", Tolerance { f32: 1e-12, f16: 2e-7 })
}

#[test]
fn over_edge_sizes() {
    let mut proof = proof();
    let channels = sorted([edges_of_four(64), edges_of_four(256), edges_of_four(1024)].concat());
    for precision in PRECISIONS {
        for function in ACTIVATIONS {
            for (i, &c) in channels.iter().enumerate() {
                let shape = [2, edges(8)[i % 5], c];
                let case = proof.case(format!("{function:?} of {shape:?}"), precision);
                let x = case.activations("x", shape);
                let want = Want::every(shape, |at| activation(function, x.at(at)));
                proof.check(&case, want, move |gpu| x.on(gpu).activate(function));
            }
        }
    }
}

#[test]
fn with_more_elements_than_a_dispatch_has_groups() {
    let mut proof = proof();
    let shape = [1, 70_001, 4];
    for precision in PRECISIONS {
        let case = proof.case(format!("{shape:?}"), precision);
        let x = case.activations("x", shape);
        let want = Want::every(shape, |at| activation(ACTIVATIONS[1], x.at(at)));
        proof.check(&case, want, move |gpu| x.on(gpu).activate(ACTIVATIONS[1]));
    }
}

/// Far from zero, where an exponential or its inverse overflows and a series ends.
#[test]
fn far_from_zero() {
    let mut proof = proof();
    for precision in PRECISIONS {
        for function in ACTIVATIONS {
            let case = proof.case(format!("{function:?}, −1000…1000"), precision);
            let x = Array::from_fn([1, 2001, 4], |i| (i / 4) as f32 - 1000.0).stored(precision);
            let want = Want::every([1, 2001, 4], |at| activation(function, x.at(at)));
            proof.check(&case, want, move |gpu| x.on(gpu).activate(function));
        }
    }
}

/// Close to zero and down both sides, finely: where the approximation of erf has its joints.
#[test]
fn close_to_zero() {
    let mut proof = proof();
    for function in ACTIVATIONS {
        let case = proof.case(format!("{function:?}, −8…8"), Precision::F32);
        let x = Array::from_fn([1, 4001, 4], |i| (i as f32 - 8002.0) / 1000.0);
        let want = Want::every([1, 4001, 4], |at| activation(function, x.at(at)));
        proof.check(&case, want, move |gpu| x.on(gpu).activate(function));
    }
}

#[test]
#[ignore = "seconds: the full size of Stable Diffusion v1.4"]
fn at_full_size() {
    let mut proof = proof();
    let shape = [1, 512, 512, 256];
    for precision in PRECISIONS {
        let case = proof.case(format!("{shape:?}"), precision);
        let x = case.activations("x", shape);
        let want = Want::sampled(&case, shape, |at| activation(ACTIVATIONS[1], x.at(at)));
        proof.check(&case, want, move |gpu| x.on(gpu).activate(ACTIVATIONS[1]));
    }
}
