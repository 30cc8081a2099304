//! Runs with a mask, and edits by an instruction, against diffusers, on tiny made-up checkpoints
//! whose UNets have 4, 9 and 8 channels. `scripts/golden/inpaint.py` wrote what it gives.

use crate::harness::gpu::{self, Device};
use crate::img2img::{LATENTS_MAX, cases, check, initial};
use crate::made_up::{Golden, synth_with, tiny};
use crate::masks::mask;
use crate::memory::device;
use crate::reference::open_on_cpu;
use crate::walk::{Memory, open, request};
use darkroom::diffusion::Sampler;
use darkroom::gpu::Limits;
use darkroom::image::{Filter, Mask, Rgba};
use darkroom::pipeline::{
    Control, Extras, Files, Kinds, Options, Picture, Pipeline, Purpose, Request, Residency,
    Workload,
};
use darkroom::weights::FileSource;
use darkroom::{Error, Result};
use pollster::block_on;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Samplers that no pipeline of diffusers has: those of k-diffusion alone.
const OTHERS: [&str; 4] = ["dpmpp_2s_ancestral", "dpmpp_sde", "dpmpp_3m_sde", "ipndm"];

/// The tiny checkpoint whose UNet has so many channels.
pub(crate) fn tiny_with(channels: u64) -> &'static Path {
    static FOLDERS: [OnceLock<PathBuf>; 2] = [OnceLock::new(), OnceLock::new()];
    let make = |channels: &str| {
        synth_with("tiny", &format!("tiny-{channels}"), &["--in-channels", channels])
    };
    match channels {
        4 => tiny(),
        8 => FOLDERS[0].get_or_init(|| make("8")),
        9 => FOLDERS[1].get_or_init(|| make("9")),
        _ => panic!("a UNet of {channels} channels"),
    }
}

/// Whether a model of so many channels takes a mask.
fn takes_mask(channels: u64) -> bool {
    channels != 8
}

pub(crate) fn draw(
    pipeline: &Pipeline,
    request: &Request,
    picture: &Rgba,
    mask: Option<&Rgba>,
) -> Result<Picture> {
    let extras = Extras { initial: Some(picture), mask, ..Extras::default() };
    block_on(pipeline.generate_with(request, &Control::default(), &extras))
}

/// The masks of the golden runs, for a model of so many channels.
pub(crate) fn mask_for(channels: u64) -> Option<fn(u32, u32) -> Rgba> {
    takes_mask(channels).then_some(mask)
}

fn check_all(channels: u64) {
    gpu::run(Device::Plain, move |gpu| {
        let golden = Golden::open("inpaint.safetensors");
        let pipeline = open(gpu, tiny_with(channels), Options::default()).unwrap();
        let mut seen = 0;
        for (case, asked) in &cases(&golden) {
            if asked["channels"] == channels {
                check(&pipeline, (&golden, case), mask_for(channels), LATENTS_MAX);
                seen += 1;
            }
        }
        assert!(seen >= 8, "{seen} runs of {channels} channels");
    });
}

#[test]
fn what_a_mask_keeps_is_put_back_as_in_diffusers() {
    let golden = Golden::open("inpaint.safetensors");
    let of_four = cases(&golden).into_iter().filter(|(_, asked)| asked["channels"] == 4);
    let samplers: Vec<_> = of_four.map(|(_, asked)| asked["request"]["sampler"].clone()).collect();
    let is_there = |name: &str| samplers.contains(&name.into()) != OTHERS.contains(&name);
    assert!(Sampler::ALL.iter().all(|sampler| is_there(sampler.name())));
    check_all(4);
}

