//! A TAESD beside a model: who decodes, what the picture says of it, previews, and a picture to
//! begin with. The model is the tiny made-up one.

use crate::harness::gpu::{self, Device};
use crate::made_up::{nmse, program, scratch, tiny};
use crate::taesd::{file, made_up, place};
use crate::walk::{Memory, open, request};
use darkroom::diffusion::{Sampler, SamplerOptions, noise::Torch};
use darkroom::image::{Rgba, png};
use darkroom::models::taesd::TaesdConfig;
use darkroom::pipeline::{
    BesideVae, Control, DecoderChoice, Extras, Files, Options, Part, PartSet, Picture, Pipeline,
    Previews, Progress, Request, Residency,
};
use darkroom::reference::{self, Weights};
use darkroom::weights::{FileSource, MemorySource, Source, Taesd, TaesdHalf};
use darkroom::{Error, Result};
use pollster::block_on;
use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

/// With the widths of the tiny golden.
pub(crate) fn narrow() -> Arc<Taesd> {
    file("narrow", "diffusion_pytorch_model.safetensors").unwrap()
}

pub(crate) fn with(taesd: Arc<Taesd>, decoder: DecoderChoice) -> Options {
    Options { taesd: Some(BesideVae { taesd, decoder }), ..Options::default() }
}

fn on_cpu(options: &Options) -> Result<Pipeline> {
    let source = Rc::new(FileSource::new(tiny()));
    block_on(Pipeline::open_on_cpu(source, options, &Control::default()))
}

/// The TAESD by candle.
fn network(taesd: &Taesd) -> reference::Taesd {
    let read = |half: &TaesdHalf| {
        block_on(Weights::read(half.source(), half.archive(), 0, &mut |_| Ok(()))).unwrap()
    };
    let config = TaesdConfig::of(taesd).unwrap();
    reference::Taesd::new(&config, read(taesd.decoder()), taesd.encoder().map(read)).unwrap()
}

fn candle(values: &[f32], shape: &[usize]) -> candle_core::Tensor {
    candle_core::Tensor::from_slice(values, shape, &candle_core::Device::Cpu).unwrap()
}

fn values(x: &candle_core::Tensor) -> Vec<f32> {
    x.flatten_all().unwrap().to_vec1().unwrap()
}

/// Draws with an observer: the picture, its last latents, and its values in 0…1.
fn observed(pipeline: &Pipeline) -> (Picture, Vec<f32>, Vec<f32>) {
    let memory = Memory::default();
    let extras = Extras { observer: Some(&memory), ..Extras::default() };
    let made = block_on(pipeline.generate_with(&request(), &Control::default(), &extras)).unwrap();
    let mut stages = memory.stages();
    (made, stages.remove("latents_002").unwrap(), stages.remove("image").unwrap())
}

/// Checks that the TAESD made a picture of its last latents, and that the picture says so.
fn check((made, latents, image): (Picture, Vec<f32>, Vec<f32>)) {
    let [w, h] = [made.width, made.height].map(|side| side as usize / 8);
    let want = values(&network(&narrow()).decode(&candle(&latents, &[1, 4, h, w])));
    let unit = |x: &f32| (x * 0.5 + 0.5).clamp(0.0, 1.0);
    let errors = image.iter().zip(&want).map(|(got, want)| (got - unit(want)).abs());
    let error = errors.fold(0.0, f32::max) * 255.0;
    println!("{error:.4}/255");
    assert!(error < 0.1, "{error}/255");
    let record = made.decoder.clone().expect("it says so");
    assert_eq!((record.kind, record.name.as_str()), ("taesd", "diffusion_pytorch_model"));
    assert_eq!((record.sha256.as_str(), record.encoder), (narrow().sha256(), false));
    let parameters = made.parameters();
    assert_eq!(parameters.get("VAE Decoder"), Some("TAESD"));
    assert_eq!(parameters.get("VAE Encoder"), None);
    let file = png::decode("a", &made.png().unwrap()).unwrap();
    let told = file.text(png::DARKROOM_DECODER).unwrap();
    assert!(told.contains(narrow().sha256()), "{told}");
    assert!(made.notices.is_empty(), "{:?}", made.notices);
}

