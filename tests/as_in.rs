//! Pictures with the numbers of AUTOMATIC1111's web UI and of ComfyUI, on the tiny made-up
//! checkpoint, against k-diffusion inside diffusers' pipeline; see `scripts/golden/as_in.py`.

use crate::harness::gpu::{self, Device};
use crate::made_up::{Golden, nmse, tiny};
use crate::reference::open_on_cpu;
use crate::walk::{Memory, check_in};
use darkroom::image::parameters::Parameters;
use darkroom::pipeline::{Control, Extras, Options, Request};
use darkroom::request::Applied;
use pollster::block_on;
use serde_json::Value;
use std::collections::BTreeMap;

const FILE: &str = "as_in.safetensors";

fn requests() -> BTreeMap<String, Value> {
    serde_json::from_str(Golden::open(FILE).text("requests")).unwrap()
}

#[test]
fn pictures_are_those_of_the_programs() {
    gpu::run(Device::Plain, move |gpu| {
        for case in requests().keys() {
            check_in(FILE, gpu, case, Options::default());
        }
    });
}

/// The other engine draws the same noise and weighs the same way; without the field it does not.
#[test]
fn the_cpu_draws_and_weighs_so_too() {
    let golden = Golden::open(FILE);
    let pipeline = open_on_cpu(tiny()).unwrap();
    for case in ["euler_ancestral normal comfyui", "emphasis"] {
        let request = Request::from_json(&requests()[case].to_string()).unwrap();
        let error = |request: &Request| {
            let memory = Memory::default();
            let extras = Extras { observer: Some(&memory), ..Extras::default() };
            block_on(pipeline.generate_with(request, &Control::default(), &extras)).unwrap();
            nmse(&memory.stages()["image"], &golden.array(&format!("{case}.image"))).sqrt()
        };
        let same = error(&request);
        let other = error(&Request { as_in: "diffusers".into(), ..request.clone() });
        println!("{case}: {same:.1e}, without {other:.1e}");
        assert!(same < 2e-3 && other > 10.0 * same, "{case}: {same:.1e} {other:.1e}");
    }
}

#[test]
fn the_record_and_the_text_keep_it() {
    let request = Request::from_json(r#"{"as_in": "a1111", "steps": 4}"#).unwrap();
    assert_eq!(request.as_in, "a1111");
    let json = serde_json::to_string(&request).unwrap();
    assert_eq!(Request::from_json(&json).unwrap(), request);
    let line = request.infotext([64, 64], &Applied::default());
    assert!(line.contains(&("Numbers", "a1111".into())), "{line:?}");
    let text: Vec<_> = line.iter().map(|(name, text)| format!("{name}: {text}")).collect();
    let read = Parameters::parse(&format!("a\n{}", text.join(", ")));
    assert_eq!(Request::from_infotext(&read).unwrap().as_in, "a1111");
    // What earlier programs wrote, and what is as before, says nothing of it.
    let plain = serde_json::to_string(&Request::default()).unwrap();
    assert!(!plain.contains("as_in"), "{plain}");
}
