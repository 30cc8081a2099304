//! Every sampler's picture after 20 steps, on the tiny made-up checkpoint, against diffusers'
//! pipeline and, inside that, k-diffusion's samplers. `scripts/golden/pictures.py` wrote what they
//! give.

use crate::harness::gpu::{self, Device};
use crate::made_up::{Golden, tiny};
use crate::reference::open_on_cpu;
use crate::walk::{Memory, check_in};
use darkroom::diffusion::Sampler;
use darkroom::pipeline::{Control, Extras, Options, Request};
use pollster::block_on;
use serde_json::Value;
use std::collections::BTreeMap;

#[test]
fn every_sampler_draws_as_in_diffusers() {
    let golden = Golden::open("pictures.safetensors");
    let requests: BTreeMap<String, Value> = serde_json::from_str(golden.text("requests")).unwrap();
    assert!(Sampler::ALL.iter().all(|sampler| requests.contains_key(sampler.name())));
    assert!(requests.len() > Sampler::ALL.len());
    gpu::run(Device::Plain, move |gpu| {
        for case in requests.keys() {
            check_in("pictures.safetensors", gpu, case, Options::default());
        }
    });
}

#[test]
fn the_cpu_rescales_guidance_too() {
    let golden = Golden::open("pictures.safetensors");
    let requests: BTreeMap<String, Value> = serde_json::from_str(golden.text("requests")).unwrap();
    let request = Request::from_json(&requests["ddim rescale"].to_string()).unwrap();
    let memory = Memory::default();
    let extras = Extras { observer: Some(&memory), ..Extras::default() };
    let pipeline = open_on_cpu(tiny()).unwrap();
    block_on(pipeline.generate_with(&request, &Control::default(), &extras)).unwrap();
    let seen = memory.stages();
    let error = |case: &str| {
        let want = golden.array(&format!("{case}.image"));
        let errors = seen["image"].iter().zip(&want).map(|(got, want)| (got - want).abs());
        errors.fold(0.0, f32::max)
    };
    let (same, plain) = (error("ddim rescale"), error("ddim"));
    println!("rescaled {:.4}/255, plain {:.1}/255", same * 255.0, plain * 255.0);
    assert!(same <= 0.5 / 255.0 && plain > 10.0 * same, "{same} {plain}");
}
