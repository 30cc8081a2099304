//! Proof of `matmul_gated`, the transformer's gated linear unit: `a · gelu(g)`, where a is the
//! first half of the outputs of `x·Wᵀ + b` and g the second.

use crate::harness::gpu::Device;
use crate::harness::maths::{activation, dot};
use crate::harness::shapes::{edges, edges_of_four, sorted};
use crate::harness::{FEWER_IN_F16, PRECISIONS, Proof, Tolerance, WEIGHTS, Want};
use darkroom::ops::Activation;
use darkroom::{Precision, WeightType};

fn proof() -> Proof {
    Proof::new("matmul_gated", Tolerance { f32: 1e-11, f16: 2e-7 })
}

/// Inputs, outputs and how they are made.
#[derive(Clone, Copy)]
struct Unit {
    /// Pictures, rows of one, inputs, outputs.
    size: [usize; 4],
    gelu: Activation,
    bias: bool,
    device: Device,
}

const PLAIN: Unit =
    Unit { size: [1; 4], gelu: Activation::Gelu, bias: true, device: Device::Plain };

fn check(proof: &mut Proof, unit: Unit, types: (Precision, WeightType), sampled: bool) {
    let Unit { size: [b, t, k, n], gelu, bias, device } = unit;
    let (precision, weights) = types;
    let name = format!("{b}×{t}×{k} → {n} by {gelu:?}, bias {bias}");
    let case = proof.case(name, precision).with(weights).on(device);
    let (x, w) = (case.activations("x", [b, t, k]), case.weights(2 * n, k));
    let biases = bias.then(|| case.parameters("bias", [2 * n]));
    let half = |[b, t]: [usize; 2], j: usize| {
        dot(x.row([b, t]), w.row([j])) + biases.as_ref().map_or(0.0, |biases| biases.at([j]))
    };
    let definition =
        |[b, t, j]: [usize; 3]| half([b, t], j) * activation(gelu, half([b, t], n + j));
    let want = match sampled {
        false => Want::every([b, t, n], definition),
        true => Want::sampled(&case, [b, t, n], definition),
    };
    proof.check(&case, want, move |gpu| {
        let biases = biases.map(|biases| biases.on(gpu));
        x.on(gpu).matmul_gated(&w.weight_on(gpu, weights), biases.as_ref(), gelu)
    });
}

#[test]
fn over_edge_sizes() {
    let mut proof = proof();
    // halves that end within a panel of 32 outputs, and with it
    let outputs = sorted([edges_of_four(16), edges_of_four(32), edges_of_four(64)].concat());
    for precision in PRECISIONS {
        for weights in WEIGHTS {
            for &n in &outputs {
                for t in sorted([edges(8), edges(64)].concat()) {
                    let unit = Unit { size: [1, t, 12, n], ..PLAIN };
                    check(&mut proof, unit, (precision, weights), false);
                }
            }
        }
    }
}

#[test]
fn with_the_tiles_of_a_real_gpu() {
    let mut proof = proof();
    for (precision, step) in FEWER_IN_F16 {
        for n in [4, 28, 32, 36, 64, 132].into_iter().step_by(step) {
            let unit = Unit { size: [2, 65, 12, n], device: Device::Hardware, ..PLAIN };
            check(&mut proof, unit, (precision, WeightType::F16), false);
        }
    }
    for n in [28, 64] {
        for device in [Device::Direct, Device::Wide] {
            let unit = Unit { size: [2, 31, 36, n], device, ..PLAIN };
            check(&mut proof, unit, (Precision::F32, WeightType::F16), false);
        }
    }
}

/// Of 128 outputs of a wide workgroup, 64 are values and 64 their gates.
#[test]
fn in_wide_workgroups() {
    let mut proof = proof();
    for precision in PRECISIONS {
        let unit = Unit { size: [1, 65, 12, 8192], device: Device::Roomy, ..PLAIN };
        check(&mut proof, unit, (precision, WeightType::F16), true);
    }
}

#[test]
#[ignore = "only on a graphics card with matrix units"]
fn on_matrix_units() {
    let tolerance = Tolerance { f32: 1e-9, f16: 4e-7 };
    let mut proof = Proof::new("matmul_gated on matrix units", tolerance);
    for precision in PRECISIONS {
        for n in [4, 28, 32, 36, 64, 132] {
            let unit = Unit { size: [2, 65, 44, n], device: Device::Units, ..PLAIN };
            check(&mut proof, unit, (precision, WeightType::F16), false);
        }
    }
}

#[test]
fn by_every_function_with_and_without_a_bias() {
    let mut proof = proof();
    for gelu in [Activation::Gelu, Activation::GeluTanh, Activation::Silu] {
        for bias in [false, true] {
            let unit = Unit { size: [2, 19, 36, 44], gelu, bias, ..PLAIN };
            check(&mut proof, unit, (Precision::F32, WeightType::F16), false);
        }
    }
}

#[test]
fn with_the_channels_of_the_model() {
    let mut proof = proof();
    for precision in PRECISIONS {
        for c in [320, 640, 1280] {
            let unit = Unit { size: [2, 3, c, 4 * c], ..PLAIN };
            check(&mut proof, unit, (precision, WeightType::F16), true);
        }
    }
}

#[test]
#[ignore = "seconds: the full size of Stable Diffusion v1.4"]
fn at_full_size() {
    let mut proof = proof();
    for (precision, step) in FEWER_IN_F16 {
        let sizes = [(4096, 320), (1024, 640), (256, 1280), (64, 1280)];
        for (t, c) in sizes.into_iter().step_by(step) {
            let unit = Unit { size: [2, t, c, 4 * c], ..PLAIN };
            check(&mut proof, unit, (precision, WeightType::F16), true);
        }
    }
}
