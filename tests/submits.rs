//! Work in several submits, and ops in several dispatches: the same bits however it is cut, and a
//! wish to stop is heard between.

use crate::made_up::tiny;
use crate::walk::{open, request};
use darkroom::gpu::{Gpu, GpuOptions};
use darkroom::ops::{Activation, Epilogue, Mask, Window};
use darkroom::pipeline::{Control, Options};
use darkroom::tensor::Tensor;
use darkroom::weight::Weight;
use darkroom::{Error, Precision, WeightType};
use pollster::block_on;
use std::cell::Cell;

/// A device of whose submits each holds so much work at the most.
fn device(max_submit: u64) -> Gpu {
    let options =
        GpuOptions { default_limits: true, max_submit: Some(max_submit), ..GpuOptions::default() };
    block_on(Gpu::open(&options)).expect("the proofs need an adapter: lavapipe is enough")
}

/// Ten ops, each on what the one before has made.
fn chain(gpu: &Gpu) -> Tensor {
    let values: Vec<f32> = (0..4096).map(|i| (i as f32 * 0.37).sin()).collect();
    let mut x = Tensor::from_f32(gpu, &values, [1, 64, 64], Precision::F32);
    for _ in 0..5 {
        x = x.activate(Activation::Silu).add(&x);
    }
    x
}

#[test]
fn many_submits_give_the_bits_of_one() {
    let bits = |max_submit| {
        let gpu = device(max_submit);
        let x = chain(&gpu);
        block_on(gpu.finish_in_parts(&|| Ok(()))).unwrap();
        let submits = gpu.stats().submits;
        let values = block_on(x.to_f32()).unwrap();
        (submits, values.into_iter().map(f32::to_bits).collect::<Vec<_>>())
    };
    let ((one, whole), (many, parts)) = (bits(u64::MAX), bits(1));
    assert_eq!([one, many], [1, 10]);
    assert_eq!(whole, parts);
}

/// Numbers in −1…1, other ones for every `seed`.
fn numbers(count: usize, seed: f32) -> Vec<f32> {
    (0..count).map(|i| ((i as f32 + seed) * 0.7391).sin()).collect()
}

/// Every op that is cut by work, at sizes that do not come out even, as bits.
fn heavy_ops(gpu: &Gpu) -> Vec<Vec<u32>> {
    let tensor = |shape: &[usize], seed| {
        let values = numbers(shape.iter().product(), seed);
        Tensor::from_f32(gpu, &values, shape, Precision::F32)
    };
    let weight = |k: usize, n: usize, seed| {
        let weight = Weight::empty(gpu, k, n, WeightType::F16);
        weight.write(0, &numbers(k * n, seed));
        weight
    };
    let rows = tensor(&[2, 150, 32], 1.0);
    let image = tensor(&[2, 13, 16, 8], 2.0);
    let bias = tensor(&[24], 3.0);
    let epilogue = || Epilogue { bias: Some(&bias), ..Epilogue::default() };
    let residual = tensor(&[2, 150, 24], 7.0);
    let window = |stride, resize| Window { kernel: 3, stride, padding: [1, 1], resize };
    let conv = |window| image.conv2d(&weight(72, 24, 5.0), window, epilogue());
    let results = [
        rows.matmul(&weight(32, 24, 4.0), Epilogue { residual: Some(&residual), ..epilogue() }),
        rows.matmul_gated(&weight(32, 64, 6.0), None, Activation::Gelu),
        conv(window(1, None)),
        conv(window(2, None)),
        conv(window(1, Some([26, 32]))),
        rows.attention(&rows, &rows, 4, Mask::None),
        rows.attention(&rows, &rows, 4, Mask::Causal),
        // a head for which a real GPU has another kernel
        rows.attention(&rows, &rows, 1, Mask::None),
        rows.attention(&rows, &rows, 1, Mask::Causal),
    ];
    let bits = |x: &Tensor| block_on(x.to_f32()).unwrap().into_iter().map(f32::to_bits).collect();
    results.iter().map(bits).collect()
}

#[test]
fn many_dispatches_give_the_bits_of_one() {
    for software in [true, false] {
        let open = |max_dispatch| {
            let options = GpuOptions {
                default_limits: true,
                software: Some(software),
                max_dispatch: Some(max_dispatch),
                ..GpuOptions::default()
            };
            block_on(Gpu::open(&options)).unwrap()
        };
        let of = |max_dispatch| {
            let gpu = open(max_dispatch);
            let bits = heavy_ops(&gpu);
            (gpu.kernel_stats(), bits)
        };
        let ((few, whole), (many, parts)) = (of(u64::MAX), of(60_000));
        for kernel in &few {
            let cut = many.iter().find(|other| other.name == kernel.name).unwrap();
            let least = 2 * kernel.dispatches;
            assert!(cut.dispatches >= least, "{}: {} of {least}", kernel.name, cut.dispatches);
        }
        let attentions = if software { 1 } else { 2 };
        assert_eq!(few.len(), 2 + attentions, "products, convolutions, attentions");
        assert_eq!(whole, parts, "software: {software}");
    }
}

#[test]
fn a_wish_to_stop_is_heard_between_submits() {
    let gpu = device(1);
    drop(chain(&gpu));
    let asked = Cell::new(0);
    let stop_at_third = || {
        asked.set(asked.get() + 1);
        if asked.get() == 3 { Err(Error::Cancelled) } else { Ok(()) }
    };
    assert_eq!(block_on(gpu.finish_in_parts(&stop_at_third)), Err(Error::Cancelled));
    assert_eq!((asked.get(), gpu.stats().submits), (3, 3), "the rest was dropped");

    // and the device is as good as before
    let x = chain(&gpu);
    block_on(gpu.finish_in_parts(&|| Ok(()))).unwrap();
    let after = block_on(x.to_f32()).unwrap();
    let fresh = block_on(chain(&device(u64::MAX)).to_f32()).unwrap();
    assert_eq!(after, fresh);
}

#[test]
fn a_picture_is_the_same_in_many_submits() {
    let draw = |max_submit| {
        let gpu = device(max_submit);
        let pipeline = open(&gpu, tiny(), Options::default()).unwrap();
        gpu.reset_stats();
        let picture = block_on(pipeline.generate(&request(), &Control::default())).unwrap();
        (gpu.stats().submits, picture)
    };
    let ((few, whole), (many, parts)) = (draw(u64::MAX), draw(3_000_000));
    assert!(many > 2 * few, "{many} submits and {few}");
    assert_eq!(whole, parts);
}
