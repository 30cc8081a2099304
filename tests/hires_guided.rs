//! A second pass with what guides the model, a ControlNet or a T2I-Adapter, and with a LoRA: the
//! same as the two passes made one after the other, each with its picture at the pass's size.

use crate::controlnet::of_tiny;
use crate::controlnet_files::picture;
use crate::harness::golden;
use crate::harness::gpu::{self, Device};
use crate::hires::{draw, rgba, second, twice};
use crate::loras::loud;
use crate::made_up::{program, scratch, tiny};
use crate::reference::open_on_cpu;
use crate::walk::open;
use darkroom::image::Filter;
use darkroom::pipeline::{Extras, Options, PictureControl, Pipeline, Request};
use darkroom::weights::sha256;
use serde_json::json;
use std::fs;

/// The pictures of a request in one call and by hand, and that of the second pass alone.
fn check(pipeline: &Pipeline, name: &str, controls: &[PictureControl]) -> Vec<u8> {
    let request = twice("lanczos");
    let guided = Extras { controls, ..Extras::default() };
    let once = Request { hires_scale: None, ..request.clone() };
    let small = rgba(&draw(pipeline, &once, &guided).unwrap());
    let large = small.resize(48, 48, Filter::Lanczos);
    let begun = Extras { initial: Some(&large), controls, ..Extras::default() };
    let by_hand = draw(pipeline, &second(&request, [48, 48]), &begun).unwrap();
    let made = draw(pipeline, &request, &guided).unwrap();
    assert_eq!(made.controls.len(), controls.len(), "{name}");
    assert!(made.rgba == by_hand.rgba, "{name}");
    made.rgba
}

fn each(pipeline: &Pipeline) {
    let plain = check(pipeline, "plain", &[]);
    for net in ["net", "t2i"] {
        let control = PictureControl::new(of_tiny(net), picture());
        assert!(check(pipeline, net, &[control]) != plain, "{net} guides");
    }
    pipeline.set_loras(vec![loud(1.0)]);
    assert!(check(pipeline, "lora", &[]) != plain, "the LoRA changes the picture");
}

#[test]
fn both_passes_are_guided() {
    gpu::run(Device::Plain, |gpu| each(&open(gpu, tiny(), Options::default()).unwrap()));
}

#[test]
fn both_passes_are_guided_on_the_cpu() {
    each(&open_on_cpu(tiny()).unwrap());
}

/// A line of a list names the upscaler that its picture was made with; what the page's export tells
/// about an enlarged picture is passed over.
#[test]
fn a_line_names_its_upscaler() {
    let folder = scratch("hires-lines");
    let list = folder.join("list.jsonl");
    let path = golden::path("tests/golden/upscaler/compact.pth");
    let hash = sha256(&fs::read(&path).unwrap());
    let line = |upscaler: &str| {
        let line = json!({
            "prompt": "a cat", "width": 32, "height": 32, "steps": 2, "hires_scale": 1.5,
            "hires_upscaler": "file", "upscaler": upscaler, "enlarged": [{ "factor": 4 }],
        });
        line.to_string()
    };
    let lines = [line(&format!("compact#{}", &hash[..10])), line("other#0123456789")];
    fs::write(&list, lines.join("\n")).unwrap();
    // The results tell of the line that cannot be used.
    let results = folder.join("results.jsonl");
    let output = program(&[
        "generate",
        "--model",
        tiny().to_str().unwrap(),
        "--jobs",
        list.to_str().unwrap(),
        "--out-dir",
        folder.to_str().unwrap(),
        "--upscaler",
        path.to_str().unwrap(),
        "--results",
        results.to_str().unwrap(),
    ]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("other#0123456789; the given compact is another file"), "{told}");
    assert!(folder.join("00000.png").exists() && !folder.join("00001.png").exists(), "{told}");
}
