//! `darkroom verify`: its requests against diffusers, its verdicts, and what it says of models that
//! are not v1.4. `scripts/golden/verify.py` wrote the numbers.

use crate::harness::golden;
use crate::harness::gpu::{self, Device};
use crate::made_up::{program, tiny};
use crate::walk::open;
use darkroom::pipeline::{CheckResult, Control, Options, PUBLISHED, Pipeline, Published};
use darkroom::weights::FileSource;
use pollster::block_on;
use std::rc::Rc;

/// The published requests with what diffusers gives for the tiny model.
fn on_tiny() -> Vec<Published> {
    let golden = golden::json("verify.json");
    let corner = |published: &Published| {
        let numbers = golden["corners"][published.sampler].as_array().expect("a known sampler");
        let numbers = numbers.iter().map(|number| number.as_f64().unwrap() as f32);
        let expected = numbers.collect::<Vec<_>>().try_into().expect("nine numbers");
        Published { expected, ..published.clone() }
    };
    PUBLISHED.iter().map(corner).collect()
}

fn check_all(pipeline: &Pipeline) {
    for published in on_tiny() {
        let check = block_on(pipeline.check(&published, &Control::default())).unwrap();
        println!("{}: {:.1e} of {:.1e}", check.name, check.difference, check.tolerance);
        assert_eq!(check.verdict, CheckResult::Pass, "{check:?}");
        let mut wrong = published;
        wrong.expected[4] += 3.0 * wrong.tolerance;
        let check = block_on(pipeline.check(&wrong, &Control::default())).unwrap();
        assert_ne!(check.verdict, CheckResult::Pass, "{check:?}");
    }
}

#[test]
fn the_requests_are_diffusers_tests() {
    gpu::run(Device::Plain, |gpu| {
        let options = Options { weights: Some(darkroom::WeightType::F32), ..Options::default() };
        check_all(&open(gpu, tiny(), options).unwrap());
    });
    let source = Rc::new(FileSource::new(tiny()));
    check_all(
        &block_on(Pipeline::open_on_cpu(source, &Options::default(), &Control::default())).unwrap(),
    );
}

#[test]
fn another_model_is_held_against_the_other_device() {
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/web/models/demo");
    let run = program(&["verify", "--model", model]);
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    println!("{said}");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    assert!(said.contains("This is not Stable Diffusion v1.4"), "{said}");
    assert_eq!(said.matches(": pass (at most 0.00784)").count(), PUBLISHED.len(), "{said}");
    assert!(said.ends_with("All 4 comparisons passed.\n"), "{said}");
}

#[test]
fn the_cpu_is_verified_in_f32_only() {
    let model = tiny().to_str().unwrap();
    let run = program(&["verify", "--model", model, "--device=cpu", "--weights=f16"]);
    assert_eq!(run.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&run.stderr).contains("can only be f32 on the CPU"));
}
