//! Proof of `conv2d`: `y[b, y, x, j] = activation(Σ input[b, y·s + ky − p, x·s + kx − p, i] ·
//! w[j, ky, kx, i] + bias[j] + shift[b, j]) + residual[b, y, x, j]`, zero outside of the input.

use crate::harness::epilogue::{Ends, epilogues};
use crate::harness::gpu::Device;
use crate::harness::maths::dot;
use crate::harness::shapes::{Conv, UNET_CONVS, VAE_CONVS, edges, edges_of_four, sorted};
use crate::harness::{Array, FEWER_IN_F16, PRECISIONS, Proof, QUANTISED, Tolerance, WEIGHTS, Want};
use darkroom::ops::{Activation, Epilogue, Window};
use darkroom::{Precision, WeightType};

const SAME: Window = Window { kernel: 3, stride: 1, padding: [1, 1], resize: None };
const HALVE: Window = Window { stride: 2, ..SAME };
/// As the VAE's encoder halves: zeros after the last row and column only.
const HALVE_AFTER: Window = Window { stride: 2, padding: [0, 1], ..SAME };

fn proof() -> Proof {
    Proof::new("conv2d", Tolerance { f32: 1e-11, f16: 2e-7 })
}

/// A convolution to check: its input `[b, h, w, c]`, its outputs, its window.
#[derive(Clone, Copy)]
struct Size {
    input: [usize; 4],
    n: usize,
    window: Window,
}

impl Size {
    fn output(&self) -> [usize; 4] {
        let [b, h, w, _] = self.input;
        let Window { kernel, stride, padding, resize } = self.window;
        let [h, w] = resize.unwrap_or([h, w]);
        let side = |n: usize| (n + padding[0] + padding[1] - kernel) / stride + 1;
        [b, side(h), side(w), self.n]
    }

    /// The sum over the window at one place of the output.
    fn sum(&self, x: &Array, weight: &Array, [b, oy, ox, j]: [usize; 4]) -> f64 {
        let [_, h, w, c] = self.input;
        let Window { kernel, stride, padding, resize } = self.window;
        let [rh, rw] = resize.unwrap_or([h, w]);
        let mut sum = 0.0;
        for ky in 0..kernel {
            for kx in 0..kernel {
                let (y, x_) = (oy * stride + ky, ox * stride + kx);
                let inside = y >= padding[0] && x_ >= padding[0];
                if inside && y - padding[0] < rh && x_ - padding[0] < rw {
                    let pixel = [b, (y - padding[0]) * h / rh, (x_ - padding[0]) * w / rw];
                    let tap = (ky * kernel + kx) * c;
                    sum += dot(x.row(pixel), &weight.row([j])[tap..tap + c]);
                }
            }
        }
        sum
    }

    fn name(&self) -> String {
        let ([b, h, w, c], n) = (self.input, self.n);
        let Window { kernel, stride, padding: [before, after], resize } = self.window;
        let resized = resize.map_or(String::new(), |[h, w]| format!(" as {h}×{w}"));
        format!("{b}×{h}×{w}×{c}{resized} → {n}, {kernel}×{kernel}/{stride} +{before}+{after}")
    }
}

/// Compares every output, or a sample of them.
fn check(proof: &mut Proof, size: Size, precision: Precision, weights: WeightType, sampled: bool) {
    check_on(Device::Plain, proof, size, (precision, weights), sampled);
}

fn check_on(
    device: Device,
    proof: &mut Proof,
    size: Size,
    (precision, weights): (Precision, WeightType),
    sampled: bool,
) {
    let case = proof.case(size.name(), precision).with(weights).on(device);
    let Size { input, n, window } = size;
    let (x, w) =
        (case.activations("x", input), case.weights(n, window.kernel * window.kernel * input[3]));
    let ends = Ends::bias(&case, n);
    let definition = |at: [usize; 4]| ends.apply(size.sum(&x, &w, at), at);
    let want = match sampled {
        false => Want::every(size.output(), definition),
        true => Want::sampled(&case, size.output(), definition),
    };
    proof.check(&case, want, move |gpu| {
        ends.on(gpu, |ends| x.on(gpu).conv2d(&w.weight_on(gpu, weights), window, ends))
    });
}

