//! Pictures that are larger than the model's own size, made in windows and tiles: against diffusers
//! (`scripts/golden/tiles.py`), against whole ones, and what they take of memory.

use crate::harness::gpu::{self, Device};
use crate::hires::{rgba, second};
use crate::img2img::initial;
use crate::made_up::{Golden, nmse, tiny};
use crate::memory::device;
use crate::reference::open_on_cpu;
use crate::walk::{Memory, open, request};
use darkroom::gpu::Limits;
use darkroom::image::{Filter, Mosaic, Seams, cut};
use darkroom::pipeline::{
    Control, Extras, Files, Kinds, Options, Picture, Pipeline, Previews, Progress, Request,
    Shortcuts, Stage, Workload,
};
use darkroom::{Error, Result, WeightType};
use pollster::block_on;
use serde_json::Value;
use std::cell::Cell;
use std::rc::Rc;

/// ‖a−b‖ / ‖b‖ of latents.
const LATENTS_MAX: f64 = 1e-5;
/// Of any value of the picture, in 1/255.
const PICTURE_MAX: f32 = 0.5;

fn draw(pipeline: &Pipeline, request: &Request, extras: &Extras<'_>) -> Result<Picture> {
    block_on(pipeline.generate_with(request, &Control::default(), extras))
}

/// Makes a golden request's picture and compares what was kept.
fn check(pipeline: &Pipeline, golden: &Golden, case: &str, asked: &Value) {
    let request = Request::from_json(&asked["request"].to_string()).unwrap();
    let [width, height] = [request.width, request.height].map(|side| side.unwrap());
    let (picture, memory) = (initial(width, height), Memory::default());
    let begun = asked["begins"].as_bool().unwrap().then_some(&picture);
    let extras = Extras { initial: begun, observer: Some(&memory), ..Extras::default() };
    let made = draw(pipeline, &request, &extras).unwrap();
    assert_eq!(made.request, request, "{case}");
    let seen = memory.stages();
    let last = seen.keys().rev().find(|name| name.starts_with("latents_")).unwrap();
    for name in golden.names(&format!("{case}.")) {
        let want = golden.array(&format!("{case}.{name}"));
        let got = match name.as_str() {
            "first" => &seen["latents_000"],
            "final" => &seen[last],
            _ => {
                let errors = seen["image"].iter().zip(&want).map(|(g, w)| (g - w).abs());
                let error = errors.fold(0.0, f32::max) * 255.0;
                println!("{case} image: {error:.4}/255");
                assert!(error <= PICTURE_MAX, "{case} image: {error}/255");
                continue;
            }
        };
        let error = nmse(got, &want).sqrt();
        println!("{case} {name}: {error:.1e}");
        assert!(error <= LATENTS_MAX, "{case} {name}: {error:.1e}");
    }
}

fn cases(golden: &Golden) -> serde_json::Map<String, Value> {
    serde_json::from_str(golden.text("requests")).unwrap()
}

#[test]
fn windows_and_tiles_are_those_of_diffusers() {
    gpu::run(Device::Plain, |gpu| {
        let golden = Golden::open("tiles.safetensors");
        let pipeline = open(gpu, tiny(), Options::default()).unwrap();
        for (case, asked) in &cases(&golden) {
            check(&pipeline, &golden, case, asked);
        }
    });
}

#[test]
fn windows_and_tiles_on_the_cpu_are_those_of_diffusers() {
    let golden = Golden::open("tiles.safetensors");
    let pipeline = open_on_cpu(tiny()).unwrap();
    let cases = cases(&golden);
    for case in ["dpmpp_2m", "ancestral"] {
        check(&pipeline, &golden, case, &cases[case]);
    }
}

/// A request of this size; the model's own is 64 × 64.
fn sized(width: u32, height: u32, tile_overlap: Option<u32>) -> Request {
    Request { width: Some(width), height: Some(height), tile_overlap, ..request() }
}