#[test]
fn a_picture_decoded_by_it_says_so() {
    let of_gpu = gpu::run(Device::Plain, |gpu| {
        let pipeline = open(gpu, tiny(), with(narrow(), DecoderChoice::Taesd)).unwrap();
        let kept = pipeline.residency().unwrap();
        assert!(kept.taesd && !kept.kept.has(Part::Vae), "{kept:?}");
        observed(&pipeline)
    });
    let of_cpu = observed(&on_cpu(&with(narrow(), DecoderChoice::Taesd)).unwrap());
    let off = of_cpu.0.rgba.iter().zip(&of_gpu.0.rgba).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(off.unwrap() <= 2, "CPU against GPU {off:?}/255");
    check(of_gpu);
    check(of_cpu);
}

/// Where there is room for the VAE, it decodes, and the picture is as without a TAESD.
#[test]
fn the_vae_decodes_where_it_can() {
    let [plain, vae, auto] = gpu::run(Device::Plain, |gpu| {
        let beside = |decoder| with(narrow(), decoder);
        [Options::default(), beside(DecoderChoice::Vae), beside(DecoderChoice::Auto)].map(
            |options| {
                let pipeline = open(gpu, tiny(), options).unwrap();
                block_on(pipeline.generate(&request(), &Control::default())).unwrap()
            },
        )
    });
    assert_eq!(plain.decoder, None);
    assert_eq!([&vae, &auto], [&plain, &plain]);
    let cpu = |options| {
        block_on(on_cpu(&options).unwrap().generate(&request(), &Control::default())).unwrap()
    };
    assert_eq!(cpu(with(narrow(), DecoderChoice::Auto)), cpu(Options::default()));
}

/// Draws with previews, and what was told of loading and of previews.
fn shown(pipeline: &Pipeline, pictures: u32) -> (Picture, Vec<Progress>) {
    let told = Rc::new(RefCell::new(Vec::new()));
    let hears = told.clone();
    let on_progress = Box::new(move |event: &Progress| match event {
        Progress::Preview { .. } | Progress::Loading { .. } | Progress::Latents { .. } => {
            hears.borrow_mut().push(event.clone());
        }
        _ => {}
    });
    let previews = Previews { latents: true, pictures };
    let control = Control { on_progress, previews, ..Control::default() };
    let request = Request { steps: 4, ..request() };
    let picture = block_on(pipeline.generate(&request, &control)).unwrap();
    (picture, told.take())
}

fn check_previews(pipeline: &Pipeline) {
    let (plain, _) = shown(pipeline, 0);
    let (made, events) = shown(pipeline, 1);
    assert_eq!((&made, &made.decoder), (&plain, &None), "the VAE decodes the picture");
    let loads =
        |event: &&Progress| matches!(event, Progress::Loading { part, .. } if part == "unet");
    let loaded = events.iter().filter(loads).count();
    let (_, before) = shown(pipeline, 0);
    assert_eq!(loaded, before.iter().filter(loads).count(), "previews let no part go");
    let (mut latents, mut previews) = (Vec::new(), 0);
    for event in &events {
        match event {
            Progress::Latents { values, .. } => latents.clone_from(values),
            Progress::Preview { width, height, rgba } => {
                let [w, h] = [*width, *height].map(|side| side as usize);
                let x0 = candle(&latents, &[1, 4, h / 8, w / 8]);
                let want = values(&network(&narrow()).decode(&x0));
                let byte = |x: f32| ((x * 0.5 + 0.5).clamp(0.0, 1.0) * 255.0).round() as u8;
                let at = |i: usize| byte(want[i % 4 * h * w + i / 4]);
                let of_colour = (0..4 * h * w).filter(|i| i % 4 < 3);
                let off = of_colour.map(|i| rgba[i].abs_diff(at(i))).max().unwrap();
                assert!(off <= 1, "{off}/255");
                previews += 1;
            }
            _ => {}
        }
    }
    assert_eq!(previews, 3, "after every step but the last");
}

/// Previews of every step are decoded by it, change nothing, and let no part go.
#[test]
fn previews_are_decoded_by_it() {
    check_previews(&on_cpu(&with(narrow(), DecoderChoice::Vae)).unwrap());
    gpu::run(Device::Plain, |gpu| {
        let all = Some(Residency::ALL);
        let none = Some(Residency { kept: PartSet::EMPTY, bands: None, taesd: false });
        for residency in [all, none] {
            let options = Options { residency, ..with(narrow(), DecoderChoice::Vae) };
            check_previews(&open(gpu, tiny(), options).unwrap());
        }
    });
}

