//! Every sampler's picture after 20 steps, on the tiny made-up checkpoint, against diffusers'
//! pipeline. `scripts/golden/pictures.py` wrote what it gives.

use crate::harness::gpu::{self, Device};
use crate::made_up::Golden;
use crate::walk::check_in;
use darkroom::diffusion::Sampler;
use darkroom::pipeline::Options;
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
