//! Proofs of what the ops stand on: numbers reach the GPU and come back, weights are where the
//! kernels look for them, uploads and dispatches happen in the order of the program.

use crate::harness::gpu::Device;
use crate::harness::{Array, PRECISIONS, Proof, Tolerance, WEIGHTS, Want, gpu};
use darkroom::ops::Epilogue;
use darkroom::tensor::Tensor;
use darkroom::weight::Weight;
use darkroom::{Precision, WeightType};
use half::f16;
use pollster::block_on;

const EXACT: Tolerance = Tolerance { f32: 0.0, f16: 0.0 };

fn read(tensor: &Tensor) -> Vec<f32> {
    block_on(tensor.to_f32()).unwrap_or_else(|fault| panic!("{fault}"))
}

#[test]
fn numbers_come_back_as_they_were_stored() {
    for precision in PRECISIONS {
        let shapes: [&[usize]; 8] = [
            &[4],
            &[12],
            &[3, 4],
            &[77, 768],
            &[2, 5, 8],
            &[1, 1, 1, 4],
            &[2, 3, 5, 20],
            &[1, 64, 64, 320],
        ];
        for shape in shapes {
            let elements: usize = shape.iter().product();
            let values: Vec<f32> = (0..elements).map(|i| (i as f32 * 0.7 - 9.0).sin()).collect();
            let want: Vec<f32> = match precision {
                Precision::F32 => values.clone(),
                Precision::F16 => values.iter().map(|&v| f16::from_f32(v).to_f32()).collect(),
            };
            let shape = shape.to_vec();
            gpu::run(Device::Plain, move |gpu| {
                let tensor = Tensor::from_f32(gpu, &values, &shape[..], precision);
                assert_eq!(tensor.shape().dims(), shape);
                assert_eq!(tensor.precision(), precision);
                assert!(read(&tensor) == want, "{shape:?} in {precision:?}");
                let flat = tensor.reshape([elements]);
                assert_eq!(flat.shape().dims(), [elements]);
                assert!(read(&flat) == want, "{shape:?} in {precision:?}, reshaped");
            });
        }
    }
}

/// A matmul of the identity returns the weights, in exactly the place of each.
#[test]
fn weights_come_back_through_a_matmul_of_the_identity() {
    let mut proof = Proof::new("weight", EXACT);
    for precision in PRECISIONS {
        for weights in WEIGHTS {
            for (n, k) in [(4, 4), (32, 4), (36, 8), (60, 36), (64, 32), (68, 100), (132, 20)] {
                let case = proof.case(format!("{k} → {n}"), precision).with(weights);
                // exact in f16 too
                let random = case.random("weights");
                let w = Array::from_fn([n, k], |i| random.below(i, 2001) as f32 - 1000.0);
                let one = Array::from_fn([k, k], |i| if i % k == i / k { 1.0 } else { 0.0 });
                let one = one.stored(precision);
                let want = Want::every([k, n], |[i, j]| w.at([j, i]));
                proof.check(&case, want, move |gpu| {
                    one.on(gpu).matmul(&w.weight_on(gpu, weights), Epilogue::default())
                });
            }
        }
    }
}

/// Written in pieces, in any order, as a file is read.
#[test]
fn weights_can_be_written_in_pieces() {
    let mut proof = Proof::new("weight", EXACT);
    for weights in WEIGHTS {
        let (n, k) = (5 * Weight::PANEL + 12, 20);
        let case = proof.case(format!("{k} → {n} in pieces"), Precision::F32).with(weights);
        let w = Array::from_fn([n, k], |i| (i % 2001) as f32 - 1000.0);
        let one = Array::from_fn([k, k], |i| if i % k == i / k { 1.0 } else { 0.0 });
        let want = Want::every([k, n], |[i, j]| w.at([j, i]));
        proof.check(&case, want, move |gpu| {
            let weight = Weight::empty(gpu, k, n, weights);
            for (first, last) in [(3, 6), (0, 1), (1, 3)] {
                let (first, last) = (first * Weight::PANEL, (last * Weight::PANEL).min(n));
                weight.write(first, &w.values()[first * k..last * k]);
            }
            assert_eq!((weight.k(), weight.n(), weight.weight_type()), (k, n, weights));
            one.on(gpu).matmul(&weight, Epilogue::default())
        });
    }
}