/// A picture to begin with, of the tiny model's own size.
fn start() -> Rgba {
    let pixel = |i: u32| [(3 * i) as u8, (i / 7) as u8, (i * i) as u8, 255];
    Rgba::new(64, 64, (0..64 * 64).flat_map(pixel).collect())
}

/// Draws from it; the picture and the first latents.
fn draw_from(pipeline: &Pipeline) -> (Picture, Vec<f32>) {
    let (memory, start) = (Memory::default(), start());
    let extras = Extras { observer: Some(&memory), initial: Some(&start), ..Extras::default() };
    let request = Request { steps: 4, sampler: "ddim".into(), seed: 3, ..request() };
    let made = block_on(pipeline.generate_with(&request, &Control::default(), &extras)).unwrap();
    (made, memory.stages().remove("latents_000").unwrap())
}

/// A picture to begin with is encoded by the TAESD that was chosen, without a draw, as diffusers'
/// `retrieve_latents` takes `AutoencoderTiny`'s latents; by the VAE where the TAESD has no encoder.
#[test]
fn a_start_picture_is_encoded_by_it() {
    let files = block_on(Files::open(&FileSource::new(tiny()))).unwrap();
    let start = start();
    let planes: Vec<f32> = (0..3)
        .flat_map(|c| start.pixels().iter().skip(c).step_by(4))
        .map(|byte| 2.0 * (f32::from(*byte) / 255.0) - 1.0)
        .collect();
    let z = values(&network(&narrow()).encode(&candle(&planes, &[1, 3, 64, 64])));
    // Of four steps at a strength of 0.8 diffusers takes three.
    let options = SamplerOptions { left_out: Some(1), ..SamplerOptions::default() };
    let plan = Sampler::Ddim.plan_with(&files.schedule, 4, options).unwrap();
    let noise = Torch::new(3).randn(z.len());
    let [signal, sigma] = [plan.init_signal, plan.init_noise_sigma].map(|x| x as f32);
    let want: Vec<f32> = z.iter().zip(noise).map(|(z, n)| signal * z + sigma * n).collect();
    let check = |(made, got): (Picture, Vec<f32>)| {
        let error = nmse(&got, &want).sqrt();
        println!("{error:.1e}");
        assert!(error < 1e-5, "{error:.1e}");
        assert!(made.decoder.as_ref().is_some_and(|record| record.encoder));
        assert_eq!(made.parameters().get("VAE Encoder"), Some("TAESD"));
    };
    check(draw_from(&on_cpu(&with(narrow(), DecoderChoice::Taesd)).unwrap()));
    check(gpu::run(Device::Plain, |gpu| {
        draw_from(&open(gpu, tiny(), with(narrow(), DecoderChoice::Taesd)).unwrap())
    }));
    let alone = MemorySource::new("taesd_decoder.safetensors", their_decoder());
    let alone = block_on(Taesd::open(&alone, "taesd_decoder.safetensors")).unwrap();
    let (made, got) = draw_from(&on_cpu(&with(alone, DecoderChoice::Taesd)).unwrap());
    assert!(made.decoder.is_some_and(|record| !record.encoder));
    assert!(nmse(&got, &want) > 1e-3, "the VAE's latents are others");
}

/// The bytes of madebyollin's file.
fn their_decoder() -> Vec<u8> {
    std::fs::read(place("theirs/taesd_decoder.safetensors")).unwrap()
}

