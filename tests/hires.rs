//! Requests with a second, larger pass: against diffusers (`scripts/golden/hires.py`), against the
//! two passes made one after the other, and what is refused before the first.

use crate::harness::golden;
use crate::harness::gpu::{self, Device};
use crate::made_up::{Golden, nmse, program, scratch, tiny};
use crate::memory::device;
use crate::precision::far_reaching;
use crate::reference::open_on_cpu;
use crate::walk::{Memory, open, request};
use darkroom::image::{Filter, Rgba, png};
use darkroom::pipeline::{
    Control, Extras, Options, Picture, Pipeline, Progress, Request, Upscaler, UpscalerOptions,
};
use darkroom::weights::FileSource;
use darkroom::{Error, Precision, Result};
use pollster::block_on;
use serde_json::Value;
use std::cell::RefCell;
use std::rc::Rc;

/// ‖a−b‖ / ‖b‖ of latents.
const LATENTS_MAX: f64 = 1e-5;
/// The same where a picture of bytes lies between: some bytes are rounded the other way.
const BETWEEN_BYTES_MAX: f64 = 2e-4;
/// Of any value of the picture, in 1/255.
const PICTURE_MAX: f32 = 0.5;

/// Makes a golden request's picture and compares what was kept.
fn check(pipeline: &Pipeline, golden: &Golden, case: &str, asked: &Value) {
    let request = Request::from_json(&asked.to_string()).unwrap();
    let memory = Memory::default();
    let extras = Extras { observer: Some(&memory), ..Extras::default() };
    let made = block_on(pipeline.generate_with(&request, &Control::default(), &extras)).unwrap();
    assert_eq!(made.request, request, "{case}");
    let seen = memory.stages();
    let last =
        |prefix: &str| seen.iter().rev().find(|(name, _)| name.starts_with(prefix)).unwrap().1;
    let between =
        if request.hires_upscaler.starts_with("latent") { LATENTS_MAX } else { BETWEEN_BYTES_MAX };
    for name in golden.names(&format!("{case}.")) {
        let want = golden.array(&format!("{case}.{name}"));
        let (got, most) = match name.as_str() {
            "small" => (last("latents_"), LATENTS_MAX),
            "first" => (&seen["hires_latents_000"], between),
            "final" => (last("hires_latents_"), between),
            _ => {
                assert_eq!(seen["image"].len(), want.len(), "{case}");
                let errors = seen["image"].iter().zip(&want).map(|(g, w)| (g - w).abs());
                let error = errors.fold(0.0, f32::max) * 255.0;
                println!("{case} image: {error:.4}/255");
                assert!(error <= PICTURE_MAX, "{case} image: {error}/255");
                continue;
            }
        };
        let error = nmse(got, &want).sqrt();
        println!("{case} {name}: {error:.1e}");
        assert!(error <= most, "{case} {name}: {error:.1e}");
    }
}

fn cases(golden: &Golden) -> serde_json::Map<String, Value> {
    serde_json::from_str(golden.text("requests")).unwrap()
}

#[test]
fn both_passes_are_those_of_diffusers() {
    gpu::run(Device::Plain, |gpu| {
        let golden = Golden::open("hires.safetensors");
        let pipeline = open(gpu, tiny(), Options::default()).unwrap();
        for (case, asked) in &cases(&golden) {
            check(&pipeline, &golden, case, asked);
        }
    });
}

#[test]
fn both_passes_on_the_cpu_are_those_of_diffusers() {
    let golden = Golden::open("hires.safetensors");
    let pipeline = open_on_cpu(tiny()).unwrap();
    let cases = cases(&golden);
    for case in ["euler_ancestral", "bicubic", "lanczos"] {
        check(&pipeline, &golden, case, &cases[case]);
    }
}

/// A small request with a second pass.
pub(crate) fn twice(upscaler: &str) -> Request {
    let size = Some(32);
    Request {
        width: size,
        height: size,
        seed: 40,
        steps: 3,
        sampler: "euler_ancestral".into(),
        hires_scale: Some(1.5),
        hires_upscaler: upscaler.into(),
        hires_strength: 0.6,
        ..request()
    }
}

