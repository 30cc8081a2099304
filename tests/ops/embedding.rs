//! Proof of `embedding`: rows of a table by id, plus a row of positions.

use crate::harness::shapes::{edges_of_four, sorted};
use crate::harness::{Array, PRECISIONS, Proof, Tolerance, WEIGHTS, Want};
use darkroom::tensor::Tensor;
use darkroom::weight::Table;
use darkroom::{Precision, WeightType};

fn proof() -> Proof {
    Proof::new("embedding", Tolerance { f32: 1e-13, f16: 2e-7 })
}

fn check(
    proof: &mut Proof,
    [rows, c]: [usize; 2],
    ids: Vec<u32>,
    t: usize,
    (precision, weights): (Precision, WeightType),
) {
    let b = ids.len() / t;
    let case = proof.case(format!("{b}×{t} of {rows} rows of {c}"), precision).with(weights);
    let table = case.parameters("table", [rows, c]).weighted(weights);
    let positions = case.parameters("positions", [t, c]);
    let want = Want::every([b, t, c], |[b, t_, i]| {
        table.at([ids[b * t + t_] as usize, i]) + positions.at([t_, i])
    });
    proof.check(&case, want, move |gpu| {
        let table = table.table_on(gpu, weights);
        Tensor::embedding(&[&table], &ids, &positions.on(gpu), precision)
    });
}

#[test]
fn over_edge_sizes() {
    let mut proof = proof();
    let channels = sorted([edges_of_four(8), edges_of_four(64), edges_of_four(256)].concat());
    for precision in PRECISIONS {
        for weights in WEIGHTS {
            for &c in &channels {
                for (b, t) in [(1, 1), (2, 5), (3, 77)] {
                    let rows = 41u32;
                    // the first and the last row among them, and repeats
                    let ids = (0..(b * t) as u32).map(|i| (rows - 1 + 3 * i) % rows).collect();
                    check(&mut proof, [rows as usize, c], ids, t, (precision, weights));
                }
            }
        }
    }
}

/// CLIP's own table: in f32 it is larger than a binding may be.
#[test]
fn with_the_table_of_the_model() {
    let mut proof = proof();
    let ids: Vec<u32> =
        (0..154).map(|i| [49406, 49407, 0, 320, 43690, 43691, 321 * i][i as usize % 7]).collect();
    for (precision, weights) in [
        (Precision::F32, WeightType::F32),
        (Precision::F32, WeightType::F16),
        (Precision::F16, WeightType::F16),
    ] {
        check(&mut proof, [49408, 768], ids.clone(), 77, (precision, weights));
    }
}

/// A table written in pieces, as a file is read.
#[test]
fn of_a_table_written_in_pieces() {
    let mut proof = proof();
    for weights in WEIGHTS {
        let case = proof.case("in pieces", Precision::F32).with(weights);
        let rows = case.parameters("table", [10, 12]).weighted(weights);
        let zero = Array::new([10, 12], vec![0.0; 120]);
        let want = Want::every([1, 10, 12], |[_, t, i]| rows.at([9 - t, i]));
        proof.check(&case, want, move |gpu| {
            let table = Table::empty(gpu, 10, 12, weights);
            for (first, last) in [(7, 10), (0, 1), (1, 7)] {
                table.write(first, &rows.values()[first * 12..last * 12]);
            }
            let ids: Vec<u32> = (0..10).rev().collect();
            Tensor::embedding(&[&table], &ids, &zero.on(gpu), Precision::F32)
        });
    }
}

/// Rows behind those of the first table, in a table of its own type.
#[test]
fn of_two_tables() {
    let mut proof = proof();
    for weights in WEIGHTS {
        let case = proof.case("two tables", Precision::F32).with(weights);
        let table = case.parameters("table", [300, 12]).weighted(weights);
        let behind = case.parameters("behind", [7, 12]);
        let positions = case.parameters("positions", [5, 12]);
        let ids = [299_usize, 300, 306, 0, 303];
        let want = Want::every([1, 5, 12], |[_, t, i]| {
            let row = match ids[t].checked_sub(300) {
                Some(row) => behind.at([row, i]),
                None => table.at([ids[t], i]),
            };
            row + positions.at([t, i])
        });
        proof.check(&case, want, move |gpu| {
            let tables = [table.table_on(gpu, weights), behind.table_on(gpu, WeightType::F32)];
            let ids = ids.map(|id| id as u32);
            let tables = [&tables[0], &tables[1]];
            Tensor::embedding(&tables, &ids, &positions.on(gpu), Precision::F32)
        });
    }
}
