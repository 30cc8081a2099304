//! Proof of `matmul`: `y[b, t, j] = activation(Σᵢ x[b, t, i]·w[j, i] + bias[j] + shift[b, j]) +
//! residual[b, t, j]`.

use crate::harness::epilogue::{Ends, epilogues};
use crate::harness::gpu::{Device, run};
use crate::harness::maths::dot;
use crate::harness::shapes::{UNET_MATRICES, VAE_MATRICES, edges, edges_of_four, sorted};
use crate::harness::{
    Array, Case, FEWER_IN_F16, PRECISIONS, Proof, QUANTISED, Tolerance, WEIGHTS, Want,
};
use darkroom::ops::{Activation, Epilogue};
use darkroom::tensor::Tensor;
use darkroom::weight::Weight;
use darkroom::{Precision, WeightType};
use pollster::block_on;

fn proof() -> Proof {
    Proof::new("matmul", Tolerance { f32: 1e-11, f16: 2e-7 })
}

/// The definition.
fn definition(x: &Array, w: &Array, ends: &Ends, [b, t, j]: [usize; 3]) -> f64 {
    ends.apply(dot(x.row([b, t]), w.row([j])), [b, t, j])
}

/// The numbers of a case.
fn numbers(case: &Case, [b, t, k, n]: [usize; 4]) -> (Array, Array) {
    (case.activations("x", [b, t, k]), case.weights(n, k))
}

/// Compares every output, or a sample of them.
fn check(
    proof: &mut Proof,
    [b, t, k, n]: [usize; 4],
    precision: Precision,
    weights: WeightType,
    sampled: bool,
) {
    check_on(Device::Plain, proof, [b, t, k, n], (precision, weights), sampled);
}

fn check_on(
    device: Device,
    proof: &mut Proof,
    [b, t, k, n]: [usize; 4],
    (precision, weights): (Precision, WeightType),
    sampled: bool,
) {
    let case = proof.case(format!("{b}×{t}×{k} → {n}"), precision).with(weights).on(device);
    let (x, w) = numbers(&case, [b, t, k, n]);
    let ends = Ends::bias(&case, n);
    let shape = [b, t, n];
    let want = match sampled {
        false => Want::every(shape, |at| definition(&x, &w, &ends, at)),
        true => Want::sampled(&case, shape, |at| definition(&x, &w, &ends, at)),
    };
    proof.check(&case, want, move |gpu| {
        ends.on(gpu, |ends| x.on(gpu).matmul(&w.weight_on(gpu, weights), ends))
    });
}

#[test]
fn at_the_edges_of_tiles() {
    let mut proof = proof();
    let rows = sorted([edges(4), edges(16), edges(64)].concat());
    let outputs = sorted([edges_of_four(16), edges_of_four(32), edges_of_four(64)].concat());
    let inputs = sorted([edges_of_four(8), edges_of_four(32), edges_of_four(64)].concat());
    for precision in PRECISIONS {
        for weights in WEIGHTS {
            for &t in &rows {
                for &n in &outputs {
                    check(&mut proof, [1, t, 36, n], precision, weights, false);
                }
            }
            for &k in &inputs {
                for (t, n) in [(1, 4), (5, 36), (33, 68)] {
                    check(&mut proof, [2, t, k, n], precision, weights, false);
                }
            }
        }
    }
}

/// The definition is applied to what the blocks stand for, so it holds as exactly as for f16.
#[test]
fn with_quantised_weights() {
    let mut proof = proof();
    let outputs = sorted([edges_of_four(16), edges_of_four(32), edges_of_four(64)].concat());
    for precision in PRECISIONS {
        for weights in QUANTISED {
            for &n in &outputs {
                for (t, k) in [(1, 32), (9, 64), (35, 96)] {
                    check(&mut proof, [2, t, k, n], precision, weights, false);
                }
            }
            check(&mut proof, [1, 11, 1280, 320], precision, weights, false);
        }
    }
    for weights in QUANTISED {
        for n in [4, 28, 36, 64, 68, 140] {
            let types = (Precision::F32, weights);
            check_on(Device::Hardware, &mut proof, [1, 70, 64, n], types, false);
        }
    }
}

