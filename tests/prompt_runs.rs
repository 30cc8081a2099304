//! Runs whose prompt changes from step to step, and prompts in parts: against diffusers
//! (`scripts/golden/prompt_runs.py`), against runs of each text alone, and against the sum of the
//! predictions; with all that a run may have besides.

use crate::few_steps::tiny as lcm;
use crate::harness::gpu::{self, Device};
use crate::img2img::initial;
use crate::inpaint::{mask_for, tiny_with};
use crate::made_up::{Golden, nmse, tiny};
use crate::memory::{device, files};
use crate::reference::open_on_cpu;
use crate::walk::{Memory, open};
use darkroom::pipeline::{
    Control, Extras, Kinds, Options, Picture, Pipeline, Request, Residency, Texts, Workload,
};
use darkroom::request::Shortcuts;
use darkroom::{Error, Precision, Result};
use pollster::block_on;
use serde_json::Value;
use std::collections::BTreeMap;

/// ‖a−b‖ / ‖b‖ of latents and contexts; the golden's contexts are half precision.
const LATENTS_MAX: f64 = 1e-4;
const CONTEXT_MAX: f64 = 5e-4;
/// Of any value of the picture, in 1/255.
const PICTURE_MAX: f32 = 0.5;

type Stages = BTreeMap<String, Vec<f32>>;

/// A quick request with the web UI's syntax.
fn asked(prompt: &str) -> Request {
    Request {
        prompt: prompt.into(),
        negative_prompt: "blurry".into(),
        prompt_syntax: "a1111".into(),
        seed: 7,
        steps: 4,
        width: Some(32),
        height: Some(32),
        ..Request::default()
    }
}

fn draw_with(pipeline: &Pipeline, request: &Request, extras: &Extras<'_>) -> Result<Picture> {
    block_on(pipeline.generate_with(request, &Control::default(), extras))
}

fn draw(pipeline: &Pipeline, request: &Request) -> Picture {
    draw_with(pipeline, request, &Extras::default()).unwrap()
}

/// All values of a run.
fn stages(pipeline: &Pipeline, request: &Request) -> Stages {
    let memory = Memory::default();
    draw_with(pipeline, request, &Extras { observer: Some(&memory), ..Extras::default() }).unwrap();
    memory.stages()
}