#[test]
fn samplers_of_k_diffusion_keep_what_a_mask_keeps() {
    gpu::run(Device::Plain, |gpu| {
        let golden = Golden::open("inpaint.safetensors");
        let pipeline = open(gpu, tiny_with(4), Options::default()).unwrap();
        let finals = ["ddim", "pndm"].map(|name| golden.array(&format!("4 {name} 0.75.final")));
        // What is the same whatever made it is the picture's.
        let kept: Vec<bool> =
            finals[0].iter().zip(&finals[1]).map(|(a, b)| (a - b).abs() <= 1e-5).collect();
        assert!(kept.contains(&true) && kept.contains(&false));
        let asked = cases(&golden)["4 ddim 0.75"]["request"].to_string();
        for sampler in OTHERS {
            let asked = Request::from_json(&asked).unwrap();
            let request = Request { sampler: sampler.into(), ..asked };
            let (memory, picture, mask) = (Memory::default(), initial(64, 64), mask(64, 64));
            let (initial, mask, observer) = (Some(&picture), Some(&mask), Some(&memory as _));
            let extras = Extras { initial, mask, observer, ..Extras::default() };
            block_on(pipeline.generate_with(&request, &Control::default(), &extras)).unwrap();
            let seen = memory.stages();
            let last = seen.keys().rev().find(|name| name.starts_with("latents_")).unwrap();
            let apart = |which: bool| {
                let pairs = seen[last].iter().zip(&finals[0]).zip(&kept);
                let those = pairs.filter(|(_, kept)| **kept == which);
                those.map(|((a, b), _)| (a - b).abs()).fold(0.0_f32, f32::max)
            };
            println!("{sampler}: kept {:.1e}, made {:.1e}", apart(true), apart(false));
            assert!(apart(true) <= 1e-5 && apart(false) > 1e-2, "{sampler}");
        }
    });
}

#[test]
fn a_unet_of_nine_channels_is_diffusers() {
    check_all(9);
}

#[test]
fn an_edit_by_an_instruction_is_diffusers() {
    check_all(8);
}

#[test]
fn the_cpu_does_the_same() {
    let golden = Golden::open("inpaint.safetensors");
    for (channels, case) in [
        (4, "4 ddim 0.75"),
        (4, "4 euler_ancestral 1.0"),
        (9, "9 dpmpp_2m 0.3"),
        (8, "8 ddim 1.5"),
        (8, "8 no guidance"),
    ] {
        let pipeline = open_on_cpu(tiny_with(channels)).unwrap();
        check(&pipeline, (&golden, case), mask_for(channels), LATENTS_MAX);
    }
}

/// Pictures that are computed together are as if alone, with their own numbers.
#[test]
fn each_of_several_is_as_if_alone() {
    for channels in [4, 9, 8] {
        gpu::run(Device::Plain, move |gpu| {
            let pipeline = open(gpu, tiny_with(channels), Options::default()).unwrap();
            let strength = takes_mask(channels).then_some(0.5);
            let many = Request { count: 3, strength, steps: 4, ..request() };
            let many = Request { sampler: "euler_ancestral".into(), ..many };
            let (picture, mask) = (initial(64, 64), mask(64, 64));
            let mask = takes_mask(channels).then_some(&mask);
            let extras = Extras { initial: Some(&picture), mask, ..Extras::default() };
            let mut made = Vec::new();
            let mut receive = |_, picture: Picture| {
                made.push(picture);
                Ok(())
            };
            let control = Control::default();
            block_on(pipeline.generate_each(&many, &control, &extras, &mut receive)).unwrap();
            for (index, together) in made.iter().enumerate() {
                let alone = draw(&pipeline, &many.picture(index as u32), &picture, mask).unwrap();
                let pairs = alone.rgba.iter().zip(&together.rgba);
                let error = pairs.map(|(a, b)| a.abs_diff(*b)).max().unwrap();
                assert!(error <= 1, "picture {index}: {error}/255");
                assert_eq!(alone.request, together.request);
            }
            assert_ne!(made[0].rgba, made[1].rgba);
        });
    }
}

/// The masked part begins with noise where that is asked for, and the rest is the picture's.
#[test]
fn masked_content_of_noise_has_nothing_of_the_picture() {
    let pipeline = open_on_cpu(tiny()).unwrap();
    let first = |content: &str, picture: &Rgba| {
        let memory = Memory::default();
        let mask = mask(64, 64);
        let asked = Request {
            strength: Some(0.5),
            masked_content: content.into(),
            width: Some(64),
            height: Some(64),
            ..request()
        };
        let extras = Extras {
            initial: Some(picture),
            mask: Some(&mask),
            observer: Some(&memory),
            ..Extras::default()
        };
        block_on(pipeline.generate_with(&asked, &Control::default(), &extras)).unwrap();
        memory.stages().remove("latents_000").unwrap()
    };
    let white = Rgba::new(64, 64, vec![255; 4 * 64 * 64]);
    let [noise, of_white] = [&initial(64, 64), &white].map(|picture| first("noise", picture));
    let original = first("original", &initial(64, 64));
    let cells = Mask::of(&mask(64, 64)).cells(8);
    for (i, anew) in cells.iter().cycle().take(noise.len()).enumerate() {
        match anew {
            true => assert_eq!(noise[i], of_white[i], "{i}"),
            false => assert_eq!(noise[i], original[i], "{i}"),
        }
    }
    assert_ne!(noise, original);
}

