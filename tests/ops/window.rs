//! Proof of `window`: a part of pictures, and a part added to pictures.

use crate::harness::shapes::edges;
use crate::harness::{Case, PRECISIONS, Proof, Tolerance, Want};
use darkroom::Precision;

fn proof() -> Proof {
    Proof::new("window", Tolerance { f32: 1e-12, f16: 2e-7 })
}

fn case(precision: Precision, shape: [usize; 4], at: [usize; 2]) -> Case {
    proof().case(format!("{shape:?} at {at:?}"), precision)
}

/// Takes a window of `whole`, and adds something of its size there.
fn check(proof: &mut Proof, precision: Precision, whole: [usize; 4], [at, size]: [[usize; 2]; 2]) {
    let case = case(precision, whole, at);
    let [b, _, _, c] = whole;
    let part = [b, size[0], size[1], c];
    let (x, added) = (case.activations("x", whole), case.activations("added", part));
    let cut = x.clone();
    let want = Want::every(part, |[b, row, column, c]| x.at([b, row + at[0], column + at[1], c]));
    proof.check(&case, want, move |gpu| cut.on(gpu).window_kept(at, size));
    let want = Want::every(whole, |[b, row, column, c]| {
        let inside =
            (at[0]..at[0] + size[0]).contains(&row) && (at[1]..at[1] + size[1]).contains(&column);
        let more = if inside { added.at([b, row - at[0], column - at[1], c]) } else { 0.0 };
        x.at([b, row, column, c]) + more
    });
    let (x, more) = (x.clone(), added.clone());
    proof.check(&case, want, move |gpu| x.on(gpu).add_at_kept(&more.on(gpu), at));
}

#[test]
fn at_every_edge() {
    let mut proof = proof();
    for precision in PRECISIONS {
        for (i, &side) in edges(8).iter().enumerate() {
            let whole = [1 + i % 2, side + 2, 9, if i % 3 == 0 { 8 } else { 4 }];
            for at in [[0, 0], [2, 3], [1, 0]] {
                check(&mut proof, precision, whole, [at, [side, 6]]);
            }
        }
        check(&mut proof, precision, [2, 5, 7, 4], [[0, 0], [5, 7]]);
    }
}

#[test]
fn with_more_elements_than_a_dispatch_has_groups() {
    let mut proof = proof();
    for precision in PRECISIONS {
        check(&mut proof, precision, [1, 263, 269, 4], [[3, 1], [260, 266]]);
    }
}
