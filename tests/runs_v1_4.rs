//! Whole runs on Stable Diffusion v1.4's own topology against diffusers, with made-up weights:
//! masks on UNets of 4 and of 9 channels, edits by one of 8, ControlNets and a T2I-Adapter of the
//! published configs. `scripts/golden/runs_v1_4.py` wrote what it gives.

use crate::controlnet::{adapter_tensors, drawn, filled, net_tensors};
use crate::harness::gpu::{self, Device};
use crate::img2img::{cases, check};
use crate::inpaint::mask_for;
use crate::made_up::{Golden, nmse, synth_with};
use crate::reference::open_on_cpu;
use crate::synth::TOLERANCE;
use crate::walk::open;
use darkroom::pipeline::{Files, Options, Pipeline};
use darkroom::weights::ControlFile;
use std::rc::Rc;

/// A network of the published config.
fn published(name: &str) -> Rc<ControlFile> {
    match name {
        "t2i" => filled(name, &adapter_tensors(&[320, 640, 1280, 1280], 8, 3)),
        _ => {
            let unet = Files::v1_4().unwrap().unet;
            filled(name, &net_tensors(&unet, &[16, 32, 96, 256]))
        }
    }
}

/// Draws the runs of a model of so many channels, and compares.
fn check_all(pipeline: &Pipeline, channels: u64) {
    let golden = Golden::open("runs_v1_4.safetensors");
    for (name, case) in &cases(&golden) {
        if case["channels"] == channels {
            check(pipeline, (&golden, name), mask_for(channels), TOLERANCE.sqrt());
        } else if case.get("controls").is_some() && channels == 4 {
            let [latents, _] = drawn(pipeline, (&golden, name), &published);
            let error = nmse(&latents, &golden.array(&format!("{name}.final")));
            println!("{name}: NMSE {error:.1e}");
            assert!(error <= TOLERANCE, "{name}: NMSE {error:.1e}");
        }
    }
}

fn check_both(channels: u64) {
    let (count, name) = (channels.to_string(), format!("runs-v1-4-{channels}"));
    let folder = synth_with("sd-v1-4", &name, &["--in-channels", &count]);
    let model = folder.clone();
    gpu::run(Device::Plain, move |gpu| {
        check_all(&open(gpu, &model, Options::default()).unwrap(), channels);
        gpu.trim();
    });
    check_all(&open_on_cpu(&folder).unwrap(), channels);
    std::fs::remove_dir_all(folder).unwrap();
}

/// One model after another: each takes some gigabytes.
#[test]
#[ignore = "makes and reads 7 GB of weights"]
fn masks_edits_and_controls_are_diffusers() {
    [9, 8, 4].into_iter().for_each(check_both);
}