pub(crate) fn draw(pipeline: &Pipeline, request: &Request, extras: &Extras<'_>) -> Result<Picture> {
    block_on(pipeline.generate_with(request, &Control::default(), extras))
}

/// The second pass as a run of its own, which begins with the enlarged picture of the first.
pub(crate) fn second(request: &Request, [width, height]: [u32; 2]) -> Request {
    let taken = f64::from(request.hires_steps.unwrap_or(request.steps));
    let steps = (taken / request.hires_strength) as u32;
    let strength = Some(((taken + 0.5) / f64::from(steps)).min(1.0));
    let size = [width, height].map(Some);
    let [width, height] = size;
    Request { steps, strength, width, height, hires_scale: None, ..request.clone() }
}

pub(crate) fn rgba(picture: &Picture) -> Rgba {
    Rgba::new(picture.width, picture.height, picture.rgba.clone())
}

fn upscaler(gpu: &darkroom::gpu::Gpu) -> Upscaler {
    let source = FileSource::new(golden::path("tests/golden/upscaler"));
    let options = UpscalerOptions::default();
    block_on(Upscaler::open(gpu, (&source, "compact.pth"), options, &Control::default())).unwrap()
}

/// What enlarges the first pass gives the same as by hand, bit for bit; so do the later pictures of
/// several.
#[test]
fn a_second_pass_is_the_picture_enlarged_and_begun_with() {
    gpu::run(Device::Plain, |gpu| {
        let pipeline = open(gpu, tiny(), Options::default()).unwrap();
        let network = upscaler(gpu);
        for name in ["lanczos", "bicubic", "file"] {
            let request = twice(name);
            let extras = Extras { upscaler: Some(&network), ..Extras::default() };
            let once = Request { hires_scale: None, ..request.clone() };
            let small = rgba(&draw(&pipeline, &once, &Extras::default()).unwrap());
            let large = match name {
                "file" => block_on(network.enlarge(&small, &Control::default())).unwrap(),
                _ => small,
            };
            let filter = if name == "bicubic" { Filter::Bicubic } else { Filter::Lanczos };
            let large = large.resize(48, 48, filter);
            let begun = Extras { initial: Some(&large), ..Extras::default() };
            let by_hand = draw(&pipeline, &second(&request, [48, 48]), &begun).unwrap();
            let made = draw(&pipeline, &request, &extras).unwrap();
            assert_eq!([made.width, made.height], [48, 48]);
            assert!(made.rgba == by_hand.rgba, "{name}");
            assert_eq!(made.upscaler.is_some(), name == "file");
            let said = match name {
                "lanczos" => "Lanczos",
                "bicubic" => "Bicubic",
                _ => "compact",
            };
            assert_eq!(made.parameters().get("Hires upscaler"), Some(said), "{name}");
            assert_eq!(made.parameters().get("Size"), Some("32x32"));
        }
    });
}

#[test]
fn pictures_that_go_together_are_those_of_their_seeds() {
    gpu::run(Device::Plain, |gpu| {
        let pipeline = open(gpu, tiny(), Options::default()).unwrap();
        for name in ["latent", "lanczos"] {
            let many = Request { count: 3, ..twice(name) };
            let mut pictures = Vec::new();
            let mut receive = |_, picture| {
                pictures.push(picture);
                Ok(())
            };
            let (control, extras) = (Control::default(), Extras::default());
            block_on(pipeline.generate_each(&many, &control, &extras, &mut receive)).unwrap();
            for (index, picture) in pictures.iter().enumerate() {
                let alone = many.picture(index as u32);
                let single = draw(&pipeline, &alone, &extras).unwrap();
                assert_eq!(picture.request, single.request);
                let pairs = picture.rgba.iter().zip(&single.rgba);
                let most = pairs.map(|(a, b)| a.abs_diff(*b)).max().unwrap();
                println!("{name} {index}: {most}/255 from the single picture");
                assert!(most <= 1, "{name} {index}: {most}/255");
            }
            assert!(pictures[0].rgba != pictures[1].rgba);
        }
    });
}

