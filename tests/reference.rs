//! The second implementation, on the CPU by candle, against the first and against diffusers.

use crate::harness::gpu::{self, Device};
use crate::made_up::{Golden, nmse, program, scratch, spoiled, tiny};
use crate::walk::{Memory, open, request};
use darkroom::pipeline::{Control, Extras, Options, Pipeline, Progress, Request};
use darkroom::weights::FileSource;
use darkroom::{Error, Result};
use pollster::block_on;
use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;

pub(crate) fn open_on_cpu(model: &Path) -> Result<Pipeline> {
    let source = Rc::new(FileSource::new(model));
    block_on(Pipeline::open_on_cpu(source, &Options::default(), &Control::default()))
}

#[test]
fn it_is_diffusers() {
    let golden = Golden::open("walk.safetensors");
    let requests: serde_json::Value = serde_json::from_str(golden.text("requests")).unwrap();
    let pipeline = open_on_cpu(tiny()).unwrap();
    for case in ["euler", "no_guidance", "wide", "long"] {
        let request = Request::from_json(&requests[case].to_string()).unwrap();
        let memory = Memory::default();
        let extras = Extras { observer: Some(&memory), ..Extras::default() };
        block_on(pipeline.generate_with(&request, &Control::default(), &extras)).unwrap();
        let seen = memory.stages();
        for name in golden.names(&format!("{case}.")) {
            let (got, want) = (&seen[&name], golden.array(&format!("{case}.{name}")));
            if name == "image" {
                let errors = got.iter().zip(&want).map(|(g, w)| (g - w).abs());
                let error = errors.fold(0.0, f32::max) * 255.0;
                println!("{case} image: {error:.4}/255");
                assert!(error <= 2.0, "{case} image: {error}/255");
                continue;
            }
            let error = nmse(got, &want).sqrt();
            println!("{case} {name}: {error:.1e}");
            let exact = ["ids", "latents_000"].contains(&name.as_str());
            assert!(error <= if exact { 0.0 } else { 1e-3 }, "{case} {name}: {error:.1e}");
        }
    }
}

#[test]
fn it_is_the_picture_of_the_gpu() {
    let on_cpu = block_on(open_on_cpu(tiny()).unwrap().generate(&request(), &Control::default()));
    let on_gpu = gpu::run(Device::Plain, |gpu| {
        let pipeline = open(gpu, tiny(), Options::default()).unwrap();
        block_on(pipeline.generate(&request(), &Control::default())).unwrap()
    });
    let on_cpu = on_cpu.unwrap();
    assert_eq!(on_cpu.request, on_gpu.request);
    let errors = on_cpu.rgba.iter().zip(&on_gpu.rgba).map(|(a, b)| a.abs_diff(*b));
    let error = errors.max().unwrap();
    println!("CPU against GPU: {error}/255");
    assert!(error <= 2);
}

/// The built-in model, and all that its text encoder, guidance and decoder add.
#[test]
fn the_built_in_model_draws_the_same() {
    let model = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/web/models/demo"));
    let requests = [("ddim", 4), ("euler_ancestral", 4), ("heun", 2), ("dpmpp_2m_sde", 3)];
    let requests = requests.map(|(sampler, steps)| Request {
        prompt: "a red cat on a yellow background".into(),
        negative_prompt: "blue".into(),
        sampler: sampler.into(),
        steps,
        seed: 5,
        ..Request::default()
    });
    let draw = |pipeline: &Pipeline| {
        let draw = |request| block_on(pipeline.generate(request, &Control::default())).unwrap();
        requests.each_ref().map(draw)
    };
    let on_cpu = draw(&open_on_cpu(model).unwrap());
    let requests = requests.clone();
    let on_gpu = gpu::run(Device::Plain, move |gpu| {
        let pipeline = open(gpu, model, Options::default()).unwrap();
        requests.each_ref().map(|r| block_on(pipeline.generate(r, &Control::default())).unwrap())
    });
    for (cpu, gpu) in on_cpu.iter().zip(&on_gpu) {
        let error = cpu.rgba.iter().zip(&gpu.rgba).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        println!("{}: CPU against GPU {error}/255", cpu.request.sampler);
        assert!(error <= 2, "{}: {error}/255", cpu.request.sampler);
    }
}

#[test]
fn it_stops_and_refuses_as_the_gpu_does() {
    let pipeline = open_on_cpu(tiny()).unwrap();
    let before = block_on(pipeline.generate(&request(), &Control::default())).unwrap();
    let cancel = Rc::new(Cell::new(false));
    let stop = cancel.clone();
    let on_progress = move |event: &Progress| {
        stop.set(stop.get() || matches!(event, Progress::Step { step: 1, .. }));
    };
    let control = Control { on_progress: Box::new(on_progress), cancel, ..Control::default() };
    assert_eq!(block_on(pipeline.generate(&request(), &control)), Err(Error::Cancelled));
    let huge = Request { width: Some(4096), height: Some(4096), ..request() };
    let refused = block_on(pipeline.generate(&huge, &Control::default())).unwrap_err();
    assert!(matches!(refused, Error::Request { field: "size", .. }), "{refused}");
    let after = block_on(pipeline.generate(&request(), &Control::default())).unwrap();
    assert_eq!(before, after);
}

#[test]
fn it_names_what_it_cannot_be() {
    let folder = spoiled("no-attention", "vae/config.json", |bytes| {
        let text = String::from_utf8(bytes.clone()).unwrap();
        *bytes = text.replacen('{', "{\"mid_block_add_attention\": false,", 1).into_bytes();
    });
    match open_on_cpu(&folder).err().unwrap() {
        Error::Config { field, .. } => assert_eq!(field, "mid_block_add_attention"),
        other => panic!("{other}"),
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_program_runs_it() {
    let folder = scratch("cpu");
    let out = folder.join("picture.png");
    let (model, out) = (tiny().to_str().unwrap(), out.to_str().unwrap());
    let common =
        ["generate", "--device=cpu", "--model", model, "--prompt=a", "--steps=1", "--out", out];
    let run = |extra: &[&str]| program(&[&common[..], extra].concat()).status.code();
    assert_eq!(run(&[]), Some(0));
    assert_eq!(run(&["--precision=f16"]), Some(2));
    std::fs::remove_dir_all(folder).unwrap();
}
