//! Proof of `combine`: `Σ coefficient · x`, each term from its first picture on, repeating.

use crate::harness::shapes::{edges_of_four, sorted};
use crate::harness::{Array, Case, PRECISIONS, Proof, Tolerance, Want};
use darkroom::Precision;
use darkroom::gpu::Gpu;
use darkroom::ops::Term;
use darkroom::tensor::Tensor;

const COEFFICIENTS: [f32; 5] = [0.75, -1.5, 7.5, 0.0, -6.5];

fn proof() -> Proof {
    Proof::new("combine", Tolerance { f32: 1e-12, f16: 2e-7 })
}

/// A term: its numbers, its first picture, its coefficient.
type Part = (Array, usize, f32);

/// The definition at one place.
fn definition(parts: &[Part], [b, y, x, c]: [usize; 4]) -> f64 {
    let value = |(array, first, coefficient): &Part| {
        let there = array.shape()[0] - first;
        f64::from(*coefficient) * array.at([first + b % there, y, x, c])
    };
    parts.iter().map(value).sum()
}

/// What the op makes of the parts.
fn op(gpu: &Gpu, parts: &[Part], batch: usize, precision: Precision) -> Tensor {
    let tensors: Vec<Tensor> = parts.iter().map(|(array, ..)| array.on(gpu)).collect();
    let terms: Vec<Term<'_>> = (parts.iter().zip(&tensors))
        .map(|(&(_, first, coefficient), x)| Term { x, first, coefficient })
        .collect();
    Tensor::combine(batch, precision, &terms)
}

fn check(proof: &mut Proof, case: &Case, parts: Vec<Part>, batch: usize) {
    let &[_, h, w, c] = parts[0].0.shape() else { panic!("an image") };
    let want = Want::every([batch, h, w, c], |at| definition(&parts, at));
    let precision = case.precision;
    proof.check(case, want, move |gpu| op(gpu, &parts, batch, precision));
}

#[test]
fn of_one_to_five_terms() {
    let mut proof = proof();
    let channels = sorted([edges_of_four(8), edges_of_four(64), edges_of_four(256)].concat());
    for precision in PRECISIONS {
        for terms in 1..=5 {
            for &c in &channels {
                let case = proof.case(format!("{terms} terms of 2×3×3×{c}"), precision);
                let part = |i: usize| {
                    (case.activations(&format!("x{i}"), [2, 3, 3, c]), 0, COEFFICIENTS[i])
                };
                check(&mut proof, &case, (0..terms).map(part).collect(), 2);
            }
        }
    }
}

#[test]
fn from_any_picture_and_repeating() {
    let mut proof = proof();
    for precision in PRECISIONS {
        for batch in [1, 2, 3, 4, 5] {
            for (pictures, first) in [(1, 0), (2, 0), (2, 1), (3, 1), (5, 0), (5, 2), (5, 4)] {
                let size = format!("{batch} pictures from {pictures} after {first}");
                let case = proof.case(size, precision);
                let parts = vec![
                    (case.activations("whole", [batch, 3, 5, 4]), 0, -0.5),
                    (case.activations("part", [pictures, 3, 5, 4]), first, 2.5),
                ];
                check(&mut proof, &case, parts, batch);
            }
        }
    }
}

/// A term that only the last pictures get: what is added for the prompt alone.
#[test]
fn terms_that_begin_later() {
    let mut proof = proof();
    for precision in PRECISIONS {
        for (batch, start) in [(2, 1), (4, 2), (5, 0), (3, 3)] {
            let case = proof.case(format!("{batch} pictures, one term from {start} on"), precision);
            let all = case.activations("all", [batch, 3, 5, 4]);
            let late = case.activations("late", [1, 3, 5, 4]);
            let want = Want::every([batch, 3, 5, 4], |[b, y, x, c]: [usize; 4]| {
                let added = if b < start { 0.0 } else { 0.75 * late.at([0, y, x, c]) };
                added - 1.5 * all.at([b, y, x, c])
            });
            proof.check(&case, want, move |gpu| {
                let (late, all) = (late.on(gpu), all.on(gpu));
                let terms = [(Term::new(0.75, &late), start), (Term::new(-1.5, &all), 0)];
                Tensor::combine_from(batch, precision, &terms)
            });
        }
    }
}

/// Guidance: two halves of one tensor.
#[test]
fn of_two_halves_of_one_tensor() {
    let mut proof = proof();
    for precision in PRECISIONS {
        let case = proof.case("guidance", precision);
        let eps = case.activations("eps", [4, 3, 5, 4]);
        let parts = [(eps.clone(), 0, -6.5), (eps.clone(), 2, 7.5)];
        let want = Want::every([2, 3, 5, 4], |at| definition(&parts, at));
        proof.check(&case, want, move |gpu| {
            let eps = eps.on(gpu);
            let term = |first, coefficient| Term { x: &eps, first, coefficient };
            Tensor::combine(2, precision, &[term(0, -6.5), term(2, 7.5)])
        });
    }
}

/// Every mixture of f32 and f16 terms, to f32 and to f16.
#[test]
fn of_mixed_precision() {
    let mut proof = proof();
    for bits in 0..32u32 {
        for output in PRECISIONS {
            let terms = (bits % 5 + 1) as usize;
            let case = proof.case(format!("mixture {bits:05b} to {output:?}"), Precision::F16);
            let part = |i: usize| {
                let precision = PRECISIONS[(bits >> i & 1) as usize];
                let x = case.parameters(&format!("x{i}"), [2, 3, 5, 12]).stored(precision);
                (x, 0, COEFFICIENTS[i])
            };
            let parts: Vec<Part> = (0..terms).map(part).collect();
            let want = Want::every([4, 3, 5, 12], |at| definition(&parts, at));
            proof.check(&case, want, move |gpu| {
                let sum = op(gpu, &parts, 4, output);
                assert_eq!(sum.precision(), output);
                Tensor::combine(4, Precision::F16, &[Term { x: &sum, first: 0, coefficient: 1.0 }])
            });
        }
    }
}

/// One term at one is the tensor, and in another precision its cast.
#[test]
fn of_one_term_at_one_is_a_cast() {
    let mut proof = Proof::new("combine", Tolerance { f32: 0.0, f16: 2e-7 });
    for precision in PRECISIONS {
        let case = proof.case("cast", precision);
        let parts = vec![(case.parameters("x", [3, 3, 5, 12]), 0, 1.0)];
        check(&mut proof, &case, parts, 3);
    }
}

#[test]
fn with_more_elements_than_a_dispatch_has_groups() {
    let mut proof = proof();
    for precision in PRECISIONS {
        let case = proof.case("1×263×269×4", precision);
        let part = |what, coefficient| (case.activations(what, [1, 263, 269, 4]), 0, coefficient);
        check(&mut proof, &case, vec![part("a", 0.5), part("b", -2.0)], 1);
    }
}