/// The events of a request, which is stopped when `stop` says so.
fn events(
    pipeline: &Pipeline,
    request: &Request,
    stop: fn(&Progress) -> bool,
) -> (Vec<Progress>, Result<()>) {
    let events = Rc::new(RefCell::new(Vec::new()));
    let hears = events.clone();
    let mut control = Control::default();
    let cancel = control.cancel.clone();
    control.on_progress = Box::new(move |event: &Progress| {
        hears.borrow_mut().push(event.clone());
        if stop(event) {
            cancel.set(true);
        }
    });
    let mut receive = |_, _| Ok(());
    let extras = Extras::default();
    let ended = block_on(pipeline.generate_each(request, &control, &extras, &mut receive));
    drop(control);
    (Rc::into_inner(events).unwrap().into_inner(), ended)
}

#[test]
fn progress_says_which_pass_and_a_stop_between_them_is_heard() {
    gpu::run(Device::Plain, |gpu| {
        let pipeline = open(gpu, tiny(), Options::default()).unwrap();
        let request = Request { hires_steps: Some(2), ..twice("latent") };
        let (told, ended) = events(&pipeline, &request, |_| false);
        assert_eq!(ended, Ok(()));
        let shown: Vec<String> = told
            .iter()
            .filter_map(|event| match event {
                Progress::Pass { pass, passes: 2, width, height } => {
                    Some(format!("pass {pass} {width}×{height}"))
                }
                Progress::Step { step, steps: 5 } => Some(step.to_string()),
                Progress::Decoding => Some("decoding".into()),
                _ => None,
            })
            .collect();
        let first = ["pass 1 32×32", "0", "1", "2", "3"];
        assert_eq!(shown, [&first[..], &["pass 2 48×48", "3", "4", "5", "decoding"]].concat());
        let stop = |event: &Progress| matches!(event, Progress::Pass { pass: 2, .. });
        let (told, ended) = events(&pipeline, &request, stop);
        assert_eq!(ended, Err(Error::Cancelled));
        assert!(!told.contains(&Progress::Step { step: 4, steps: 5 }));
        // The pipeline is as good as before.
        let again = draw(&pipeline, &request, &Extras::default()).unwrap();
        assert_eq!(again.width, 48);
    });
}

#[test]
fn what_cannot_be_is_refused_before_the_first_pass() {
    gpu::run(Device::Plain, |gpu| {
        let pipeline = open(gpu, tiny(), Options::default()).unwrap();
        let picture = Rgba::new(8, 8, vec![255; 256]);
        let refused =
            |request: &Request, extras: &Extras<'_>| match draw(&pipeline, request, extras) {
                Err(Error::Request { field, .. }) => field,
                other => panic!("{other:?}"),
            };
        let (plain, begun) =
            (Extras::default(), Extras { initial: Some(&picture), ..Extras::default() });
        assert_eq!(refused(&twice("latent"), &begun), "hires scale");
        assert_eq!(refused(&twice("file"), &plain), "hires upscaler");
        let listed = Request { timesteps: Some("900, 500, 0".into()), ..twice("latent") };
        let listed = Request { sampler: "lcm".into(), ..listed };
        assert_eq!(refused(&listed, &plain), "timesteps");
        // Only the second pass is too large for the adapter.
        let huge = Request { width: Some(4096), hires_scale: Some(2.0), ..twice("latent") };
        let huge = Request { height: Some(4096), ..huge };
        let (told, ended) = events(&pipeline, &huge, |_| false);
        assert!(matches!(ended, Err(Error::GpuLimit { .. })), "{ended:?}");
        let began =
            |event: &Progress| matches!(event, Progress::Pass { .. } | Progress::Step { .. });
        assert!(!told.iter().any(began), "{told:?}");
    });
}

#[test]
fn what_outgrows_f16_in_either_pass_is_finished_in_f32() {
    gpu::run(Device::Plain, |gpu| {
        if !gpu.has_f16() {
            println!("skipped: this adapter has no shader-f16");
            return;
        }
        let half = Options { precision: Precision::F16, ..Options::default() };
        for name in ["latent", "lanczos"] {
            let [exact, half] = [Options::default(), half.clone()].map(|options| {
                let pipeline = open(gpu, far_reaching(), options).unwrap();
                draw(&pipeline, &twice(name), &Extras::default()).unwrap()
            });
            assert_eq!((exact.notices.len(), half.notices.len()), (0, 1), "{:?}", half.notices);
            let pairs = exact.rgba.iter().zip(&half.rgba);
            let most = pairs.map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            println!("{name}: {most}/255 from f32");
            assert!(most <= 2, "{name}: {most}/255");
        }
    });
}