#[test]
fn what_fits_is_made_as_a_whole() {
    gpu::run(Device::Plain, |gpu| {
        let pipeline = open(gpu, tiny(), Options::default()).unwrap();
        for [width, height] in [[64, 64], [64, 40]] {
            let [whole, cut] = [None, Some(16)].map(|overlap| {
                draw(&pipeline, &sized(width, height, overlap), &Extras::default()).unwrap()
            });
            assert!(whole.rgba == cut.rgba, "{width}×{height}");
        }
        // A size that does not come out even, with a start picture of another size.
        let start = initial(50, 30);
        let extras = Extras { initial: Some(&start), ..Extras::default() };
        let uneven = Request { strength: Some(0.5), ..sized(72, 104, Some(24)) };
        let made = draw(&pipeline, &uneven, &extras).unwrap();
        assert_eq!([made.width, made.height], [72, 104]);
        assert!(made.rgba.as_chunks::<4>().0.iter().all(|pixel| pixel[3] == 255));
    });
}

/// Only the second of two passes is larger than the model's size.
#[test]
fn a_second_pass_is_cut() {
    gpu::run(Device::Plain, |gpu| {
        let pipeline = open(gpu, tiny(), Options::default()).unwrap();
        let twice = Request {
            steps: 3,
            hires_scale: Some(1.5),
            hires_upscaler: "lanczos".into(),
            hires_strength: 0.6,
            ..sized(64, 48, Some(16))
        };
        let once = Request { hires_scale: None, ..twice.clone() };
        let small = rgba(&draw(&pipeline, &once, &Extras::default()).unwrap());
        let large = small.resize(96, 72, Filter::Lanczos);
        let begun = Extras { initial: Some(&large), ..Extras::default() };
        let by_hand = draw(&pipeline, &second(&twice, [96, 72]), &begun).unwrap();
        let made = draw(&pipeline, &twice, &Extras::default()).unwrap();
        assert!(made.rgba == by_hand.rgba);
        let whole = Request { tile_overlap: None, ..twice };
        assert!(made.rgba != draw(&pipeline, &whole, &Extras::default()).unwrap().rgba);
    });
}

/// A large picture takes in each stage what one of the model's own size takes, and its latents.
#[test]
fn memory_is_that_of_a_window() {
    let peaks = |request: &Request, begins: bool| {
        let gpu = device();
        let pipeline = open(&gpu, tiny(), Options::default()).unwrap();
        let start = initial(64, 64);
        let extras = Extras { initial: begins.then_some(&start), ..Extras::default() };
        draw(&pipeline, request, &extras).unwrap();
        [Stage::Beginning, Stage::Denoising, Stage::Decoding].map(|stage| {
            let of_stage = pipeline.peaks().into_iter().find(|(one, _)| *one == stage);
            of_stage.map_or(0, |(_, held)| held.activations)
        })
    };
    // Four channels of f32; of the whole, the sampler's state, sums and what is on its way.
    let latents = 4 * 4 * 32 * 32;
    for begins in [false, true] {
        let asked = |overlap: Option<u32>, side: u32| {
            let request = Request { steps: 5, ..sized(side, side, overlap) };
            let strength = begins.then_some(0.8);
            Request { strength, ..request }
        };
        let one = peaks(&asked(None, 64), begins);
        let many = peaks(&asked(Some(32), 256), begins);
        let whole = peaks(&asked(None, 256), begins);
        println!("{one:?} bytes for 64², {many:?} for 256² in windows, {whole:?} as a whole");
        for ((one, many), whole) in one.into_iter().zip(many).zip(whole) {
            assert!(many <= one + 16 * latents, "{many} of {one}");
            assert!(whole == 0 || whole > 4 * one, "{whole} of {one}");
        }
    }
}

