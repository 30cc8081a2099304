//! Stable Diffusion 2.1 and SD-Turbo, in the diffusers layout: nothing is needed but what their
//! configs say. Pictures of a tiny model of such configs against diffusers, on both devices; and
//! the true networks by their number of parameters. `scripts/golden/sd2.py` wrote what it gives.

use crate::harness::golden;
use crate::harness::gpu::{self, Device};
use crate::made_up::{Golden, copy, scratch};
use crate::walk::{Memory, open};
use darkroom::WeightType;
use darkroom::gpu::Gpu;
use darkroom::models::clip::{TextConfig, TextEncoder};
use darkroom::models::sd_v1_4;
use darkroom::models::unet::{Unet, UnetConfig};
use darkroom::nn::Scope;
use darkroom::pipeline::{Control, Extras, Options, Pipeline, Request};
use pollster::block_on;
use serde_json::Value;
use std::path::{Path, PathBuf};

const CASES: [&str; 5] = ["sd-2-1-base", "sd-2-1", "sd-turbo", "zero-snr", "zero-snr-euler"];

/// The golden model with the scheduler of a case.
fn model(case: &Value, name: &str) -> PathBuf {
    let folder = scratch(name);
    copy(&golden::path("tests/golden/sd2"), &folder);
    let scheduler = folder.join("scheduler/scheduler_config.json");
    std::fs::write(scheduler, case["scheduler"].to_string()).unwrap();
    folder
}

/// The ids, and the picture's planes in 0…1.
fn draw(pipeline: &Pipeline, request: &Request) -> [Vec<f32>; 2] {
    let memory = Memory::default();
    let extras = Extras { observer: Some(&memory), ..Extras::default() };
    block_on(pipeline.generate_with(request, &Control::default(), &extras)).unwrap();
    let mut stages = memory.stages();
    ["ids", "image"].map(|name| stages.remove(name).unwrap())
}

#[test]
fn pictures_are_diffusers() {
    let cases = golden::json("sd2/cases.json");
    let pictures = Golden::open("sd2/pictures.safetensors");
    for name in CASES {
        let folder = model(&cases[name], name);
        let request = Request::from_json(&cases[name]["request"].to_string()).unwrap();
        let on_cpu = draw(&crate::reference::open_on_cpu(&folder).unwrap(), &request);
        let path: PathBuf = folder.clone();
        let on_gpu = gpu::run(Device::Plain, move |gpu| {
            draw(&open(gpu, Path::new(&path), Options::default()).unwrap(), &request)
        });
        let want = pictures.array(name);
        let ids: Vec<f32> =
            golden::list(&cases, "ids").iter().map(|id| id.as_f64().unwrap() as f32).collect();
        for (device, [got_ids, picture]) in [("CPU", on_cpu), ("GPU", on_gpu)] {
            // The prompt's ids come last; the padding is "!", whose id is 0.
            assert_eq!(got_ids[got_ids.len() - ids.len()..], ids, "{name}");
            let errors = picture.iter().zip(&want).map(|(a, b)| (a - b).abs());
            let error = 255.0 * errors.fold(0.0, f32::max);
            println!("{name} on the {device}: {error:.4}/255");
            assert_eq!(picture.len(), want.len());
            assert!(error <= 1.0, "{name} on the {device}: {error}/255");
        }
        std::fs::remove_dir_all(folder).unwrap();
    }
}

/// A request says what another model's file says: noise alone at the end of training.
#[test]
fn zero_terminal_snr_can_be_asked_for() {
    let cases = golden::json("sd2/cases.json");
    let want = Golden::open("sd2/pictures.safetensors").array("zero-snr");
    let folder = model(&cases["sd-2-1"], "asked-zero-snr");
    let plain = Request::from_json(&cases["zero-snr"]["request"].to_string()).unwrap();
    let asked = Request {
        rescale_betas_zero_snr: Some(true),
        spacing: Some("trailing".into()),
        ..plain.clone()
    };
    let pipeline = crate::reference::open_on_cpu(&folder).unwrap();
    let error = |request: &Request| {
        let [_, picture] = draw(&pipeline, request);
        let errors = picture.iter().zip(&want).map(|(a, b)| (a - b).abs());
        255.0 * errors.fold(0.0, f32::max)
    };
    let (same, other) = (error(&asked), error(&plain));
    println!("asked for {same:.4}/255, not {other:.1}/255");
    assert!(same <= 1.0 && other > 10.0 * same.max(0.1), "{same} {other}");
    std::fs::remove_dir_all(folder).unwrap();
}

/// v1.4's config with what differs in 2.1.
fn changed(json: &str, changes: &Value) -> String {
    let mut config: Value = serde_json::from_str(json).unwrap();
    for (field, value) in changes.as_object().unwrap() {
        config[field] = value.clone();
    }
    config.to_string()
}

#[test]
fn the_true_networks_have_as_many_parameters() {
    let cases = golden::json("sd2/cases.json");
    let told = &cases["true"];
    let scope = || Scope::without_file(&Gpu::dry(false), WeightType::F16);
    let unet = scope();
    let config = UnetConfig::parse("unet", &changed(sd_v1_4::UNET, &told["unet"])).unwrap();
    Unet::new(&unet, &config).unwrap();
    let text = scope();
    let config = changed(sd_v1_4::TEXT_ENCODER, &told["text_encoder"]);
    TextEncoder::new(&text, &TextConfig::parse("text_encoder", &config).unwrap()).unwrap();
    for (name, scope) in [("unet", unet), ("text_encoder", text)] {
        let counted = scope.catalogue().parameters();
        println!("{name}: {counted}");
        assert_eq!(told["numbers"][name], counted, "{name}");
    }
}