#[test]
fn at_the_edges_of_tiles() {
    let mut proof = proof();
    let sides = sorted([edges(4), edges(8), edges(16)].concat());
    let channels = sorted([edges_of_four(8), edges_of_four(32)].concat());
    for precision in PRECISIONS {
        for weights in WEIGHTS {
            for &w in &sides {
                for (h, n) in [(1, 36), (3, 4), (8, 68)] {
                    let size = Size { input: [1, h, w, 8], n, window: SAME };
                    check(&mut proof, size, precision, weights, false);
                }
            }
            for &c in &channels {
                for &n in &channels {
                    let size = Size { input: [2, 3, 5, c], n, window: SAME };
                    check(&mut proof, size, precision, weights, false);
                }
            }
        }
    }
}

/// The definition is applied to what the blocks stand for, so it holds as exactly as for f16.
#[test]
fn with_quantised_weights() {
    let mut proof = proof();
    for precision in PRECISIONS {
        for weights in QUANTISED {
            for (c, n) in [(32, 4), (32, 36), (64, 28), (96, 68), (64, 32)] {
                let size = Size { input: [2, 3, 5, c], n, window: SAME };
                check(&mut proof, size, precision, weights, false);
            }
        }
    }
    for weights in QUANTISED {
        for window in [HALVE, Window { kernel: 1, padding: [0, 0], ..SAME }] {
            let size = Size { input: [2, 3, 5, 64], n: 36, window };
            check(&mut proof, size, Precision::F32, weights, false);
        }
    }
    for weights in QUANTISED {
        for n in [4, 36, 140] {
            let size = Size { input: [1, 3, 17, 32], n, window: SAME };
            let types = (Precision::F32, weights);
            check_on(Device::Hardware, &mut proof, size, types, false);
        }
    }
}

/// Where the proofs run on a software adapter, its tiles are not those of a real GPU.
#[test]
fn with_the_tiles_of_a_real_gpu() {
    let mut proof = proof();
    for precision in PRECISIONS {
        for w in sorted([edges(8), edges(16), edges(64)].concat()) {
            for n in [4, 8, 12, 28, 32, 36, 60, 64, 68, 140] {
                let types = (precision, WeightType::F16);
                let size = Size { input: [1, 3, w, 4], n, window: SAME };
                check_on(Device::Hardware, &mut proof, size, types, false);
            }
        }
        for (w, c, n) in [(5, 20, 4), (21, 16, 60), (22, 36, 68)] {
            let size = Size { input: [2, 3, w, c], n, window: SAME };
            let types = (precision, WeightType::F16);
            check_on(Device::Hardware, &mut proof, size, types, false);
            check_on(Device::Direct, &mut proof, size, types, false);
        }
    }
    for window in [HALVE, Window { resize: Some([6, 30]), ..SAME }] {
        let size = Size { input: [2, 5, 15, 20], n: 36, window };
        check_on(Device::Hardware, &mut proof, size, (Precision::F32, WeightType::F16), false);
    }
}

/// Many outputs in whole multiples of 128 have wide workgroups where these may have the memory.
#[test]
fn in_wide_workgroups() {
    let mut proof = proof();
    for precision in PRECISIONS {
        let size = Size { input: [2, 3, 11, 8], n: 16384, window: SAME };
        check_on(Device::Roomy, &mut proof, size, (precision, WeightType::F16), true);
    }
    for window in [HALVE, Window { resize: Some([6, 30]), ..SAME }] {
        let size = Size { input: [2, 7, 20, 20], n: 16384, window };
        check_on(Device::Roomy, &mut proof, size, (Precision::F32, WeightType::F16), true);
    }
}

/// A graphics card cuts many inputs of few outputs into slices, which begin within a row of the
/// window and within the channels of one of its pixels.
#[test]
fn in_slices_of_the_inputs() {
    let mut proof = proof();
    for precision in PRECISIONS {
        for (input, n) in [([2, 3, 5, 116], 516), ([1, 3, 8, 120], 548), ([2, 2, 2, 260], 580)] {
            let size = Size { input, n, window: SAME };
            let types = (precision, WeightType::F16);
            check_on(Device::Hardware, &mut proof, size, types, false);
        }
    }
    for window in [HALVE, HALVE_AFTER, Window { resize: Some([8, 6]), ..SAME }] {
        let size = Size { input: [2, 4, 3, 128], n: 548, window };
        check_on(Device::Hardware, &mut proof, size, (Precision::F32, WeightType::Q8_0), false);
    }
}