/// Where the proofs run on a software adapter, its tiles are not those of a real GPU.
#[test]
fn with_the_tiles_of_a_real_gpu() {
    let mut proof = proof();
    for precision in PRECISIONS {
        for t in sorted([edges(16), edges(64), edges(512)].concat()) {
            for n in sorted([edges_of_four(8), edges_of_four(32), edges_of_four(64)].concat()) {
                let types = (precision, WeightType::F16);
                check_on(Device::Hardware, &mut proof, [1, t, 12, n], types, false);
            }
        }
        for (t, k, n) in [(1, 36, 4), (63, 36, 60), (65, 20, 68), (130, 64, 132)] {
            let types = (precision, WeightType::F16);
            check_on(Device::Hardware, &mut proof, [1, t, k, n], types, false);
            check_on(Device::Direct, &mut proof, [1, t, k, n], types, false);
        }
    }
}

/// Many outputs in whole multiples of 128 have wide workgroups where these may have the memory;
/// each output is the same sum in the same order.
#[test]
fn in_wide_workgroups() {
    let mut proof = proof();
    for (t, k, n) in [(1, 12, 32768), (63, 36, 32768), (65, 20, 16384)] {
        for precision in PRECISIONS {
            let types = (precision, WeightType::F16);
            check_on(Device::Roomy, &mut proof, [1, t, k, n], types, true);
        }
    }
    for weights in WeightType::ALL {
        check_on(Device::Roomy, &mut proof, [1, 66, 32, 16384], (Precision::F32, weights), true);
    }
    for (parts, activation) in epilogues(Precision::F32).take(4) {
        let types = (Precision::F32, parts);
        with_epilogue(&mut proof, Device::Roomy, [2, 33, 8, 16384], types, activation);
    }
    let numbers = |n: usize| (0..n).map(|i| (i as f32 * 0.7391).sin()).collect::<Vec<f32>>();
    let (x, w) = (numbers(65 * 36), numbers(16384 * 36));
    let sums = |device| {
        let (x, w) = (x.clone(), w.clone());
        run(device, move |gpu| {
            let weight = Weight::empty(gpu, 36, 16384, WeightType::F16);
            weight.write(0, &w);
            let x = Tensor::from_f32(gpu, &x, [1, 65, 36], Precision::F32);
            let y = block_on(x.matmul(&weight, Epilogue::default()).to_f32()).unwrap();
            (y.into_iter().map(f32::to_bits).collect::<Vec<u32>>(), gpu.limits().workgroup)
        })
    };
    let [(narrow, lean), (wide, roomy)] = [Device::Hardware, Device::Roomy].map(sums);
    assert!(lean < 32 << 10 && roomy >= 32 << 10, "{lean} and {roomy} bytes");
    assert!(narrow == wide, "an output is one sum, whatever the workgroup");
}

/// A graphics card cuts many inputs of few outputs into slices: of any number of steps, the last of
/// which may end within one.
#[test]
fn in_slices_of_the_inputs() {
    let mut proof = proof();
    for precision in PRECISIONS {
        for (b, t, k, n) in
            [(1, 1, 1024, 516), (2, 65, 1028, 580), (1, 70, 1284, 548), (1, 3, 4100, 640)]
        {
            let types = (precision, WeightType::F16);
            check_on(Device::Hardware, &mut proof, [b, t, k, n], types, false);
        }
        for (parts, activation) in epilogues(precision) {
            with_epilogue(
                &mut proof,
                Device::Hardware,
                [3, 21, 1032, 516],
                (precision, parts),
                activation,
            );
        }
    }
    for weights in WeightType::ALL {
        let types = (Precision::F32, weights);
        check_on(Device::Hardware, &mut proof, [2, 35, 1056, 548], types, false);
    }
}