/// The largest difference of two pictures, in 1/255.
fn apart(a: &Picture, b: &Picture) -> u8 {
    a.rgba.iter().zip(&b.rgba).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

fn check_all(pipeline: &Pipeline) {
    let golden = Golden::open("prompt_runs.safetensors");
    let requests: BTreeMap<String, Value> = serde_json::from_str(golden.text("requests")).unwrap();
    assert_eq!(requests.len(), 7);
    for (case, request) in requests {
        let seen = stages(pipeline, &Request::from_json(&request.to_string()).unwrap());
        let names = golden.names(&format!("{case}."));
        assert!(names.len() >= 2, "{case}: {names:?}");
        for name in names {
            let want = golden.array(&format!("{case}.{name}"));
            let got = &seen[&name];
            if name == "image" {
                let errors = got.iter().zip(&want).map(|(g, w)| (g - w).abs());
                let error = errors.fold(0.0, f32::max) * 255.0;
                println!("{case} image: {error:.4}/255");
                assert!(error <= PICTURE_MAX, "{case} image: {error}/255");
                continue;
            }
            let error = nmse(got, &want).sqrt();
            println!("{case} {name}: {error:.1e}");
            let most = if name.starts_with("context") { CONTEXT_MAX } else { LATENTS_MAX };
            assert!(error <= most, "{case} {name}: {error:.1e}");
        }
    }
}

#[test]
fn pictures_are_diffusers() {
    gpu::run(Device::Plain, |gpu| check_all(&open(gpu, tiny(), Options::default()).unwrap()));
}

#[test]
fn pictures_are_diffusers_on_the_cpu() {
    check_all(&open_on_cpu(tiny()).unwrap());
}

fn check_contexts(pipeline: &Pipeline) {
    let changing = stages(pipeline, &asked("[a red cat:a (blue:1.3) dog:0.5] in the [sun|rain]"));
    for (name, prompt) in [
        ("context", "a red cat in the sun"),
        ("context_002", "a red cat in the rain"),
        ("context_003", "a (blue:1.3) dog in the sun"),
    ] {
        let alone = stages(pipeline, &asked(prompt));
        assert_eq!(changing[name], alone["context"], "{prompt}");
    }
    assert!(!changing.contains_key("context_004"));
    // Evaluations 0, 1 and 2 see texts of step 1, 1 and 2; then the other half comes.
    let sun = stages(pipeline, &asked("a red cat in the sun"));
    assert_eq!(changing["latents_002"], sun["latents_002"]);
    assert_ne!(changing["latents_003"], sun["latents_003"]);
}

#[test]
fn contexts_are_those_of_each_text_alone() {
    gpu::run(Device::Plain, |gpu| {
        check_contexts(&open(gpu, tiny(), Options::default()).unwrap());
        let half = Options { precision: Precision::F16, ..Options::default() };
        check_contexts(&open(gpu, tiny(), half).unwrap());
    });
    check_contexts(&open_on_cpu(tiny()).unwrap());
}

/// What changes nothing, changes no bit.
#[test]
fn prompts_without_syntax_are_the_same_to_the_bit() {
    gpu::run(Device::Plain, |gpu| {
        let pipeline = open(gpu, tiny(), Options::default()).unwrap();
        let plain = Request { prompt_syntax: "plain".into(), ..asked("a red cat") };
        let wanted = draw(&pipeline, &plain);
        for prompt in ["a red cat", "a [red:red:0.5] cat", "[a|a] red cat", "a red cat :1"] {
            let made = draw(&pipeline, &asked(prompt));
            assert_eq!(made.rgba, wanted.rgba, "{prompt}");
            assert!(made.notices.is_empty(), "{:?}", made.notices);
        }
        let literal = Request { prompt: "[a|b] AND c :0.5".into(), ..plain };
        assert_ne!(draw(&pipeline, &literal).rgba, draw(&pipeline, &asked(&literal.prompt)).rgba);
    });
}

/// The first guided prediction is the sum of those of each prompt alone.
fn check_sum(pipeline: &Pipeline) {
    let first = |request: &Request| stages(pipeline, request)["eps_001"].clone();
    let alone = |prompt: &str| first(&Request { guidance_scale: 1.0, ..asked(prompt) });
    let parts = [("cat", 1.0), ("dog", 0.5), ("red", -0.7), ("sea", 2.0), ("sun", 0.1), ("b", 0.2)];
    let uncond = alone("blurry");
    for (count, scale) in [(1, 7.5), (2, 7.5), (3, 1.0), (6, 4.0)] {
        let parts = &parts[..count];
        let texts: Vec<_> =
            parts.iter().map(|(text, weight)| format!("{text} :{weight}")).collect();
        let request = Request { guidance_scale: scale, ..asked(&texts.join(" AND ")) };
        let mut want = uncond.clone();
        for (text, weight) in parts {
            for ((sum, part), uncond) in want.iter_mut().zip(alone(text)).zip(&uncond) {
                *sum += (scale * weight) as f32 * (part - uncond);
            }
        }
        let error = nmse(&first(&request), &want).sqrt();
        println!("{count} parts, scale {scale}: {error:.1e}");
        assert!(error < 1e-5, "{count} parts: {error:.1e}");
    }
    // Where no negative prompt is evaluated, the first part is in its place.
    let guidance_interval = [0.9, 1.0];
    let shortcuts = Shortcuts { guidance_interval, ..Shortcuts::default() };
    let request = Request { shortcuts, ..asked("cat AND dog :0.5 AND sea :0.2") };
    let [cat, dog, sea] = ["cat", "dog", "sea"].map(alone);
    let want: Vec<f32> = cat
        .iter()
        .zip(dog.iter().zip(&sea))
        .map(|(cat, (dog, sea))| cat + 0.5 * (dog - cat) + 0.2 * (sea - cat))
        .collect();
    assert!(nmse(&first(&request), &want).sqrt() < 1e-5);
}

#[test]
fn parts_are_the_sum_of_predictions() {
    gpu::run(Device::Plain, |gpu| check_sum(&open(gpu, tiny(), Options::default()).unwrap()));
    check_sum(&open_on_cpu(tiny()).unwrap());
}

/// With all that a run may have besides: on the CPU the same, and of several pictures each.
#[test]
fn they_go_with_everything_else() {
    gpu::run(Device::Plain, |gpu| {
        let pipeline = open(gpu, tiny(), Options::default()).unwrap();
        let on_cpu = open_on_cpu(tiny()).unwrap();
        let prompt = "a [red:blue:2] cat AND [a dog|trees] :0.6";
        let request = Request { negative_prompt: "[blurry:grey:0.5]".into(), ..asked(prompt) };
        let mask = mask_for(4).expect("a mask for a UNet of four channels")(32, 32);
        let picture = initial(32, 32);
        let start = Extras { initial: Some(&picture), ..Extras::default() };
        let masked = Extras { mask: Some(&mask), ..start };
        let plain = Extras::default();
        let tiled = Request {
            width: Some(96),
            height: Some(64),
            tile_overlap: Some(8),
            steps: 2,
            ..request.clone()
        };
        let cached = Shortcuts { cache_interval: 2, ..Shortcuts::default() };
        for (what, request, extras) in [
            ("as it is", request.clone(), plain),
            ("a start picture", request.clone(), start),
            ("a mask", request.clone(), masked),
            ("heun", Request { sampler: "heun".into(), ..request.clone() }, plain),
            ("a cache", Request { shortcuts: cached, steps: 6, ..request.clone() }, plain),
            ("two passes", Request { hires_scale: Some(1.5), ..request.clone() }, plain),
            ("windows", tiled, plain),
        ] {
            let [one, other] = [&pipeline, &on_cpu].map(|pipeline| {
                draw_with(pipeline, &request, &extras).unwrap_or_else(|e| panic!("{what}: {e}"))
            });
            println!("{what}: {}/255", apart(&one, &other));
            assert!(apart(&one, &other) <= 1, "{what}: {}/255", apart(&one, &other));
            assert_eq!(one.request.prompt, request.prompt);
            assert!(one.notices.iter().any(|text| text.contains("2 parts (AND)")), "{what}");
        }
        let both = Request { count: 2, ..request.clone() };
        let mut made = Vec::new();
        let mut keep = |_, picture| {
            made.push(picture);
            Ok(())
        };
        block_on(pipeline.generate_each(&both, &Control::default(), &plain, &mut keep)).unwrap();
        for (index, picture) in made.iter().enumerate() {
            let alone = draw(&pipeline, &both.picture(index as u32));
            assert!(apart(picture, &alone) <= 1, "picture {index}");
        }
        assert_eq!(made.len(), 2);
    });
}

/// A second pass counts on from the first: shares from 1, steps from those of the first.
#[test]
fn second_passes_count_on() {
    gpu::run(Device::Plain, |gpu| {
        let pipeline = open(gpu, tiny(), Options::default()).unwrap();
        let asked = |prompt: &str| Request { hires_scale: Some(1.5), ..asked(prompt) };
        let [cat, dog] = ["a red cat", "a blue dog"].map(|text| stages(&pipeline, &asked(text)));
        for (prompt, first, second) in [
            ("[a red cat:a blue dog:0.5]", None, Some(&dog)),
            ("[a red cat:a blue dog:1.0]", Some(&cat), Some(&dog)),
            ("[a red cat:a blue dog:4]", Some(&cat), Some(&dog)),
            ("[a red cat:a blue dog:1.5]", Some(&cat), None),
            ("[a red cat:a blue dog:6]", Some(&cat), None),
            ("[a red cat:a blue dog:2.0]", Some(&cat), Some(&cat)),
            ("[a red cat:a blue dog:99]", Some(&cat), Some(&cat)),
        ] {
            let seen = stages(&pipeline, &asked(prompt));
            if let Some(first) = first {
                assert_eq!(seen["latents_004"], first["latents_004"], "{prompt}");
            } else {
                assert_ne!(seen["latents_004"], cat["latents_004"], "{prompt}");
            }
            // The contexts that were seen last.
            let changes = seen["context"] != dog["context"] && second.is_none();
            let wanted = second.map(|second| &second["context"]);
            assert!(changes || Some(&seen["context"]) == wanted, "{prompt}");
        }
    });
}

#[test]
fn what_cannot_be_made_is_refused_before_any_work() {
    let pipeline = open_on_cpu(tiny()).unwrap();
    let refused = |pipeline: &Pipeline, request: &Request, extras: &Extras<'_>| match draw_with(
        pipeline, request, extras,
    ) {
        Err(Error::Request { field: "prompt", reason }) => reason,
        other => panic!("{:?}", other.map(|picture| picture.request)),
    };
    let none = &Extras::default();
    let words: Vec<String> = (0..400).map(|index| format!("word {index}")).collect();
    let many = Request { steps: 400, ..asked(&format!("[{}]", words.join("|"))) };
    assert!(refused(&pipeline, &many, none).contains("400 different texts"), "too many texts");
    let long = asked(&format!("[{0}:{0} b:2]", "a".repeat(600_000)));
    assert!(refused(&pipeline, &long, none).contains("shorten them"));
    assert!(refused(&pipeline, &asked(&"(".repeat(101)), none).contains("brackets open"));
    assert!(refused(&pipeline, &asked(&"a AND ".repeat(40)), none).contains("41 parts"));
    let (picture, editing) = (initial(32, 32), open_on_cpu(tiny_with(8)).unwrap());
    let extras = &Extras { initial: Some(&picture), ..Extras::default() };
    assert!(refused(&editing, &asked("cat AND dog"), extras).contains("by an instruction"));
    let changing = asked("[red:blue:2]");
    assert!(draw_with(&editing, &changing, extras).is_ok());
    // One that takes the guidance as a number has no negative prompt, and parts nevertheless.
    let distilled = open_on_cpu(lcm()).unwrap();
    let few = |prompt: &str| Request { sampler: "lcm".into(), ..asked(prompt) };
    let first = |prompt: &str| stages(&distilled, &few(prompt))["eps_001"].clone();
    let [cat, dog, both] = ["cat", "dog", "cat AND dog :0.5"].map(first);
    let want: Vec<f32> = cat.iter().zip(&dog).map(|(cat, dog)| cat + 0.5 * (dog - cat)).collect();
    assert!(nmse(&both, &want).sqrt() < 1e-5);
}