/// The built-in model makes another thing under a mask, and every other pixel keeps its bytes.
#[test]
fn the_rest_of_a_picture_keeps_its_bytes() {
    let model = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/web/models/demo"));
    let pipeline = open_on_cpu(model).unwrap();
    let prompt = "a red cat on a yellow background".to_string();
    let first = Request { prompt, seed: 5, steps: 12, ..Request::default() };
    let start = block_on(pipeline.generate(&first, &Control::default())).unwrap();
    let (w, h) = (start.width, start.height);
    let start = Rgba::new(w, h, start.rgba);
    let middle =
        |i: u32| (w / 5..4 * w / 5).contains(&(i % w)) && (h / 8..7 * h / 8).contains(&(i / w));
    let value = |i: u32| if middle(i) { [255; 4] } else { [0, 0, 0, 255] };
    let mask = Rgba::new(w, h, (0..w * h).flat_map(value).collect());
    let prompt = "a blue star on a yellow background".to_string();
    let other = Request { prompt, seed: 6, strength: Some(1.0), ..first };
    let made = draw(&pipeline, &other, &start, Some(&mask)).unwrap();
    let (mut changed, mut within) = (0, 0);
    for i in 0..w * h {
        let [before, after] = [start.pixels(), &made.rgba].map(|all| &all[4 * i as usize..][..4]);
        if !middle(i) {
            assert_eq!(before, after, "pixel {i} is not under the mask");
            continue;
        }
        within += 1;
        changed += u32::from(before.iter().zip(after).any(|(a, b)| a.abs_diff(*b) > 40));
    }
    println!("{changed} of {within} pixels under the mask are quite others");
    assert!(4 * changed > within, "{changed} of {within}");
}

/// A stroke that its blur would leave nothing of is made anew all the same.
#[test]
fn a_stroke_thinner_than_its_blur_counts() {
    let pipeline = open_on_cpu(tiny()).unwrap();
    let value = |i: u32| if (i % 64).abs_diff(40) < 2 { [255; 4] } else { [0, 0, 0, 255] };
    let mask = Rgba::new(64, 64, (0..64 * 64).flat_map(value).collect());
    let start = initial(64, 64);
    let asked = Request { mask_blur: 8.0, ..request() };
    let made = draw(&pipeline, &asked, &start, Some(&mask)).unwrap();
    let whole = start.resize(made.width, made.height, Filter::Lanczos);
    assert_ne!(made.rgba, whole.pixels());
}

#[test]
fn what_a_model_needs_is_asked_for() {
    let wrong = |channels: u64, change: fn(&mut Request), picture: bool, mask: Option<Rgba>| {
        let pipeline = open_on_cpu(tiny_with(channels)).unwrap();
        let mut asked = request();
        change(&mut asked);
        let start = initial(64, 64);
        let initial = picture.then_some(&start);
        let extras = Extras { initial, mask: mask.as_ref(), ..Extras::default() };
        match block_on(pipeline.generate_with(&asked, &Control::default(), &extras)) {
            Err(Error::Request { field, reason }) => (field, reason),
            other => panic!("{channels}: {other:?}"),
        }
    };
    let white = || Some(Rgba::new(8, 8, vec![255; 256]));
    let black = || Some(Rgba::new(8, 8, [0, 0, 0, 255].repeat(64)));
    let none = |_: &mut Request| ();
    for (channels, field, (picture, mask)) in [
        (4, "initial picture", (false, white())),
        (4, "mask", (true, black())),
        (9, "mask", (false, None)),
        (9, "mask", (true, None)),
        (9, "initial picture", (false, white())),
        (8, "initial picture", (false, None)),
        (8, "mask", (true, white())),
    ] {
        let (named, reason) = wrong(channels, none, picture, mask);
        assert_eq!(named, field, "{channels}: {reason}");
    }
    let scale = |r: &mut Request| r.image_guidance_scale = Some(1.5);
    assert_eq!(wrong(4, scale, true, white()).0, "image guidance scale");
    assert_eq!(wrong(8, |r| r.strength = Some(0.5), true, None).0, "strength");
    assert_eq!(wrong(4, |r| r.mask_blur = 4.0, true, None).0, "mask");
    assert_eq!(wrong(4, |r| r.masked_content = "noise".into(), true, None).0, "mask");
    assert_eq!(wrong(4, |r| r.padding_mask_crop = Some(8), true, None).0, "mask");
    assert_eq!(wrong(4, |r| r.masked_content = "sky".into(), true, white()).0, "masked content");
    assert_eq!(wrong(4, |r| r.strength = Some(0.2), true, white()).0, "strength");
}

