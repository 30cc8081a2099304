//! Runs that begin with a picture, against diffusers: plans begun at a step, and pictures on the
//! tiny made-up checkpoint. `scripts/golden/img2img.py` wrote what it gives.

use crate::harness::golden;
use crate::harness::gpu::{self, Device};
use crate::made_up::{Golden, nmse, program, scratch, tiny};
use crate::reference::open_on_cpu;
use crate::samplers::{BACK, assert_near, numbers, response, sampler, schedule};
use crate::walk::{Memory, open, request};
use darkroom::diffusion::{Sampler, SamplerOptions};
use darkroom::image::{Rgba, png};
use darkroom::pipeline::{Control, Extras, Options, Picture, Pipeline, Progress, Request};
use darkroom::{Error, Precision, Result};
use pollster::block_on;
use serde_json::Value;
use std::cell::RefCell;
use std::rc::Rc;

/// ‖a−b‖ / ‖b‖ of latents.
pub(crate) const LATENTS_MAX: f64 = 1e-3;
/// Of the first latents, which only the VAE's encoder and two draws stand behind.
const FIRST_MAX: f64 = 1e-5;
/// Of any value of a picture in 0…1.
const PICTURE_MAX: f32 = 0.5 / 255.0;

#[test]
fn plans_are_as_diffusers_begins_them() {
    let goldens = golden::json("img2img.json");
    let configs = golden::json("samplers.json");
    for case in golden::list(&goldens, "plans") {
        let steps = golden::number(case, "steps") as usize;
        let left_out = golden::number(case, "left_out") as usize;
        let options = SamplerOptions { left_out: Some(left_out), ..SamplerOptions::default() };
        let plan = sampler(case).plan_with(&schedule(&configs, case), steps, options);
        let plan = plan.expect("a plan");
        let name = golden::text(case, "config");
        let what = format!("{} {name} {steps} without {left_out}", sampler(case));
        let (level, times) = (numbers(&case["level"]), numbers(&case["times"]));
        assert_near(&what, plan.init_signal, level[0], 1e-6);
        assert_near(&what, plan.init_noise_sigma, level[1], 1e-6);
        assert_eq!((plan.steps(), plan.evaluations.len()), (steps - left_out, times.len()));
        let response = response(&plan, None, &what);
        for (index, e) in plan.evaluations.iter().enumerate() {
            let what = format!("{what}, evaluation {index}");
            let is_between = [Sampler::Dpm2, Sampler::Dpm2Ancestral].contains(&sampler(case));
            let slack = if name == "karras" || is_between { 2e-3 } else { 1e-4 };
            assert!((e.timestep - times[index]).abs() <= slack, "{what}: {}", e.timestep);
            assert_near(&what, e.input_scale, numbers(&case["scales"])[index], 1e-6);
            let row = numbers(&case["rows"][index]);
            let (ours, count) = (&response[index], times.len());
            let theirs = |place: usize| row.get(place).copied().unwrap_or(0.0);
            assert_near(&what, ours[2 * count + index], theirs(0), 1e-4);
            for place in 0..2 * BACK {
                let from = index.checked_sub(place / 2);
                let ours = from.map_or(0.0, |from| ours[place % 2 * count + from]);
                assert_near(&format!("{what}, {place}"), ours, theirs(1 + place), 1e-4);
            }
        }
    }
}

/// The picture that the golden runs begin with.
pub(crate) fn initial(width: u32, height: u32) -> Rgba {
    let pixel = |i: u32| {
        let (x, y) = (i % width, i / width);
        let rgb = [3 * x + y, 2 * y + x * y / 16, 255_u32.wrapping_sub(2 * x + y)];
        let [r, g, b] = rgb.map(|c| c as u8);
        // Opacity must not matter.
        [r, g, b, (x * y) as u8]
    };
    Rgba::new(width, height, (0..width * height).flat_map(pixel).collect())
}

fn draw(pipeline: &Pipeline, request: &Request, picture: &Rgba) -> Result<Picture> {
    let extras = Extras { initial: Some(picture), ..Extras::default() };
    block_on(pipeline.generate_with(request, &Control::default(), &extras))
}

