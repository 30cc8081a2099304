//! Proof of `concat_freeu`: the channels of two tensors, of which one is scaled by half and the
//! other in its lowest frequencies, by a discrete Fourier transform.

use crate::harness::shapes::edges;
use crate::harness::{PRECISIONS, Proof, Tolerance, Want};
use darkroom::Precision;
use std::f64::consts::TAU;

/// The frequencies of an axis that are scaled: those that torch's `fftshift` puts in the middle and
/// before it.
fn lowest(side: usize) -> Vec<f64> {
    if side > 1 { vec![0.0, -1.0] } else { vec![0.0] }
}

/// What the lowest frequencies of an axis take from the value at `from` to the one at `to`, as real
/// and imaginary part.
fn axis(side: usize, from: usize, to: usize) -> [f64; 2] {
    let angle = |k: f64| TAU * k * (to as f64 - from as f64) / side as f64;
    let sum = |f: fn(f64) -> f64| lowest(side).into_iter().map(|k| f(angle(k))).sum::<f64>();
    [sum(f64::cos), sum(f64::sin)].map(|part| part / side as f64)
}

fn check(proof: &mut Proof, [h, w, a, c]: [usize; 4], precision: Precision, sampled: bool) {
    let case = proof.case(format!("2×{h}×{w}×({a}+{c})"), precision);
    let x = case.activations("x", [2, h, w, a]);
    let skip = case.activations("skip", [2, h, w, c]);
    let [backbone, scale] = [1.3_f32, 0.2];
    let definition = |[b, y, i, j]: [usize; 4]| {
        if j < a {
            let factor = if j < a / 2 { f64::from(backbone) } else { 1.0 };
            return factor * x.at([b, y, i, j]);
        }
        let mut low = 0.0;
        for row in 0..h {
            let [vertical, up] = axis(h, row, y);
            for column in 0..w {
                let [horizontal, across] = axis(w, column, i);
                let part = vertical * horizontal - up * across;
                low += part * skip.at([b, row, column, j - a]);
            }
        }
        skip.at([b, y, i, j - a]) + (f64::from(scale) - 1.0) * low
    };
    let shape = [2, h, w, a + c];
    let want = match sampled {
        false => Want::every(shape, definition),
        true => Want::sampled(&case, shape, definition),
    };
    proof.check(&case, want, move |gpu| x.on(gpu).concat_freeu(&skip.on(gpu), [backbone, scale]));
}

fn proof() -> Proof {
    Proof::new("freeu", Tolerance { f32: 1e-12, f16: 2e-7 })
}

#[test]
fn over_edge_sizes() {
    let mut proof = proof();
    for precision in PRECISIONS {
        for h in edges(4) {
            for w in edges(8) {
                check(&mut proof, [h, w, 4, 4], precision, false);
                check(&mut proof, [h, w, 12, 36], precision, true);
            }
        }
        check(&mut proof, [64, 33, 8, 8], precision, true);
    }
}

#[test]
#[ignore = "seconds: the full size of Stable Diffusion v1.4"]
fn at_full_size() {
    let mut proof = proof();
    for precision in PRECISIONS {
        for (side, a, c) in [(8, 1280, 1280), (16, 1280, 640)] {
            check(&mut proof, [side, side, a, c], precision, true);
        }
    }
}