/// Products that are added by matrix units, of f16 numbers that f32 inputs are split into.
#[test]
#[ignore = "only on a graphics card with matrix units"]
fn on_matrix_units() {
    let tolerance = Tolerance { f32: 1e-9, f16: 2e-7 };
    let mut proof = Proof::new("matmul on matrix units", tolerance);
    for precision in PRECISIONS {
        for t in edges(64) {
            for n in sorted([edges_of_four(16), edges_of_four(64)].concat()) {
                for k in [12, 36, 64, 260, 1028] {
                    let types = (precision, WeightType::F16);
                    check_on(Device::Units, &mut proof, [1, t, k, n], types, false);
                }
            }
            check_on(
                Device::Units,
                &mut proof,
                [1, t, 1028, 580],
                (precision, WeightType::F16),
                false,
            );
        }
        for (parts, activation) in epilogues(precision) {
            for k in [40, 264] {
                with_epilogue(
                    &mut proof,
                    Device::Units,
                    [3, 21, k, 36],
                    (precision, parts),
                    activation,
                );
            }
        }
        let types = (precision, WeightType::F32);
        check_on(Device::Units, &mut proof, [1, 65, 260, 68], types, false);
    }
    // Their scale times their integer is rounded to f16.
    let tolerance = Tolerance { f32: 1e-7, f16: 1e-6 };
    let mut proof = Proof::new("matmul on matrix units, quantised", tolerance);
    for precision in PRECISIONS {
        for weights in QUANTISED {
            check_on(Device::Units, &mut proof, [2, 35, 544, 68], (precision, weights), false);
        }
    }
}

/// Sizes that end within a tile of 16 × 16, with it, and in another; smaller ones take smaller
/// tiles.
#[test]
fn with_wide_tiles() {
    let mut proof = proof();
    for (t, k, n) in [(31, 12, 60), (64, 36, 64), (15, 8, 12), (79, 20, 140), (9, 12, 36)] {
        let types = (Precision::F32, WeightType::F16);
        check_on(Device::Wide, &mut proof, [1, t, k, n], types, false);
    }
    for weights in QUANTISED {
        check_on(Device::Wide, &mut proof, [1, 31, 64, 60], (Precision::F32, weights), false);
    }
}

fn with_epilogue(
    proof: &mut Proof,
    device: Device,
    [b, t, k, n]: [usize; 4],
    (precision, parts): (Precision, [bool; 3]),
    activation: Activation,
) {
    let size = format!("{b}×{t}×{k} → {n}, {parts:?} {activation:?}");
    let case = proof.case(size, precision).with(WeightType::F16).on(device);
    let (x, w) = numbers(&case, [b, t, k, n]);
    let ends = Ends::some(&case, [b, t, n], parts, activation);
    let want = Want::every([b, t, n], |at| definition(&x, &w, &ends, at));
    proof.check(&case, want, move |gpu| {
        let w = w.weight_on(gpu, WeightType::F16);
        ends.on(gpu, |ends| x.on(gpu).matmul(&w, ends))
    });
}

#[test]
fn with_epilogues() {
    let mut proof = proof();
    for precision in PRECISIONS {
        for (parts, activation) in epilogues(precision) {
            // one row of each picture, as the time embedding has, and more than a tile's
            for (b, t) in [(2, 1), (3, 21)] {
                let types = (precision, parts);
                with_epilogue(&mut proof, Device::Plain, [b, t, 40, 36], types, activation);
            }
        }
    }
}

#[test]
fn of_an_image_and_of_plain_rows() {
    let mut proof = proof();
    let case = proof.case("2×3×5×8 → 12", Precision::F32).with(WeightType::F32);
    let (x, w) = (case.activations("x", [2, 3, 5, 8]), case.weights(12, 8));
    let ends = Ends::some(&case, [2, 3, 5, 12], [true; 3], Activation::Silu);
    let want = Want::every([2, 3, 5, 12], |[b, y, i, j]| {
        ends.apply(dot(x.row([b, y, i]), w.row([j])), [b, y, i, j])
    });
    proof.check(&case, want, move |gpu| {
        ends.on(gpu, |ends| x.on(gpu).matmul(&w.weight_on(gpu, WeightType::F32), ends))
    });

    let case = proof.case("7×8 → 12", Precision::F32).with(WeightType::F32);
    let (x, w) = (case.activations("x", [7, 8]), case.weights(12, 8));
    let want = Want::every([7, 12], |[r, j]| dot(x.row([r]), w.row([j])));
    proof.check(&case, want, move |gpu| {
        x.on(gpu).matmul(&w.weight_on(gpu, WeightType::F32), Epilogue::default())
    });
}

