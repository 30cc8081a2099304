//! Proof of `token_merge`: who is merged into whom, by the definition in f64; the means; and the
//! way back.

use crate::harness::{Array, PRECISIONS, Proof, Tolerance, Want};
use darkroom::Precision;
use darkroom::ops::TokenMerge;

/// The tokens of each row that is left, of a picture `[h, w]` of `x` `[b, h·w, c]`.
fn rows(x: &Array, picture: usize, [h, w]: [usize; 2], merged: usize) -> Vec<Vec<usize>> {
    let is_destination =
        |t: usize| [t / w, t % w].iter().zip([h, w]).all(|(i, n)| i % 2 == 0 && i / 2 < n / 2);
    let (destinations, others): (Vec<usize>, Vec<usize>) =
        (0..h * w).partition(|t| is_destination(*t));
    let row = |t: usize| x.row([picture, t]).iter().map(|v| f64::from(*v)).collect::<Vec<_>>();
    let norm = |t: usize| row(t).iter().map(|v| v * v).sum::<f64>().sqrt();
    let likeness = |a: usize, b: usize| {
        row(a).iter().zip(row(b)).map(|(a, b)| a * b).sum::<f64>() / norm(a) / norm(b)
    };
    let mut matches: Vec<(f64, usize, usize)> = others
        .iter()
        .map(|t| {
            let all = destinations.iter().enumerate().map(|(k, d)| (likeness(*t, *d), k));
            let (most, k) = all.fold((f64::MIN, 0), |a, b| if b.0 > a.0 { b } else { a });
            (most, *t, k)
        })
        .collect();
    matches.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut rows: Vec<Vec<usize>> = matches[merged..].iter().map(|(_, t, _)| vec![*t]).collect();
    rows.extend(destinations.iter().map(|d| vec![*d]));
    let kept = matches.len() - merged;
    for (_, t, k) in &matches[..merged] {
        rows[kept + k].push(*t);
    }
    rows
}

/// The mean of a row's tokens.
fn mean(x: &Array, picture: usize, tokens: &[usize], c: usize) -> f64 {
    tokens.iter().map(|t| x.at([picture, *t, c])).sum::<f64>() / tokens.len() as f64
}

fn check(proof: &mut Proof, size: [usize; 2], c: usize, merged: usize, precision: Precision) {
    let [h, w] = size;
    let tokens = h * w;
    let case = proof.case(format!("2×{h}×{w}×{c} without {merged}"), precision);
    let x = case.activations("x", [2, tokens, c]);
    let values = case.activations("values", [2, tokens, c]);
    let left: [Vec<Vec<usize>>; 2] = [0, 1].map(|picture| rows(&x, picture, size, merged));

    let want =
        Want::every([2, tokens - merged, c], |[b, row, c]| mean(&values, b, &left[b][row], c));
    let (chosen, merging) = (x.clone(), values.clone());
    proof.check(&case, want, move |gpu| {
        TokenMerge::choose(&chosen.on(gpu), size, merged).merge(&merging.on(gpu))
    });

    // Of rows of its own each token gets its row's, beside the residual.
    let case = proof.case(format!("2×{h}×{w}×{c} with {merged} back"), precision);
    let of_rows = case.activations("rows", [2, tokens - merged, c]);
    let row_of =
        |b: usize, token: usize| left[b].iter().position(|row| row.contains(&token)).unwrap();
    let want = Want::every([2, tokens, c], |[b, token, c]| {
        of_rows.at([b, row_of(b, token), c]) + values.at([b, token, c])
    });
    let (x, values, rows) = (x.clone(), values.clone(), of_rows.clone());
    proof.check(&case, want, move |gpu| {
        TokenMerge::choose(&x.on(gpu), size, merged).undo(&rows.on(gpu), &values.on(gpu))
    });
}

#[test]
fn over_edge_sizes() {
    let mut proof = Proof::new("token_merge", Tolerance { f32: 1e-12, f16: 1e-6 });
    for precision in PRECISIONS {
        for size in [[2, 2], [2, 3], [5, 7], [8, 8], [16, 20], [17, 33]] {
            let most = TokenMerge::most(size);
            for merged in [1, most / 2, most] {
                check(&mut proof, size, 36, merged, precision);
            }
        }
        check(&mut proof, [9, 8], 4, 30, precision);
        check(&mut proof, [12, 12], 320, 72, precision);
    }
}

/// Equal tokens are merged in their order, zeros too, and nothing is lost.
#[test]
fn equals_and_zeros_have_an_order() {
    use crate::harness::gpu::{self, Device};
    gpu::run(Device::Plain, |gpu| {
        for value in [0.0, 1.0, f32::NAN] {
            let x = Array::new([1, 16, 4], vec![value; 64]).on(gpu);
            let numbers = Array::from_fn([1, 16, 4], |i| (i / 4) as f32).on(gpu);
            let merge = TokenMerge::choose(&x, [4, 4], 6);
            let left = pollster::block_on(merge.merge(&numbers).to_f32()).unwrap();
            // 1, 3, 4, 5, 6, 7 go into 0; six more and four destinations are left.
            let rows: Vec<f32> = left.chunks_exact(4).map(|row| row[0]).collect();
            let mean = 26.0 / 7.0;
            assert_eq!(rows.len(), 10);
            assert_eq!(rows[..6], [9.0, 11.0, 12.0, 13.0, 14.0, 15.0], "{value}");
            assert!((rows[6] - mean).abs() < 1e-6, "{value}: {rows:?}");
            assert_eq!(rows[7..], [2.0, 8.0, 10.0], "{value}");
        }
    });
}

#[test]
fn what_can_be_merged() {
    assert_eq!([[1, 8], [2, 2], [5, 7], [64, 64]].map(TokenMerge::most), [0, 3, 29, 3072]);
}