/// The smallest mask still marks a latent, and one that is all white is the whole picture.
#[test]
fn the_smallest_and_the_largest_mask() {
    let pipeline = open_on_cpu(tiny()).unwrap();
    let asked = Request { width: Some(64), height: Some(64), ..request() };
    let start = initial(64, 64);
    let mut pixels = [0, 0, 0, 255].repeat(64 * 64);
    let one = 64 * 37 + 21;
    pixels[4 * one..4 * one + 3].fill(255);
    let made = draw(&pipeline, &asked, &start, Some(&Rgba::new(64, 64, pixels))).unwrap();
    assert_eq!(made.request.strength, Some(1.0), "what diffusers takes");
    for i in (0..64 * 64).filter(|i| *i != one) {
        assert_eq!(made.rgba[4 * i..4 * i + 3], start.pixels()[4 * i..4 * i + 3]);
    }
    assert_ne!(made.rgba[4 * one..4 * one + 3], start.pixels()[4 * one..4 * one + 3]);
    // What is made anew as a whole has nothing of the picture.
    let white = Rgba::new(1, 1, vec![255; 4]);
    let other = Rgba::new(3, 2, vec![90; 24]);
    let [one, two] = [&start, &other]
        .map(|picture| draw(&pipeline, &asked, picture, Some(&white)).unwrap().rgba);
    assert_eq!(one, two);
    // One of another size is the picture's as a whole.
    let small = mask(40, 24);
    let large = Mask::of(&small).resize(64, 64).picture();
    let [one, two] =
        [&small, &large].map(|mask| draw(&pipeline, &asked, &start, Some(mask)).unwrap().rgba);
    assert_eq!(one, two);
}

/// What a mask and further channels take on the device is planned before.
#[test]
fn the_plan_knows_masks_and_channels() {
    for channels in [4, 9, 8] {
        let gpu = &device();
        let options = Options { residency: Some(Residency::ALL), ..Options::default() };
        let pipeline = open(gpu, tiny_with(channels), options.clone()).unwrap();
        let asked = Request { steps: 6, width: Some(64), height: Some(64), ..request() };
        let (picture, mask) = (initial(64, 64), mask(64, 64));
        let mask = takes_mask(channels).then_some(&mask);
        draw(&pipeline, &asked, &picture, mask).unwrap();
        let files = block_on(Files::open(&FileSource::new(tiny_with(channels)))).unwrap();
        let mut plan = Sampler::Ddim.plan(&files.schedule, 6).unwrap();
        if files.purpose() == Purpose::Generate {
            plan = plan.with_mask(false);
        }
        let (kinds, prompts) = (Kinds::of(&plan), files.prompts(&asked));
        let load =
            Workload { size: [64, 64], prompts, chunks: 1, pictures: 1, kinds, begins: true };
        let dry = block_on(files.dry_run_with(&options, gpu, load, Residency::ALL)).unwrap();
        println!("{channels} channels: {:?}", dry.peaks);
        assert_eq!(pipeline.peaks(), dry.peaks, "{channels} channels");
    }
}

/// v1.4's topology with the channels of its inpainting checkpoint, and of InstructPix2Pix, at its
/// own size within WebGPU's default limits.
#[test]
fn v1_4_with_further_channels_fits_the_default_limits() {
    for (channels, purpose, prompts) in [("9", Purpose::Inpaint, 2), ("8", Purpose::Edit, 3)] {
        let name = format!("v1_4-{channels}");
        let model = synth_with("sd-v1-4", &name, &["--hollow", "--in-channels", channels]);
        let files = block_on(Files::open(&FileSource::new(&model))).unwrap();
        assert_eq!(files.purpose(), purpose);
        assert_eq!(files.prompts(&Request::default()), prompts);
        let kinds = Kinds::EXACT;
        let load =
            Workload { size: [512, 512], prompts, chunks: 1, pictures: 1, kinds, begins: false };
        let options = Options::default();
        let dry = block_on(files.dry_run(&options, Limits::default(), load)).unwrap();
        println!("{channels} channels: {} bytes", dry.peak().total());
        assert!(dry.peak().total() < 2_100_000_000, "{}", dry.peak().total());
        std::fs::remove_dir_all(model).unwrap();
    }
}
