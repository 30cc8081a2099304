//! Proof of `add_product`: `W[o, i] += Σⱼ up[j, o]·down[j, i]`, of the outputs that it is for.

use crate::harness::gpu::{Device, run};
use crate::harness::{Array, Proof, Tolerance, WEIGHTS, Want};
use darkroom::ops::Epilogue;
use darkroom::weight::Weight;
use darkroom::{Precision, WeightType};
use std::ops::Range;

/// The sums are f32; into f16 weights they are rounded once.
fn proof(weights: WeightType) -> Proof {
    let f32 = if weights == WeightType::F32 { 1e-13 } else { 2e-7 };
    Proof::new("add_product", Tolerance { f32, f16: f32 })
}

fn check(proof: &mut Proof, [n, k, rank]: [usize; 3], outputs: Range<usize>, weights: WeightType) {
    let size = format!("rank {rank} to {outputs:?} of {k} → {n}");
    let case = proof.case(size, Precision::F32).with(weights);
    let before = case.weights(n, k);
    let count = outputs.len().next_multiple_of(Weight::PANEL);
    let down = case.parameters("down", [rank, k]);
    // Beyond the last output there is nothing to add.
    let numbers = case.random("up");
    let up = Array::from_fn([rank, count], |i| {
        if i % count < outputs.len() { numbers.normal(i) * 0.1 } else { 0.0 }
    });
    // Rows of the identity give the weights back.
    let identity = Array::from_fn([1, k, k], |i| f32::from(u8::from(i / k == i % k)));
    let added = |o: usize, i: usize| {
        let column = o - outputs.start;
        (0..rank).map(|j| up.at([j, column]) * down.at([j, i])).sum::<f64>()
    };
    let want = Want::every([1, k, n], |[_, i, o]| {
        before.at([o, i]) + if outputs.contains(&o) { added(o, i) } else { 0.0 }
    });
    let outputs = outputs.clone();
    proof.check(&case, want, move |gpu| {
        let weight = before.weight_on(gpu, weights);
        weight.add_product(outputs, [up.values(), down.values()]);
        identity.on(gpu).matmul(&weight, Epilogue::default())
    });
}

#[test]
fn at_the_edges_of_panels() {
    for weights in WEIGHTS {
        let mut proof = proof(weights);
        for n in [4, 32, 36, 96, 320] {
            for (k, rank) in [(4, 1), (36, 3), (64, 4), (68, 65)] {
                check(&mut proof, [n, k, rank], 0..n, weights);
            }
        }
    }
}

/// One of several layers that are one matrix.
#[test]
fn to_some_outputs() {
    for weights in WEIGHTS {
        let mut proof = proof(weights);
        for outputs in [0..64, 64..104, 128..192] {
            check(&mut proof, [192, 36, 5], outputs, weights);
        }
    }
}

/// What the host writes afterwards is not overtaken.
#[test]
fn the_host_can_write_the_other_outputs() {
    let rows = run(Device::Plain, |gpu| {
        let weight = Weight::empty(gpu, 4, 128, WeightType::F32);
        weight.write(0, &[1.0; 4 * 64]);
        weight.add_product(0..64, [&[2.0; 64], &[3.0; 4]]);
        gpu.submit();
        weight.write(64, &[5.0; 4 * 64]);
        weight.add_product(64..128, [&[1.0; 64], &[1.0; 4]]);
        let identity = Array::from_fn([1, 4, 4], |i| f32::from(u8::from(i / 4 == i % 4)));
        let rows = identity.on(gpu).matmul(&weight, Epilogue::default());
        pollster::block_on(rows.to_f32()).unwrap()
    });
    for row in rows.chunks_exact(128) {
        assert_eq!((row[0], row[63], row[64], row[127]), (7.0, 7.0, 6.0, 6.0));
    }
}
