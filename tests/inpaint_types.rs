//! Masks with activations in f16, with quantised weights, and where a TAESD encodes and decodes:
//! what a mask keeps is kept byte for byte, and the rest is near that of f32.

use crate::harness::gpu::{self, Device};
use crate::img2img::initial;
use crate::inpaint::{mask_for, tiny_with};
use crate::made_up::nmse;
use crate::taesd_beside::{narrow, with};
use crate::walk::{Memory, open, request};
use darkroom::image::Mask;
use darkroom::pipeline::{Control, DecoderChoice, Extras, Options, Picture, Pipeline, Request};
use darkroom::weights::FileSource;
use darkroom::{Precision, WeightType};
use pollster::block_on;
use std::rc::Rc;

/// Draws with a model of so many channels: the picture, and the decoder's values in 0…1 before it
/// is put under what the mask keeps, of which every pixel keeps its bytes.
fn drawn(pipeline: &Pipeline, channels: u64) -> (Picture, Vec<f32>) {
    let [width, height] = [Some(64); 2];
    let strength = (channels != 8).then_some(0.75);
    let asked = Request { steps: 8, width, height, strength, ..request() };
    let memory = Memory::default();
    let (start, mask) = (initial(64, 64), mask_for(channels).map(|mask| mask(64, 64)));
    let observer = Some(&memory as _);
    let extras =
        Extras { initial: Some(&start), mask: mask.as_ref(), observer, ..Extras::default() };
    let made = block_on(pipeline.generate_with(&asked, &Control::default(), &extras)).unwrap();
    if let Some(mask) = &mask {
        let pixels =
            |all: &[u8]| all.as_chunks::<4>().0.iter().map(|p| [p[0], p[1], p[2]]).collect();
        let [before, after]: [Vec<[u8; 3]>; 2] = [pixels(start.pixels()), pixels(&made.rgba)];
        let (mut kept, mut changed) = (0, 0);
        for (i, value) in Mask::of(mask).values().iter().enumerate() {
            match value {
                0 => assert_eq!(before[i], after[i], "pixel {i} is kept"),
                _ => changed += u32::from(before[i] != after[i]),
            }
            kept += u32::from(*value == 0);
        }
        assert!(kept > 1000 && changed > 1000, "{kept} kept, {changed} changed");
    }
    (made, memory.stages().remove("image").unwrap())
}

/// How near two pictures of values in 0…1 are, in decibels.
fn decibel(got: &[f32], want: &[f32]) -> f64 {
    let squares = got.iter().zip(want).map(|(a, b)| f64::from(a - b).powi(2));
    -10.0 * (squares.sum::<f64>() / want.len() as f64).log10()
}

/// As near as pictures of the same checkpoint without a mask: see `half_precision_is_close`, and
/// `they_come_and_go_with_the_unet` of ControlNets.
#[test]
fn half_precision_and_quantised_weights_are_close() {
    gpu::run(Device::Plain, |gpu| {
        let f16 = Options { precision: Precision::F16, ..Options::default() };
        let q8_0 = Options { weights: Some(WeightType::Q8_0), ..Options::default() };
        let mut kinds = vec![("q8_0", q8_0)];
        match gpu.has_f16() {
            true => kinds.push(("f16", f16)),
            false => println!("skipped: this adapter has no shader-f16"),
        }
        for channels in [4, 9, 8] {
            let draw = |options: Options| {
                drawn(&open(gpu, tiny_with(channels), options).unwrap(), channels)
            };
            let (exact, values) = draw(Options::default());
            for (name, options) in &kinds {
                let (made, near) = draw(options.clone());
                let decibel = decibel(&near, &values);
                let error = nmse(&near, &values);
                println!("{channels} channels, {name}: {decibel:.1} dB, NMSE {error:.1e} from f32");
                assert!(error < 0.01, "{channels} channels, {name}: NMSE {error:.1e}");
                assert!(*name == "q8_0" || decibel > 40.0, "{channels} channels: {decibel:.1} dB");
                assert!(made.notices.is_empty(), "{:?}", made.notices);
                assert_ne!(near, values, "{name} is another way");
                assert_eq!(made.request, exact.request);
            }
        }
    });
}

#[test]
fn a_taesd_keeps_what_the_mask_keeps() {
    for channels in [4, 9] {
        let model = tiny_with(channels);
        let options = || with(narrow(), DecoderChoice::Taesd);
        let source = Rc::new(FileSource::new(model));
        let on_cpu = block_on(Pipeline::open_on_cpu(source, &options(), &Control::default()));
        let (of_cpu, _) = drawn(&on_cpu.unwrap(), channels);
        let (of_gpu, of_vae) = gpu::run(Device::Plain, move |gpu| {
            let draw = |options| drawn(&open(gpu, model, options).unwrap(), channels).0;
            (draw(options()), draw(Options::default()))
        });
        for made in [&of_cpu, &of_gpu] {
            assert!(made.decoder.as_ref().is_some_and(|record| record.encoder));
        }
        let off = of_cpu.rgba.iter().zip(&of_gpu.rgba).map(|(a, b)| a.abs_diff(*b)).max();
        println!("{channels} channels: CPU against GPU {off:?}/255");
        assert!(off.unwrap() <= 2, "{channels} channels: CPU against GPU {off:?}/255");
        assert_ne!(of_gpu.rgba, of_vae.rgba);
    }
}
