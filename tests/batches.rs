//! Several pictures of one request: each is the picture of its own seed, whether they go together
//! or in parts, and a stop loses none that was finished.

use crate::harness::gpu::{self, Device};
use crate::made_up::{program, scratch, tiny};
use crate::reference::open_on_cpu;
use crate::walk::{Memory, open, request};
use darkroom::Error;
use darkroom::image::png;
use darkroom::pipeline::{Control, Extras, Options, Picture, Pipeline, Progress, Request};
use pollster::block_on;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

fn small(count: u32) -> Request {
    let size = Some(32);
    Request { width: size, height: size, seed: 40, count, ..request() }
}

/// The pictures, and the numbers of the stages of those that went together last.
fn draw(pipeline: &Pipeline, request: &Request) -> (Vec<Picture>, BTreeMap<String, Vec<f32>>) {
    let memory = Memory::default();
    let extras = Extras { observer: Some(&memory), ..Extras::default() };
    let mut pictures = Vec::new();
    let mut receive = |index: u32, picture| {
        assert_eq!(index as usize, pictures.len());
        pictures.push(picture);
        Ok(())
    };
    let control = Control::default();
    block_on(pipeline.generate_each(request, &control, &extras, &mut receive)).unwrap();
    (pictures, memory.stages())
}

/// The largest difference of two pictures' bytes.
fn difference(a: &Picture, b: &Picture) -> u8 {
    a.rgba.iter().zip(&b.rgba).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

/// Compares a request's pictures with those of their seeds alone.
fn check(pipeline: &Pipeline, many: &Request, together: bool) {
    let (pictures, stages) = draw(pipeline, many);
    assert_eq!(pictures.len(), many.count as usize);
    let (mut most, mut noise) = (0, Vec::<f32>::new());
    for (index, picture) in pictures.iter().enumerate() {
        let alone = Request { seed: many.seed + index as u64, count: 1, ..many.clone() };
        let (single, seen) = draw(pipeline, &alone);
        assert_eq!(picture.request, single[0].request);
        most = most.max(difference(picture, &single[0]));
        noise.extend(&seen["latents_000"]);
    }
    println!("{} {}: {most}/255 from the single pictures", many.count, many.sampler);
    assert!(most <= 1, "{most}/255");
    assert!(difference(&pictures[0], &pictures[1]) > 1, "two seeds, one picture");
    if together {
        assert_eq!(stages["latents_000"], noise, "the first noise is not the single pictures'");
    }
}

#[test]
fn each_picture_is_that_of_its_seed() {
    gpu::run(Device::Plain, |gpu| {
        let pipeline = open(gpu, tiny(), Options::default()).unwrap();
        check(&pipeline, &small(3), true);
        let ancestral = Request { sampler: "euler_ancestral".into(), steps: 4, ..small(2) };
        check(&pipeline, &ancestral, true);
        let stochastic = Request { eta: Some(1.0), rng: "philox".into(), ..small(2) };
        check(&pipeline, &Request { guidance_scale: 1.0, ..stochastic }, true);
        let prompt = "one, two, three, ".repeat(30);
        let chunks = Request { prompt, long_prompt: "chunks".into(), ..small(2) };
        check(&pipeline, &chunks, true);
    });
}

#[test]
fn each_picture_is_that_of_its_seed_on_the_cpu() {
    let pipeline = open_on_cpu(tiny()).unwrap();
    check(&pipeline, &Request { sampler: "euler_ancestral".into(), ..small(2) }, false);
}

#[test]
fn many_go_in_parts() {
    gpu::run(Device::Plain, |gpu| {
        let pipeline = open(gpu, tiny(), Options::default()).unwrap();
        check(&pipeline, &Request { steps: 1, ..small(18) }, false);
        let events = Rc::new(RefCell::new(Vec::new()));
        let hears = events.clone();
        let control = Control {
            on_progress: Box::new(move |event| hears.borrow_mut().push(event.clone())),
            ..Control::default()
        };
        // A stop while the second part is worked on.
        let (cancel, mut received) = (control.cancel.clone(), 0);
        let mut receive = |_, _| {
            received += 1;
            cancel.set(received == 16);
            Ok(())
        };
        let run = Request { steps: 3, ..small(18) };
        let extras = Extras::default();
        let run = pipeline.generate_each(&run, &control, &extras, &mut receive);
        assert_eq!(block_on(run), Err(Error::Cancelled));
        assert_eq!(received, 16);
        let steps: Vec<usize> = events
            .borrow()
            .iter()
            .flat_map(|event| match event {
                Progress::Step { step, steps: 6 } => Some(*step),
                Progress::Decoding => None,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(steps, [0, 1, 2, 3, 3]);
    });
}

#[test]
fn what_cannot_be_many_is_refused() {
    gpu::run(Device::Plain, |gpu| {
        let pipeline = open(gpu, tiny(), Options::default()).unwrap();
        let refused =
            |request: &Request| match block_on(pipeline.generate(request, &Control::default())) {
                Err(Error::Request { field, .. }) => field,
                other => panic!("{other:?}"),
            };
        assert_eq!(refused(&small(2)), "count");
        assert_eq!(refused(&Request { clip_skip: 3, ..small(1) }), "clip skip");
        let lcm = Request { sampler: "lcm".into(), spacing: Some("leading".into()), ..small(1) };
        assert_eq!(refused(&lcm), "spacing");
        let odd = Request { prompt: "(a:1.2.3)".into(), prompt_syntax: "a1111".into(), ..small(1) };
        assert_eq!(refused(&odd), "prompt");
    });
}

#[test]
fn the_program_numbers_their_files() {
    let folder = scratch("count");
    let out = folder.join("cat.png");
    let (model, out) = (tiny().to_str().unwrap(), out.to_str().unwrap());
    let common = ["generate", "--model", model, "--prompt=a (b:1.2)", "--steps=1", "--out", out];
    let run = |extra: &[&str]| program(&[&common[..], extra].concat()).status.code();
    let options = ["--width=32", "--height=32", "--seed=9", "--clip-skip=2", "--spacing=trailing"];
    let text = ["--prompt-weights", "--clean", "--long-prompt=chunks"];
    assert_eq!(run(&[&["--count=2"], &options[..], &text[..]].concat()), Some(0));
    for (name, seed) in [("cat-000.png", 9), ("cat-001.png", 10)] {
        let file = png::decode(name, &std::fs::read(folder.join(name)).unwrap()).unwrap();
        let request = Request::from_json(file.text(png::DARKROOM).unwrap()).unwrap();
        assert_eq!((request.seed, request.count, request.clip_skip), (seed, 1, 2));
        assert!(request.reads_a1111() && request.clean);
        let parameters = file.text(png::PARAMETERS).unwrap();
        for field in ["Clip skip: 2", "Timestep spacing: trailing", "Long prompt: chunks"] {
            assert!(parameters.contains(field), "{parameters}");
        }
    }
    let dump = folder.join("dump");
    assert_eq!(run(&["--count=2", "--dump", dump.to_str().unwrap()]), Some(2));
    assert_eq!(run(&["--count=2", "--seed=18446744073709551615"]), Some(2));
    std::fs::remove_dir_all(folder).unwrap();
}
