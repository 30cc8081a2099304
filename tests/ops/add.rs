//! Proof of `add`: the sum at every element.

use crate::harness::shapes::{edges, edges_of_four, sorted};
use crate::harness::{Case, PRECISIONS, Proof, Tolerance, Want};

fn proof() -> Proof {
    Proof::new("add", Tolerance { f32: 1e-13, f16: 2e-7 })
}

/// Compares every output, or a sample of them.
fn check<const N: usize>(proof: &mut Proof, case: &Case, shape: [usize; N], sampled: bool) {
    let (a, b) = (case.activations("a", shape), case.activations("b", shape));
    let definition = |at: [usize; N]| a.at(at) + b.at(at);
    let want = match sampled {
        false => Want::every(shape, definition),
        true => Want::sampled(case, shape, definition),
    };
    proof.check(case, want, move |gpu| a.on(gpu).add(&b.on(gpu)));
}

#[test]
fn over_edge_sizes() {
    let mut proof = proof();
    let channels = sorted([edges_of_four(64), edges_of_four(256), edges_of_four(1024)].concat());
    for precision in PRECISIONS {
        for &c in &channels {
            for t in edges(4) {
                let case = proof.case(format!("{:?}", [2, t, c]), precision);
                check(&mut proof, &case, [2, t, c], false);
            }
        }
        let case = proof.case("70001×4", precision);
        check(&mut proof, &case, [1, 70_001, 4], false);
    }
}

#[test]
fn of_a_tensor_and_itself() {
    let mut proof = proof();
    for precision in PRECISIONS {
        let case = proof.case("x + x", precision);
        let x = case.activations("x", [3, 5, 8]);
        let want = Want::every([3, 5, 8], |at| 2.0 * x.at(at));
        proof.check(&case, want, move |gpu| {
            let x = x.on(gpu);
            x.add(&x)
        });
    }
}

#[test]
#[ignore = "seconds: the full size of Stable Diffusion v1.4"]
fn at_full_size() {
    let mut proof = proof();
    for precision in PRECISIONS {
        let case = proof.case("512×512×256", precision);
        check(&mut proof, &case, [1, 512, 512, 256], true);
    }
}