/// Prompts that change, and parts, are in the plan of the memory, to the byte.
#[test]
fn the_devices_account_is_the_plan() {
    let options = Options { residency: Some(Residency::ALL), ..Options::default() };
    for (prompt, prompts, texts) in [
        ("[red:blue:2] cat", 2, Texts { parts: 1, encoded: 3, contexts: 2, beside: 0 }),
        ("[red|blue|green] cat", 2, Texts { parts: 1, encoded: 4, contexts: 3, beside: 0 }),
        ("cat AND dog AND sea", 4, Texts { parts: 3, encoded: 0, contexts: 1, beside: 0 }),
        ("[a|b] AND dog", 3, Texts { parts: 2, encoded: 4, contexts: 2, beside: 0 }),
    ] {
        let gpu = device();
        let pipeline = open(&gpu, tiny(), options.clone()).unwrap();
        draw(&pipeline, &Request { steps: 6, ..asked(prompt) });
        let kinds = Kinds::EXACT.seeing(texts);
        let (size, begins) = ([32, 32], false);
        let load = Workload { size, prompts, chunks: 1, pictures: 1, kinds, begins };
        let files = files(tiny());
        let dry = files.dry_run_with(&options, &gpu, load, Residency::ALL);
        let dry = block_on(dry).unwrap();
        assert_eq!(pipeline.peaks(), dry.peaks, "{prompt}");
    }
}
