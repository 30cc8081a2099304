//! Proof of `group_norm`: each group of channels of each picture, over all its pixels, to mean 0
//! and variance 1, then `· γ + β` per channel, then the function.

use crate::harness::gpu::Device;
use crate::harness::maths::activation;
use crate::harness::shapes::{NORMS, edges, sorted};
use crate::harness::{Array, Case, FEWER_IN_F16, PRECISIONS, Proof, Tolerance, Want};
use darkroom::Precision;
use darkroom::gpu::Gpu;
use darkroom::ops::Activation;
use darkroom::tensor::Tensor;

fn proof() -> Proof {
    Proof::new("group_norm", Tolerance { f32: 1e-11, f16: 2e-7 })
}

/// Mean and 1/√(variance + ε) of every picture and group.
fn statistics(x: &Array, groups: usize, eps: f64) -> Vec<(f64, f64)> {
    let [b, h, w, c] = *x.shape() else { panic!("an image") };
    let each = c / groups;
    let mut all = vec![];
    for picture in 0..b {
        for group in 0..groups {
            let values = || {
                let rows = (0..h * w).map(move |i| x.row([picture, i / w, i % w]));
                rows.flat_map(move |row| &row[group * each..(group + 1) * each])
                    .map(|&v| f64::from(v))
            };
            let count = (h * w * each) as f64;
            let mean = values().sum::<f64>() / count;
            let variance = values().map(|v| (v - mean) * (v - mean)).sum::<f64>() / count;
            all.push((mean, 1.0 / (variance + eps).sqrt()));
        }
    }
    all
}

struct Norm {
    shape: [usize; 4],
    groups: usize,
    eps: f32,
    function: Activation,
}

/// Compares every output, or a sample of them.
fn check(proof: &mut Proof, case: &Case, x: Array, norm: &Norm, sampled: bool) {
    let Norm { shape, groups, eps, function } = *norm;
    let c = shape[3];
    let (gamma, beta) = (case.parameters("gamma", [c]), case.parameters("beta", [c]));
    let statistics = statistics(&x, groups, f64::from(eps));
    let definition = |[b, y, i, j]: [usize; 4]| {
        let (mean, scale) = statistics[b * groups + j / (c / groups)];
        let normal = (x.at([b, y, i, j]) - mean) * scale;
        activation(function, normal * gamma.at([j]) + beta.at([j]))
    };
    let want = match sampled {
        false => Want::every(shape, definition),
        true => Want::sampled(case, shape, definition),
    };
    proof.check(case, want, move |gpu| {
        x.on(gpu).group_norm(groups, &gamma.on(gpu), &beta.on(gpu), eps, function)
    });
}

fn name(shape: [usize; 4], groups: usize) -> String {
    format!("{shape:?} in {groups} groups")
}

#[test]
fn over_edge_sizes() {
    let mut proof = proof();
    // channels of a group: 1, 1, 4, 4, 5, 5, 9, 10, 16, 20, 3
    let groupings = [(4, 4), (8, 8), (4, 1), (12, 3), (40, 8), (20, 4), (36, 4), (320, 32)];
    let more = [(64, 4), (80, 4), (96, 32)];
    let widths = sorted([edges(4), edges(16), edges(32), edges(64)].concat());
    for precision in PRECISIONS {
        for (i, &(c, groups)) in groupings.iter().chain(&more).enumerate() {
            for &w in &widths {
                let shape = [2, 1 + (i + w) % 3, w, c];
                let case = proof.case(name(shape, groups), precision);
                let x = case.activations("x", shape);
                let function = if w % 2 == 0 { Activation::Silu } else { Activation::Identity };
                let norm = Norm { shape, groups, eps: 1e-5, function };
                check(&mut proof, &case, x, &norm, false);
            }
        }
    }
}

