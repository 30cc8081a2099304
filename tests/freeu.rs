//! FreeU: whole pictures against diffusers' `enable_freeu`, on both engines.
//! `scripts/golden/freeu.py` wrote what it gives.

use crate::harness::gpu::{self, Device};
use crate::made_up::{program, tiny};
use crate::reference::open_on_cpu;
use crate::walk::{check_by, check_in, request};
use darkroom::image::parameters::Parameters;
use darkroom::image::png;
use darkroom::pipeline::{Control, Options, Request};
use pollster::block_on;

const FILE: &str = "freeu.safetensors";
const CASES: [&str; 3] = ["published", "strong", "small"];

#[test]
fn pictures_are_diffusers() {
    gpu::run(Device::Plain, |gpu| {
        for case in CASES {
            check_in(FILE, gpu, case, Options::default());
        }
    });
}

#[test]
fn the_cpu_scales_the_same() {
    let on_cpu = open_on_cpu(tiny()).unwrap();
    for case in CASES {
        check_by(FILE, &on_cpu, case);
    }
}

#[test]
fn a_picture_says_that_it_was_on() {
    let on_cpu = open_on_cpu(tiny()).unwrap();
    let freeu = Some("0.9, 0.2, 1.3, 1.4".to_string());
    let asked = Request { freeu: freeu.clone(), steps: 2, ..request() };
    let picture = block_on(on_cpu.generate(&asked, &Control::default())).unwrap();
    let file = png::decode("picture.png", &picture.png().unwrap()).unwrap();
    assert_eq!(Request::from_json(file.text("darkroom").unwrap()).unwrap().freeu, freeu);
    let parameters = Parameters::parse(file.text("parameters").unwrap());
    assert_eq!(parameters.get("FreeU"), freeu.as_deref());
}

#[test]
fn the_program_names_what_does_not_fit() {
    let model = tiny().to_str().unwrap();
    let common = ["generate", "--model", model, "--prompt=a", "--steps=1", "--out=/dev/null"];
    let output = program(&[&common[..], &["--freeu=1, 2"]].concat());
    let says = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{says}");
    assert!(says.contains("must be four numbers"), "{says}");
}