#[test]
#[ignore = "only on a graphics card with matrix units"]
fn on_matrix_units() {
    let tolerance = Tolerance { f32: 1e-9, f16: 2e-7 };
    let mut proof = Proof::new("conv2d on matrix units", tolerance);
    for precision in PRECISIONS {
        for (input, n) in [([1, 3, 65, 4], 4), ([2, 3, 5, 36], 68), ([2, 2, 2, 260], 580)] {
            for window in [SAME, HALVE, HALVE_AFTER, Window { resize: Some([8, 6]), ..SAME }] {
                let size = Size { input, n, window };
                let types = (precision, WeightType::F16);
                check_on(Device::Units, &mut proof, size, types, false);
            }
        }
    }
}

/// Sizes that end within a tile of 16 × 16, with it, and in another.
#[test]
fn with_wide_tiles() {
    let mut proof = proof();
    let types = (Precision::F32, WeightType::F16);
    for (w, c, n) in [(5, 8, 60), (8, 20, 64), (13, 4, 140)] {
        let size = Size { input: [2, 3, w, c], n, window: SAME };
        check_on(Device::Wide, &mut proof, size, types, false);
    }
    let size = Size { input: [1, 5, 6, 8], n: 28, window: HALVE };
    check_on(Device::Wide, &mut proof, size, types, false);
}

#[test]
fn with_every_window() {
    let mut proof = proof();
    let windows = [(3, 1), (1, 1), (2, 2), (3, 2), (1, 2), (5, 3)];
    // each is a kernel to compile; f16 differs in how elements are read and written only
    for (precision, step) in FEWER_IN_F16 {
        for (kernel, stride) in windows.into_iter().step_by(step) {
            for padding in [[0, 0], [0, 1], [1, 0], [1, 1], [2, 2]] {
                for resize in [None, Some([10, 14]), Some([9, 13]), Some([5, 20])] {
                    let window = Window { kernel, stride, padding, resize };
                    let size = Size { input: [2, 5, 7, 8], n: 12, window };
                    check(&mut proof, size, precision, WeightType::F16, false);
                }
            }
        }
        // patches, as CLIP's vision model cuts them
        let window = Window { kernel: 14, stride: 14, padding: [0, 0], resize: None };
        let size = Size { input: [1, 56, 42, 4], n: 36, window };
        check(&mut proof, size, precision, WeightType::F16, false);
    }
}

#[test]
fn with_epilogues() {
    let mut proof = proof();
    for precision in PRECISIONS {
        for (parts, activation) in epilogues(precision) {
            let size = Size { input: [3, 3, 5, 8], n: 36, window: SAME };
            let name = format!("{}, {parts:?} {activation:?}", size.name());
            let case = proof.case(name, precision).with(WeightType::F16);
            let (x, w) = (case.activations("x", size.input), case.weights(size.n, 72));
            let ends = Ends::some(&case, size.output(), parts, activation);
            let want = Want::every(size.output(), |at| ends.apply(size.sum(&x, &w, at), at));
            proof.check(&case, want, move |gpu| {
                let w = w.weight_on(gpu, WeightType::F16);
                ends.on(gpu, |ends| x.on(gpu).conv2d(&w, size.window, ends))
            });
        }
    }
}

/// The activation of the sum with the residual, as in a block of TAESD.
#[test]
fn with_the_activation_last() {
    let mut proof = proof();
    for precision in PRECISIONS {
        for activation in [Activation::Relu, Activation::Silu] {
            let size = Size { input: [2, 3, 5, 8], n: 36, window: SAME };
            let name = format!("{}, then {activation:?}", size.name());
            let case = proof.case(name, precision).with(WeightType::F16);
            let (x, w) = (case.activations("x", size.input), case.weights(size.n, 72));
            let ends = Ends::some(&case, size.output(), [true, false, true], activation);
            let ends = ends.activated_last();
            let want = Want::every(size.output(), |at| ends.apply(size.sum(&x, &w, at), at));
            proof.check(&case, want, move |gpu| {
                let w = w.weight_on(gpu, WeightType::F16);
                ends.on(gpu, |ends| x.on(gpu).conv2d(&w, size.window, ends))
            });
        }
    }
}

