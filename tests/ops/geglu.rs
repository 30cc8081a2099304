//! Proof of `geglu`: `a · gelu(g)`, a the first half of the channels, g the second.

use crate::harness::maths::activation;
use crate::harness::shapes::{edges, edges_of_four, sorted};
use crate::harness::{PRECISIONS, Proof, Tolerance, Want};
use darkroom::Precision;
use darkroom::ops::Activation;

fn proof() -> Proof {
    Proof::new("geglu", Tolerance { f32: 1e-12, f16: 2e-7 })
}

fn check(
    proof: &mut Proof,
    [b, t, c]: [usize; 3],
    gelu: Activation,
    precision: Precision,
    sampled: bool,
) {
    let case = proof.case(format!("{b}×{t}×2·{c} by {gelu:?}"), precision);
    let x = case.activations("x", [b, t, 2 * c]);
    let definition =
        |[b, t, i]: [usize; 3]| x.at([b, t, i]) * activation(gelu, x.at([b, t, c + i]));
    let want = match sampled {
        false => Want::every([b, t, c], definition),
        true => Want::sampled(&case, [b, t, c], definition),
    };
    proof.check(&case, want, move |gpu| x.on(gpu).geglu(gelu));
}

#[test]
fn over_edge_sizes() {
    let mut proof = proof();
    let channels = sorted([edges_of_four(16), edges_of_four(64), edges_of_four(256)].concat());
    for precision in PRECISIONS {
        for gelu in [Activation::Gelu, Activation::GeluTanh] {
            for &c in &channels {
                for t in edges(4) {
                    check(&mut proof, [2, t, c], gelu, precision, false);
                }
            }
        }
        check(&mut proof, [1, 70_001, 4], Activation::Gelu, precision, false);
    }
}

#[test]
fn with_the_channels_of_the_model() {
    let mut proof = proof();
    for precision in PRECISIONS {
        for c in [1280, 2560, 5120] {
            check(&mut proof, [2, 9, c], Activation::Gelu, precision, false);
        }
    }
}

#[test]
#[ignore = "seconds: the full size of Stable Diffusion v1.4"]
fn at_full_size() {
    let mut proof = proof();
    for precision in PRECISIONS {
        for (t, c) in [(4096, 1280), (1024, 2560), (256, 5120), (64, 5120)] {
            check(&mut proof, [2, t, c], Activation::Gelu, precision, true);
        }
    }
}