/// f16 weights are rounded to nearest, ties to even, and keep their small numbers.
#[test]
fn f16_weights_are_rounded_to_nearest() {
    let mut proof = Proof::new("weight", EXACT);
    let case = proof.case("rounding", Precision::F32).with(WeightType::F16);
    let step = 1.0 / 1024.0;
    let values = [
        1.0 + 0.5 * step,
        1.0 + 0.75 * step,
        1.0 + 1.5 * step,
        1.0 + 0.25 * step,
        6.1e-5,
        1.0e-6,
        -65504.0,
        -0.1,
    ];
    let want = Want::every([1, 8], |[_, j]| f16::from_f32(values[j]).to_f64());
    let w = Array::from_fn([8, 4], |i| if i % 4 == 0 { values[i / 4] } else { 0.0 });
    proof.check(&case, want, move |gpu| {
        let one = Array::new([1, 4], vec![1.0, 0.0, 0.0, 0.0]);
        one.on(gpu).matmul(&w.weight_on(gpu, WeightType::F16), Epilogue::default())
    });
}

/// A tensor that is dropped gives its buffer away; what was recorded before still sees its numbers.
#[test]
fn an_upload_does_not_overtake_what_was_recorded() {
    for precision in PRECISIONS {
        gpu::run(Device::Plain, move |gpu| {
            let tensor = |v: f32| Tensor::from_f32(gpu, &[v; 64], [1, 16, 4], precision);
            let mut sums = vec![];
            for i in 0..20 {
                let (a, b) = (tensor(i as f32), tensor(100.0 * i as f32));
                sums.push(a.add(&b));
            }
            for (i, sum) in sums.iter().enumerate() {
                assert_eq!(read(sum), [101.0 * i as f32; 64], "sum {i} in {precision:?}");
            }
        });
    }
}

/// The same for weights.
#[test]
fn a_weight_does_not_overtake_what_was_recorded() {
    gpu::run(Device::Plain, |gpu| {
        let x = Tensor::from_f32(gpu, &[1.0; 4], [1, 4], Precision::F32);
        let mut products = vec![];
        for i in 0..20 {
            let weight = Weight::empty(gpu, 4, 4, WeightType::F32);
            weight.write(0, &[i as f32; 16]);
            products.push(x.matmul(&weight, Epilogue::default()));
        }
        for (i, product) in products.iter().enumerate() {
            assert_eq!(read(product), [4.0 * i as f32; 4], "product {i}");
        }
    });
}

/// A long chain in one recording: every op sees the one before.
#[test]
fn ops_run_in_the_order_of_the_program() {
    for precision in PRECISIONS {
        gpu::run(Device::Plain, move |gpu| {
            let one = Tensor::from_f32(gpu, &[1.0; 256], [1, 64, 4], precision);
            let mut sum = one.clone();
            for _ in 1..300 {
                sum = sum.add(&one);
            }
            assert_eq!(read(&sum), [300.0; 256]);
            assert_eq!(read(&one), [1.0; 256]);
        });
    }
}

#[test]
fn the_pool_reuses_what_was_dropped() {
    gpu::run(Device::Plain, |gpu| {
        let x = Tensor::from_f32(gpu, &[1.0; 4096], [1, 1024, 4], Precision::F32);
        let mut y = x.add(&x);
        read(&y);
        gpu.trim();
        gpu.reset_stats();
        let before = gpu.stats();
        for _ in 0..100 {
            y = y.add(&x);
        }
        read(&y);
        let after = gpu.stats();
        assert_eq!(after.dispatches - before.dispatches, 100);
        let made = after.made.buffers - before.made.buffers;
        assert!(made <= 4, "a chain of a hundred ops made {made} buffers");
    });
}