/// Makes a golden request's picture, with a mask where there is one, and compares what was kept:
/// the first and the final latents, the picture, and the whole that it was put back over.
pub(crate) fn check(
    pipeline: &Pipeline,
    (golden, case): (&Golden, &str),
    mask: Option<fn(u32, u32) -> Rgba>,
    latents_max: f64,
) {
    let asked = &cases(golden)[case];
    let request = Request::from_json(&asked["request"].to_string()).unwrap();
    let [width, height] = [0, 1].map(|i| asked["initial"][i].as_u64().unwrap() as u32);
    let memory = Memory::default();
    let (picture, mask) = (initial(width, height), mask.map(|mask| mask(width, height)));
    let (initial, mask, observer) = (Some(&picture), mask.as_ref(), Some(&memory as _));
    let extras = Extras { initial, mask, observer, ..Extras::default() };
    let made = block_on(pipeline.generate_with(&request, &Control::default(), &extras)).unwrap();
    assert_eq!(made.request, request, "{case}");
    let seen = memory.stages();
    let last = seen.keys().rev().find(|name| name.starts_with("latents_")).unwrap();
    for name in golden.names(&format!("{case}.")) {
        let want = golden.array(&format!("{case}.{name}"));
        let furthest = |got: &mut dyn Iterator<Item = f32>| {
            got.zip(&want).map(|(got, want)| (got - want).abs()).fold(0.0, f32::max)
        };
        let (error, most) = match name.as_str() {
            "first" => (nmse(&seen["latents_000"], &want).sqrt(), FIRST_MAX),
            "final" => (nmse(&seen[last], &want).sqrt(), latents_max),
            "image" => {
                assert_eq!(seen["image"].len(), want.len(), "{case}");
                (furthest(&mut seen["image"].iter().copied()).into(), PICTURE_MAX.into())
            }
            "whole" => {
                assert_eq!([made.width, made.height], [width, height], "{case}");
                let mut rgb = made.rgba.chunks(4).flat_map(|pixel| &pixel[..3]);
                (furthest(&mut rgb.by_ref().map(|byte| f32::from(*byte))).into(), 1.0)
            }
            other => panic!("{case} has {other}"),
        };
        println!("{case} {name}: {error:.1e}");
        assert!(error <= most, "{case} {name}: {error:.1e}");
    }
}

pub(crate) fn cases(golden: &Golden) -> serde_json::Map<String, Value> {
    serde_json::from_str(golden.text("requests")).unwrap()
}

#[test]
fn every_sampler_begins_as_in_diffusers() {
    gpu::run(Device::Plain, |gpu| {
        let golden = Golden::open("img2img.safetensors");
        let cases = cases(&golden);
        assert!(Sampler::ALL.iter().all(|sampler| cases.contains_key(sampler.name())));
        let pipeline = open(gpu, tiny(), Options::default()).unwrap();
        for case in cases.keys() {
            check(&pipeline, (&golden, case), None, LATENTS_MAX);
        }
    });
}

#[test]
fn the_cpu_begins_as_in_diffusers() {
    let golden = Golden::open("img2img.safetensors");
    let pipeline = open_on_cpu(tiny()).unwrap();
    for case in ["ddim", "euler resized", "dpmpp_2m"] {
        check(&pipeline, (&golden, case), None, LATENTS_MAX);
    }
}

/// The built-in model begins with its own pictures: the CPU's is the GPU's, and at a small strength
/// what was there stays.
#[test]
fn a_variation_is_the_same_on_both_and_stays_near() {
    let model = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/web/models/demo"));
    let prompt = "a red cat on a yellow background".to_string();
    let first = Request { prompt, seed: 5, steps: 12, ..Request::default() };
    let little = Request { strength: Some(0.1), seed: 6, ..first.clone() };
    let on_cpu = open_on_cpu(model).unwrap();
    let prompt = "a blue star on a white background".to_string();
    let start = Request { prompt, ..first.clone() };
    let start = block_on(on_cpu.generate(&start, &Control::default())).unwrap();
    let start = Rgba::new(start.width, start.height, start.rgba);
    let of_cpu = draw(&on_cpu, &little, &start).unwrap();
    let (wanted, picture) = (little.clone(), start.clone());
    let of_gpu = gpu::run(Device::Plain, move |gpu| {
        let pipeline = open(gpu, model, Options::default()).unwrap();
        draw(&pipeline, &wanted, &picture).unwrap()
    });
    let error = of_cpu.rgba.iter().zip(&of_gpu.rgba).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
    println!("CPU against GPU: {error}/255");
    assert!(error <= 2);
    let distance = |other: &[u8]| {
        let all = start.pixels().iter().zip(other).map(|(a, b)| f64::from(a.abs_diff(*b)));
        all.sum::<f64>() / other.len() as f64
    };
    let other = Request { seed: 6, ..first };
    let other = block_on(on_cpu.generate(&other, &Control::default())).unwrap();
    let (near, far) = (distance(&of_cpu.rgba), distance(&other.rgba));
    println!("mean difference from the start: {near:.1}, of a picture from noise: {far:.1}");
    assert!(near < far / 2.0, "{near} of {far}");
}