/// The convolution of a single one is the kernel, turned by half a turn.
#[test]
fn of_a_single_one_is_the_kernel() {
    let mut proof = proof();
    let case = proof.case("of a single one", Precision::F32).with(WeightType::F32);
    let x = Array::from_fn([1, 3, 3, 4], |i| if i == 4 * 4 { 1.0 } else { 0.0 });
    let w = case.weights(8, 36);
    let want = Want::every([1, 3, 3, 8], |[_, y, x, j]| {
        let (ky, kx) = (2 - y, 2 - x);
        w.at([j, (ky * 3 + kx) * 4])
    });
    proof.check(&case, want, move |gpu| {
        x.on(gpu).conv2d(&w.weight_on(gpu, WeightType::F32), SAME, Epilogue::default())
    });
}

/// A kernel of one pixel is a matmul.
#[test]
fn of_one_pixel_is_a_matmul() {
    let mut proof = proof();
    let case = proof.case("1×1", Precision::F32).with(WeightType::F32);
    let (x, w) = (case.activations("x", [2, 5, 7, 12]), case.weights(20, 12));
    let window = Window { kernel: 1, stride: 1, padding: [0, 0], resize: None };
    let want = Want::every([2, 5, 7, 20], |[b, y, i, j]| dot(x.row([b, y, i]), w.row([j])));
    proof.check(&case, want, move |gpu| {
        x.on(gpu).conv2d(&w.weight_on(gpu, WeightType::F32), window, Epilogue::default())
    });
}

/// A convolution of the model with its side replaced.
fn of_model(conv: &Conv, b: usize, side: usize, halve: Window) -> Size {
    let window = match conv {
        Conv { resize: Some(to), .. } => {
            let to = to * side / conv.side;
            Window { resize: Some([to, to]), ..SAME }
        }
        Conv { stride: 2, .. } => halve,
        _ => SAME,
    };
    Size { input: [b, side, side, conv.c], n: conv.n, window }
}

#[test]
fn with_the_kernels_of_the_unet() {
    let mut proof = proof();
    for (precision, step) in FEWER_IN_F16 {
        for conv in UNET_CONVS.iter().step_by(step) {
            let side = if conv.resize.is_some() { 2 } else { 4 };
            let size = of_model(conv, 1, side, HALVE);
            check(&mut proof, size, precision, WeightType::F16, false);
        }
    }
}

#[test]
fn with_the_kernels_of_the_vae() {
    let mut proof = proof();
    for precision in PRECISIONS {
        for conv in &VAE_CONVS {
            let side = if conv.resize.is_some() { 3 } else { 6 };
            let size = of_model(conv, 1, side, HALVE_AFTER);
            check(&mut proof, size, precision, WeightType::F16, false);
        }
    }
}

#[test]
#[ignore = "minutes: the full size of Stable Diffusion v1.4"]
fn at_full_size_of_the_unet() {
    let mut proof = proof();
    for (precision, step) in FEWER_IN_F16 {
        for conv in UNET_CONVS.iter().step_by(step) {
            let size = of_model(conv, 2, conv.side, HALVE);
            check(&mut proof, size, precision, WeightType::F16, true);
        }
        let widest = of_model(&UNET_CONVS[10], 2, 8, HALVE);
        check(&mut proof, widest, precision, WeightType::F32, true);
    }
}

#[test]
#[ignore = "many minutes: the full size of Stable Diffusion v1.4"]
fn at_full_size_of_the_vae() {
    let mut proof = proof();
    for (precision, step) in FEWER_IN_F16 {
        for conv in VAE_CONVS.iter().step_by(step) {
            let size = of_model(conv, 1, conv.side, HALVE_AFTER);
            check(&mut proof, size, precision, WeightType::F16, true);
        }
    }
}