/// What v1.4 takes of memory for a picture of 2048² as a whole, and for a window of it.
#[test]
fn a_window_of_v1_4_takes_a_fraction_of_the_whole() {
    let files = Files::v1_4().unwrap();
    let options = Options { weights: Some(WeightType::F16), ..Options::default() };
    let peak = |side: u32| {
        let kinds = Kinds::EXACT;
        let (size, begins) = ([side, side], true);
        let load = Workload { size, prompts: 2, chunks: 1, pictures: 1, kinds, begins };
        let generous = Limits { buffer: 4 << 30, binding: 4 << 30, ..Limits::default() };
        block_on(files.dry_run(&options, generous, load)).map(|dry| dry.peak())
    };
    let window = peak(512).unwrap();
    println!("512²: {window:?}");
    match peak(2048) {
        Ok(whole) => {
            println!("2048²: {whole:?}");
            assert!(whole.activations > 5 * window.activations);
        }
        Err(refused) => println!("2048²: {refused}"),
    }
}

#[test]
fn previews_are_whole_pictures() {
    gpu::run(Device::Plain, |gpu| {
        let pipeline = open(gpu, tiny(), Options::default()).unwrap();
        let seen = Rc::new(Cell::new(0));
        let hears = seen.clone();
        let on_progress = Box::new(move |event: &Progress| match event {
            Progress::Preview { width: 96, height: 72, rgba } => {
                assert_eq!(rgba.len(), 4 * 96 * 72);
                hears.set(hears.get() + 1);
            }
            Progress::Preview { .. } => panic!("a preview of another size"),
            _ => {}
        });
        let previews = Previews { latents: true, pictures: 1 };
        let control = Control { on_progress, previews, ..Control::default() };
        let request = Request { steps: 3, ..sized(96, 72, Some(16)) };
        let shown = block_on(pipeline.generate(&request, &control)).unwrap();
        assert_eq!(seen.get(), 2);
        // They change nothing.
        let plain = draw(&pipeline, &request, &Extras::default()).unwrap();
        assert!(shown.rgba == plain.rgba);
    });
}

#[test]
fn what_is_not_cut_is_refused() {
    gpu::run(Device::Plain, |gpu| {
        let pipeline = open(gpu, tiny(), Options::default()).unwrap();
        let refused =
            |request: &Request, extras: &Extras<'_>| match draw(&pipeline, request, extras) {
                Err(Error::Request { field, .. }) => field,
                other => panic!("{other:?}"),
            };
        let (large, plain) = (sized(96, 96, Some(16)), Extras::default());
        let white = initial(96, 96);
        let masked = Extras { initial: Some(&white), mask: Some(&white), ..Extras::default() };
        assert_eq!(refused(&large, &masked), "tile overlap");
        let shortcuts = Shortcuts { cache_interval: 2, ..Shortcuts::default() };
        assert_eq!(refused(&Request { shortcuts, ..large }, &plain), "tile overlap");
        assert_eq!(refused(&sized(96, 96, Some(64)), &plain), "tile overlap");
        // Each of these goes with a picture that fits.
        let small = Request { shortcuts, ..sized(64, 64, Some(16)) };
        assert!(draw(&pipeline, &small, &plain).is_ok());
    });
}

#[test]
fn tiles_of_a_plane_are_that_plane() {
    let seams = Seams { side: 8, scale: (1, 1) };
    for [width, height] in [[8, 8], [20, 9], [13, 31]] {
        let planes: Vec<f32> = (0..2 * width * height).map(|i| (i * 7 % 31) as f32).collect();
        let mut mosaic = Mosaic::new(seams, [width, height], 2);
        for rows in seams.cuts(height) {
            for columns in seams.cuts(width) {
                let part = cut(&planes, [width, height], [&columns, &rows]);
                mosaic.push(part, [columns.len(), rows.len()]);
            }
        }
        let made = mosaic.finish();
        for (got, want) in made.iter().zip(&planes) {
            assert!((got - want).abs() < 1e-5, "{width}×{height}: {got} {want}");
        }
    }
}
