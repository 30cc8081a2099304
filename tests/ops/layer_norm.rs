//! Proof of `layer_norm`: each row to mean 0 and variance 1, then `· γ + β` per channel.

use crate::harness::shapes::{edges, edges_of_four, sorted};
use crate::harness::{Array, Case, PRECISIONS, Proof, Tolerance, Want};
use darkroom::Precision;

const EPS: f32 = 1e-5;

fn proof() -> Proof {
    Proof::new("layer_norm", Tolerance { f32: 1e-11, f16: 2e-7 })
}

/// Mean and 1/√(variance + ε) of a row.
fn statistics(row: &[f32]) -> (f64, f64) {
    let c = row.len() as f64;
    let mean = row.iter().map(|&v| f64::from(v)).sum::<f64>() / c;
    let variance = row.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / c;
    (mean, 1.0 / (variance + f64::from(EPS)).sqrt())
}

/// Compares every output, or a sample of them.
fn check(proof: &mut Proof, case: &Case, x: Array, sampled: bool) {
    let [b, t, c] = *x.shape() else { panic!("[b, t, c]") };
    let (gamma, beta) = (case.parameters("gamma", [c]), case.parameters("beta", [c]));
    let rows: Vec<_> = (0..b * t).map(|r| statistics(x.row([r / t, r % t]))).collect();
    let definition = |[b, r, i]: [usize; 3]| {
        let (mean, scale) = rows[b * t + r];
        (x.at([b, r, i]) - mean) * scale * gamma.at([i]) + beta.at([i])
    };
    let want = match sampled {
        false => Want::every([b, t, c], definition),
        true => Want::sampled(case, [b, t, c], definition),
    };
    proof.check(case, want, move |gpu| x.on(gpu).layer_norm(&gamma.on(gpu), &beta.on(gpu), EPS));
}

fn check_size(proof: &mut Proof, shape: [usize; 3], precision: Precision, sampled: bool) {
    let case = proof.case(format!("{shape:?}"), precision);
    let x = case.activations("x", shape);
    check(proof, &case, x, sampled);
}

#[test]
fn over_edge_sizes() {
    let mut proof = proof();
    let channels =
        sorted([edges_of_four(16), edges_of_four(64), edges_of_four(256), vec![1024]].concat());
    for precision in PRECISIONS {
        for &c in &channels {
            for t in edges(8) {
                check_size(&mut proof, [2, t, c], precision, false);
            }
        }
        check_size(&mut proof, [1, 70_001, 4], precision, false);
    }
}

/// E[x²] − E[x]² in f32 has nothing left here: the mean is three hundred times the deviation.
#[test]
fn survives_a_large_mean() {
    let mut proof = Proof::new("layer_norm", Tolerance { f32: 1e-9, f16: 2e-7 });
    for c in [320, 768, 1280] {
        let case = proof.case(format!("{c}, large mean"), Precision::F32);
        let random = case.random("x");
        let x = Array::from_fn([1, 7, c], |i| 300.0 + random.normal(i));
        check(&mut proof, &case, x, false);
    }
}

/// Where the variance is as small as ε, a wrong ε shows.
#[test]
fn counts_epsilon() {
    let mut proof = proof();
    for precision in PRECISIONS {
        let case = proof.case("small variance", precision);
        let random = case.random("x");
        let x = Array::from_fn([2, 7, 320], |i| random.normal(i) * 2e-3).stored(precision);
        check(&mut proof, &case, x, false);
    }
}

#[test]
fn with_the_channels_of_the_model() {
    let mut proof = proof();
    for precision in PRECISIONS {
        for c in [320, 640, 768, 1280] {
            check_size(&mut proof, [2, 77, c], precision, false);
        }
    }
}

#[test]
#[ignore = "seconds: the full size of Stable Diffusion v1.4"]
fn at_full_size() {
    let mut proof = proof();
    for precision in PRECISIONS {
        for (t, c) in [(4096, 320), (1024, 640), (256, 1280), (64, 1280)] {
            check_size(&mut proof, [2, t, c], precision, true);
        }
    }
}