/// More pixels than one workgroup takes: statistics of chunks, merged.
#[test]
fn in_chunks() {
    let mut proof = proof();
    let groupings = [(4, 4), (4, 1), (12, 3), (40, 8), (20, 4), (36, 4), (96, 32)];
    for (precision, step) in FEWER_IN_F16 {
        for (c, groups) in groupings.into_iter().step_by(step) {
            let shape = [2, 66, 63, c];
            let case = proof.case(name(shape, groups), precision);
            let x = case.activations("x", shape);
            let norm = Norm { shape, groups, eps: 1e-5, function: Activation::Silu };
            check(&mut proof, &case, x, &norm, false);
        }
    }
    // and a group wider than a workgroup has invocations
    let shape = [1, 3, 5, 512];
    let case = proof.case(name(shape, 1), Precision::F32);
    let x = case.activations("x", shape);
    let norm = Norm { shape, groups: 1, eps: 1e-5, function: Activation::Identity };
    check(&mut proof, &case, x, &norm, false);
}

/// One dispatch for small inputs, three for others: for those of many pixels, several chunks of
/// them, and for those whose groups are wider than the one dispatch's workgroup.
#[test]
fn with_the_kernels_of_a_real_gpu() {
    let mut proof = proof();
    let groupings = [(4, 1), (4, 4), (12, 4), (40, 8), (20, 4), (128, 32), (320, 32)];
    for precision in PRECISIONS {
        for (i, (c, groups)) in groupings.into_iter().enumerate() {
            for [h, w] in [[1, 1], [7, 9], [5, 13], [17, 31], [64, 64], [63, 65]] {
                let shape = [2, h, w, c];
                let case = proof.case(name(shape, groups), precision).on(Device::Hardware);
                let x = case.activations("x", shape);
                let function = [Activation::Silu, Activation::Identity][(i + w) % 2];
                let norm = Norm { shape, groups, eps: 1e-5, function };
                check(&mut proof, &case, x, &norm, false);
            }
        }
        for (groups, c) in [(1, 320), (8, 2560), (32, 2560)] {
            for rows in [1, 15, 63, 65, 300] {
                let shape = [1, rows, 1, c];
                let case = proof.case(name(shape, groups), precision).on(Device::Hardware);
                let x = case.activations("x", shape);
                let norm = Norm { shape, groups, eps: 1e-6, function: Activation::Identity };
                check(&mut proof, &case, x, &norm, true);
            }
        }
    }
}

/// Two pictures at once are normalised as each alone, to the bit.
#[test]
fn of_a_batch_is_that_of_its_pictures() {
    for (device, [h, w]) in [(Device::Plain, [9, 7]), (Device::Hardware, [33, 31])] {
        let case = Case::new("group_norm", "a batch", Precision::F32).on(device);
        let shape = [2, h, w, 40];
        let (x, gamma) = (case.activations("x", shape), case.parameters("gamma", [40]));
        let each = h * w * 40;
        let run = |x: Vec<f32>, shape: [usize; 4]| {
            let gamma = gamma.clone();
            let job = move |gpu: &Gpu| {
                let x = Tensor::from_f32(gpu, &x, shape, Precision::F32);
                let gamma = gamma.on(gpu);
                x.group_norm(8, &gamma, &gamma, 1e-5, Activation::Silu)
            };
            case.run(job, &shape)
        };
        let numbers: Vec<f32> = x.values().to_vec();
        let both = run(numbers.clone(), shape);
        for (picture, of_both) in both.chunks(each).enumerate() {
            let own = numbers[picture * each..(picture + 1) * each].to_vec();
            assert!(run(own, [1, h, w, 40]) == of_both, "picture {picture} on {device:?}");
        }
    }
}

/// E[x²] − E[x]² in f32 has nothing left here: the mean is three hundred times the deviation.
#[test]
fn survives_a_large_mean() {
    let mut proof = Proof::new("group_norm", Tolerance { f32: 1e-8, f16: 2e-7 });
    let shapes = [([1, 16, 16, 320], 32), ([2, 33, 31, 40], 8), ([1, 65, 64, 40], 8)];
    for device in [Device::Plain, Device::Hardware] {
        for (shape, groups) in shapes {
            let case = proof.case(name(shape, groups) + ", large mean", Precision::F32).on(device);
            let random = case.random("x");
            let x = Array::from_fn(shape, |i| 300.0 + random.normal(i));
            let norm = Norm { shape, groups, eps: 1e-6, function: Activation::Identity };
            check(&mut proof, &case, x, &norm, false);
        }
    }
}