/// Some of the outputs alone, where several layers share a matrix.
#[test]
fn of_a_part_of_the_outputs() {
    let mut proof = proof();
    for (precision, weights) in
        [(Precision::F32, WeightType::F32), (Precision::F16, WeightType::F16)]
    {
        for outputs in [0..64, 64..128, 64..132, 128..200] {
            let case = proof.case(format!("3×12 → {outputs:?} of 200"), precision).with(weights);
            let (x, w) = (case.activations("x", [1, 3, 12]), case.weights(200, 12));
            let bias = case.parameters("bias", [200]);
            let want = Want::every([1, 3, outputs.len()], |[_, t, j]| {
                let j = outputs.start + j;
                dot(x.row([0, t]), w.row([j])) + bias.at([j])
            });
            proof.check(&case, want, move |gpu| {
                let weight = w.weight_on(gpu, weights).part(outputs.clone());
                let bias = bias.on(gpu).part(outputs);
                x.on(gpu).matmul(&weight, Epilogue { bias: Some(&bias), ..Epilogue::default() })
            });
        }
    }
}

#[test]
fn with_more_rows_than_a_dispatch_has_groups() {
    let mut proof = proof();
    for precision in PRECISIONS {
        check(&mut proof, [1, 70_001, 4, 4], precision, WeightType::F16, false);
    }
}

#[test]
fn with_the_matrices_of_the_model() {
    let mut proof = proof();
    for precision in PRECISIONS {
        for (rows, k, n) in [&UNET_MATRICES[..], &VAE_MATRICES].concat() {
            check(&mut proof, [1, rows.min(11), k, n], precision, WeightType::F16, false);
        }
    }
}

#[test]
#[ignore = "minutes: the full size of Stable Diffusion v1.4"]
fn at_full_size() {
    let mut proof = proof();
    for (precision, step) in FEWER_IN_F16 {
        for (rows, k, n) in UNET_MATRICES.into_iter().step_by(step) {
            check(&mut proof, [2, rows, k, n], precision, WeightType::F16, true);
        }
        for (rows, k, n) in VAE_MATRICES.into_iter().step_by(step) {
            check(&mut proof, [1, rows, k, n], precision, WeightType::F16, true);
        }
        check(&mut proof, [2, 256, 1280, 10240], precision, WeightType::F32, true);
    }
}

/// A picture's sums do not depend on how many others are computed with it.
#[test]
fn a_picture_is_the_same_alone_and_among_others() {
    const SIZE: [usize; 3] = [70, 1028, 580];
    let [t, k, n] = SIZE;
    let numbers = |count: usize, step: f32| -> Vec<f32> {
        (0..count).map(|i| (i as f32 * step).sin()).collect()
    };
    let (x, w) = (numbers(3 * t * k, 0.7391), numbers(n * k, 0.3117));
    let bits = run(Device::Hardware, move |gpu| {
        let weight = Weight::empty(gpu, k, n, WeightType::F16);
        weight.write(0, &w);
        let product = |x: &[f32]| {
            let x = Tensor::from_f32(gpu, x, [x.len() / t / k, t, k], Precision::F32);
            let y = block_on(x.matmul(&weight, Epilogue::default()).to_f32()).unwrap();
            y.into_iter().map(f32::to_bits).collect::<Vec<u32>>()
        };
        [product(&x), product(&x[..t * k])]
    });
    assert_eq!(bits[0][..t * n], bits[1]);
}