#[test]
fn one_for_another_model_is_refused_by_what_it_is() {
    let refused = |taesd: Arc<Taesd>, what: &str| {
        let error = on_cpu(&with(taesd, DecoderChoice::Auto)).err().expect("it does not fit");
        assert!(matches!(error, Error::Unfit { .. }), "{error:?}");
        assert!(error.to_string().contains(what), "{error}");
    };
    refused(file("small", "diffusion_pytorch_model.safetensors").unwrap(), "latents of 6 channels");
    let sd3: [(&str, &[usize]); 3] = [
        ("1.weight", &[8, 16, 3, 3]),
        ("3.conv.0.weight", &[8, 8, 3, 3]),
        ("4.weight", &[3, 8, 3, 3]),
    ];
    let open = |source: &MemorySource| block_on(Taesd::open(source, source.file())).unwrap();
    refused(open(&made_up("a", &sd3)), "16 channels, as Stable Diffusion 3 and Flux");
    let one_level = [("1.weight", &[8, 4, 3, 3][..]), sd3[1], sd3[2]];
    refused(open(&made_up("a", &one_level)), "1 times as wide");
    // The decoder has as many levels as the model's VAE, the encoder fewer.
    let square: &[usize] = &[8, 8, 3, 3];
    let halves = [
        ("decoder.1.weight", &[8, 4, 3, 3][..]),
        ("decoder.2.conv.0.weight", square),
        ("decoder.3.weight", square),
        ("decoder.4.weight", square),
        ("decoder.5.weight", square),
        ("decoder.6.weight", &[3, 8, 3, 3]),
        ("encoder.0.weight", &[8, 3, 3, 3]),
        ("encoder.1.conv.0.weight", square),
        ("encoder.2.weight", &[4, 8, 3, 3]),
    ];
    let mixed = with(open(&made_up("a", &halves)), DecoderChoice::Auto);
    let error = on_cpu(&mixed).err().expect("they do not belong together").to_string();
    assert!(error.contains("its encoder has 1 levels and its decoder 4"), "{error}");
    let told = Rc::new(RefCell::new(Vec::new()));
    let heard = told.clone();
    let on_progress = Box::new(move |event: &Progress| heard.borrow_mut().push(event.clone()));
    let control = Control { on_progress, ..Control::default() };
    let xl = open(&MemorySource::new("taesdxl_decoder.safetensors", their_decoder()));
    let source: Rc<dyn Source> = Rc::new(FileSource::new(tiny()));
    let options = with(xl, DecoderChoice::Taesd);
    block_on(Pipeline::open_on_cpu(source, &options, &control)).unwrap();
    let says =
        |event: &Progress| matches!(event, Progress::Notice { text } if text.contains("SDXL"));
    assert!(told.borrow().iter().any(says));
}

#[test]
fn the_program_takes_it() {
    let folder = scratch("taesd");
    let draw = |name: &str, more: &[&str]| {
        let out = folder.join(name);
        let (model, out_text) = (tiny().to_str().unwrap(), out.to_str().unwrap());
        let words = ["generate", "--device=cpu", "--model", model, "--prompt=a", "--steps=1"];
        let made = program(&[&words[..], &["--out", out_text], more].concat());
        let errors = String::from_utf8_lossy(&made.stderr).into_owned();
        (made.status.code(), std::fs::read(out).ok(), errors)
    };
    let said = |bytes: Option<Vec<u8>>| {
        let file = png::decode("it", &bytes.unwrap()).unwrap();
        file.text(png::PARAMETERS).unwrap().contains("VAE Decoder: TAESD")
    };
    for (path, decoder, decodes) in [
        (place("narrow"), "taesd", true),
        (place("theirs"), "taesd", true),
        (place("theirs/taesd_decoder.pth"), "taesd", true),
        (place("narrow"), "vae", false),
        (place("narrow"), "auto", false),
    ] {
        let more = ["--taesd", path.to_str().unwrap(), "--decoder", decoder];
        let (code, made, errors) = draw(&format!("{decoder}.png"), &more);
        assert_eq!(code, Some(0), "{errors}");
        assert_eq!(said(made), decodes, "{decoder}");
    }
    let (code, none, errors) = draw("none.png", &["--taesd", "missing.safetensors"]);
    assert_eq!((code, none), (Some(3), None));
    assert!(errors.contains("missing.safetensors"), "{errors}");
    let (code, _, errors) = draw("none.png", &["--taesd", folder.to_str().unwrap()]);
    assert!(code == Some(3) && errors.contains("no TAESD in this folder"), "{errors}");
    assert_eq!(draw("none.png", &["--decoder", "taesd"]).0, Some(2));
    std::fs::remove_dir_all(folder).unwrap();
}

/// It is found where its files lie in a folder, whatever that is called.
#[test]
fn a_folder_without_one_is_refused() {
    let error = block_on(Taesd::open_folder(&FileSource::new(Path::new("tests")), "tests"));
    let error = error.unwrap_err();
    assert!(matches!(&error, Error::NotFound { path, .. } if path == "tests"), "{error}");
}