/// Two passes take no more memory than the second alone.
#[test]
fn the_first_pass_leaves_nothing_behind() {
    let peak = |request: &Request| {
        let gpu = device();
        let pipeline = open(&gpu, tiny(), Options::default()).unwrap();
        draw(&pipeline, request, &Extras::default()).unwrap();
        gpu.stats().bytes_peak
    };
    let large = Request { width: Some(96), height: Some(96), hires_scale: None, ..twice("latent") };
    let two = Request { width: Some(64), height: Some(64), ..twice("latent") };
    let [alone, both] = [peak(&large), peak(&two)];
    println!("{alone} bytes alone, {both} after a first pass");
    assert_eq!(alone, both);
}

#[test]
fn the_program_makes_both_passes() {
    let folder = scratch("hires");
    let (list, out) = (folder.join("list.jsonl"), folder.join("a.png"));
    let upscaler = golden::path("tests/golden/upscaler/compact.pth");
    let (model, upscaler) = (tiny().to_str().unwrap(), upscaler.to_str().unwrap());
    let size = ["--width", "32", "--height", "32", "--steps", "2"];
    let common = [&["generate", "--model", model, "--prompt", "a red cat"], &size[..]].concat();
    let run = |more: &[&str]| {
        let output = program(&[&common[..], more].concat());
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let place = ["--out", out.to_str().unwrap()];
    let (made, told) = run(&[&place[..], &["--hires", "1.5", "--upscaler", upscaler]].concat());
    assert!(made, "{told}");
    let read = |name: &std::path::Path| png::decode("", &std::fs::read(name).unwrap()).unwrap();
    let file = read(&out);
    assert_eq!([file.picture.width(), file.picture.height()], [48, 48]);
    let text = file.text(png::PARAMETERS).unwrap();
    let told = "Denoising strength: 0.7, RNG: CPU, Hires upscale: 1.5, Hires upscaler: compact";
    assert!(text.contains(told), "{text}");
    assert!(file.text(png::DARKROOM_UPSCALER).unwrap().contains("sha256"));
    let (made, told) = run(&[&place[..], &["--upscaler", upscaler]].concat());
    assert!(!made && told.contains("--hires"), "{told}");
    let lines = "{\"hires_scale\": 1.5, \"hires_upscaler\": \"lanczos\"}\n{}\n";
    std::fs::write(&list, lines).unwrap();
    let many = ["--jobs", list.to_str().unwrap(), "--out-dir", folder.to_str().unwrap()];
    let (made, told) = run(&many);
    assert!(made, "{told}");
    let sizes = ["00000.png", "00001.png"].map(|name| read(&folder.join(name)).picture.width());
    assert_eq!(sizes, [48, 32]);
    // A line may name the upscaler that is given, and no other.
    let named = |name: &str, more: &[&str]| {
        let line = format!(r#"{{"hires_scale": 1.5, "upscaler": "{name}", "file": "{name}.png"}}"#);
        std::fs::write(&list, line).unwrap();
        run(&[&many[..], more].concat())
    };
    let (made, told) = named("compact", &["--upscaler", upscaler]);
    assert!(made, "{told}");
    assert!(read(&folder.join("compact.png")).text(png::DARKROOM_UPSCALER).is_some());
    let refused =
        [("other", &["--upscaler", upscaler][..], "another file"), ("none", &[], "--upscaler")];
    for (name, more, words) in refused {
        let (made, told) = named(name, more);
        assert!(!made && told.contains(words), "{told}");
    }
    // Before the first image, as other faults of a list are.
    let lines = "{\"file\": \"first.png\"}\n{\"hires\": 1.5, \"upscaler\": \"other\"}\n";
    std::fs::write(&list, lines).unwrap();
    let (made, told) = run(&[&many[..], &["--upscaler", upscaler]].concat());
    assert!(!made && told.contains("line 2") && told.contains("another file"), "{told}");
    assert!(!folder.join("first.png").exists());
}