#[test]
fn each_of_several_is_as_if_alone() {
    gpu::run(Device::Plain, |gpu| {
        let pipeline = open(gpu, tiny(), Options::default()).unwrap();
        let many = Request { count: 3, strength: Some(0.5), steps: 4, ..request() };
        let many = Request { sampler: "euler_ancestral".into(), ..many };
        let picture = initial(64, 64);
        let extras = Extras { initial: Some(&picture), ..Extras::default() };
        let mut made = Vec::new();
        let mut receive = |_, picture: Picture| {
            made.push(picture);
            Ok(())
        };
        let control = Control::default();
        block_on(pipeline.generate_each(&many, &control, &extras, &mut receive)).unwrap();
        for (index, together) in made.iter().enumerate() {
            let alone = draw(&pipeline, &many.picture(index as u32), &picture).unwrap();
            let pairs = alone.rgba.iter().zip(&together.rgba);
            let error = pairs.map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            assert!(error <= 1, "picture {index}: {error}/255");
            assert_eq!(alone.request, together.request);
        }
        assert_ne!(made[0].rgba, made[1].rgba);
    });
}

#[test]
fn the_encoder_is_brought_once_and_in_half_precision_too() {
    gpu::run(Device::Plain, |gpu| {
        let options = match gpu.has_f16() {
            true => Options { precision: Precision::F16, ..Options::default() },
            false => Options::default(),
        };
        let pipeline = open(gpu, tiny(), options).unwrap();
        let loads = Rc::new(RefCell::new(Vec::new()));
        let told = loads.clone();
        let on_progress = move |event: &Progress| {
            if let Progress::Loading { part, bytes_done, bytes_total } = event {
                assert!(bytes_done <= bytes_total);
                told.borrow_mut().push(part.clone());
            }
        };
        let control = Control { on_progress: Box::new(on_progress), ..Control::default() };
        let picture = initial(64, 64);
        let extras = Extras { initial: Some(&picture), ..Extras::default() };
        let draw = || block_on(pipeline.generate_with(&request(), &control, &extras)).unwrap();
        let first = draw();
        assert_eq!(first.request.strength, Some(0.8), "what diffusers takes");
        let parts = loads.take();
        assert!(!parts.is_empty() && parts.iter().all(|part| part == "vae_encoder"), "{parts:?}");
        assert_eq!(draw(), first);
        assert!(loads.borrow().is_empty());
    });
}

#[test]
fn a_strength_needs_a_picture_and_a_step() {
    let pipeline = open_on_cpu(tiny()).unwrap();
    let field = |result: Result<Picture>| match result {
        Err(Error::Request { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    let with = |strength| Request { strength: Some(strength), ..request() };
    let alone = block_on(pipeline.generate(&with(0.5), &Control::default()));
    assert_eq!(field(alone), "initial picture");
    let picture = initial(16, 16);
    // Two steps: half of them is one, less than half is none.
    for (strength, good) in [(0.5, true), (1.0, true), (0.49, false), (0.0, false), (1.01, false)] {
        let drawn = draw(&pipeline, &with(strength), &picture);
        match good {
            true => assert_eq!(drawn.unwrap().request.strength, Some(strength)),
            false => assert_eq!(field(drawn), "strength", "{strength}"),
        }
    }
}

#[test]
fn the_program_begins_with_a_file() {
    let folder = scratch("init");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_string();
    std::fs::write(path("start.png"), png::encode(&initial(90, 51), &[]).unwrap()).unwrap();
    let model = tiny().to_str().unwrap();
    let common = ["generate", "--device", "cpu", "--model", model, "--steps", "4"];
    let out = path("out.png");
    let run = |rest: &[&str]| program(&[&common[..], rest].concat());
    let start = path("start.png");
    let made = ["--prompt", "a cat", "--init", &start, "--strength", "0.5", "--out", &out];
    let output = run(&made);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let file = std::fs::read(&out).unwrap();
    let picture = png::decode("out.png", &file).unwrap();
    let parameters = picture.text(png::PARAMETERS).unwrap();
    assert!(parameters.contains("Denoising strength: 0.5"), "{parameters}");
    let again = Request::from_json(picture.text(png::DARKROOM).unwrap()).unwrap();
    assert_eq!(again.strength, Some(0.5));

    // A damaged one is the user's own: nothing is to be fetched again.
    std::fs::write(path("cut.png"), &std::fs::read(&start).unwrap()[..60]).unwrap();
    let cut = run(&["--prompt", "a cat", "--init", &path("cut.png"), "--out", &out]);
    let told = String::from_utf8_lossy(&cut.stderr).into_owned();
    assert!(told.contains("cut.png cannot be used") && !told.contains("Fetch"), "{told}");

    // The same as a line of a list, beside one whose picture is missing.
    let line = |file: &str, init: &str| {
        let init = path(init);
        let line = serde_json::json!({
            "prompt": "a cat", "strength": 0.5, "init": init, "file": file,
        });
        line.to_string()
    };
    let list = [line("a.png", "start.png"), line("b.png", "nowhere.png")].join("\n");
    std::fs::write(path("list.jsonl"), list).unwrap();
    let output = run(&["--jobs", &path("list.jsonl"), "--out-dir", &path("all")]);
    assert!(!output.status.success());
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("b.png failed") && told.contains("nowhere.png"), "{told}");
    assert!(std::fs::read(folder.join("all/a.png")).unwrap() == file);
    std::fs::remove_dir_all(folder).unwrap();
}