#[test]
fn does_not_see_the_scale_of_its_input() {
    let mut proof = proof();
    let shape = [1, 6, 7, 40];
    for scale in [1e-2f32, 16.0, 1e4] {
        let case = proof.case("scaled", Precision::F32);
        let random = case.random("x");
        let x = Array::from_fn(shape, |i| random.normal(i));
        let scaled = Array::from_fn(shape, |i| random.normal(i) * scale);
        let statistics = statistics(&x, 8, 0.0);
        let want = Want::every(shape, |[b, y, i, j]| {
            let (mean, scale) = statistics[b * 8 + j / 5];
            (x.at([b, y, i, j]) - mean) * scale
        });
        proof.check(&case, want, move |gpu| {
            let one = Array::new([40], vec![1.0; 40]).on(gpu);
            let zero = Array::new([40], vec![0.0; 40]).on(gpu);
            scaled.on(gpu).group_norm(8, &one, &zero, 1e-12, Activation::Identity)
        });
    }
}

/// Where the variance is as small as ε, a wrong ε shows.
#[test]
fn counts_epsilon() {
    let mut proof = proof();
    for eps in [1e-5, 1e-6] {
        for precision in PRECISIONS {
            let shape = [2, 5, 7, 40];
            let case = proof.case(format!("ε {eps:e}"), precision);
            let random = case.random("x");
            let x = Array::from_fn(shape, |i| random.normal(i) * 2e-3).stored(precision);
            let norm = Norm { shape, groups: 8, eps, function: Activation::Identity };
            check(&mut proof, &case, x, &norm, false);
        }
    }
}

#[test]
fn with_the_channels_of_the_model() {
    let mut proof = proof();
    for precision in PRECISIONS {
        for (side, c) in NORMS {
            let side = side.min(9);
            let shape = [2, side, side - 1, c];
            for (eps, function) in [(1e-5, Activation::Silu), (1e-6, Activation::Identity)] {
                let case = proof.case(name(shape, 32), precision);
                let x = case.activations("x", shape);
                let norm = Norm { shape, groups: 32, eps, function };
                check(&mut proof, &case, x, &norm, false);
            }
        }
    }
}

#[test]
fn with_more_pixels_than_a_dispatch_has_groups() {
    let mut proof = proof();
    for device in [Device::Plain, Device::Hardware] {
        for precision in PRECISIONS {
            let shape = [1, 257, 263, 8];
            let case = proof.case(name(shape, 2), precision).on(device);
            let x = case.activations("x", shape);
            let norm = Norm { shape, groups: 2, eps: 1e-5, function: Activation::Silu };
            check(&mut proof, &case, x, &norm, false);
        }
    }
}

#[test]
#[ignore = "minutes: the full size of Stable Diffusion v1.4"]
fn at_full_size() {
    let mut proof = proof();
    for (precision, step) in FEWER_IN_F16 {
        for (side, c) in NORMS.into_iter().step_by(step) {
            let shape = [1, side, side, c];
            let case = proof.case(name(shape, 32), precision);
            let x = case.activations("x", shape);
            let norm = Norm { shape, groups: 32, eps: 1e-6, function: Activation::Silu };
            check(&mut proof, &case, x, &norm, true);
        }
    }
}

/// The largest of one dispatch: Mesa's llvmpipe ends an invocation's loops after 65,535 iterations.
#[test]
fn with_as_many_values_of_an_invocation_as_v1_4_has() {
    let mut proof = proof();
    for precision in PRECISIONS {
        for (shape, groups) in [([1, 64, 64, 960], 32), ([1, 64, 64, 68], 2), ([1, 64, 64, 76], 1)]
        {
            let case = proof.case(name(shape, groups), precision);
            let x = case.activations("x", shape);
            let norm = Norm { shape, groups, eps: 1e-6, function: Activation::Silu };
            check(&mut proof, &case, x, &norm, true);
        }
    }
}
