//! The safety checker sees the pictures of both passes of a request.

use crate::harness::gpu::{self, Device};
use crate::hires::{rgba, second};
use crate::made_up::Golden;
use crate::safety::{CASES, guarded, open_on_cpu};
use crate::walk::open;
use darkroom::image::Filter;
use darkroom::pipeline::{Control, Extras, Options, Pipeline, Request, Safety};
use pollster::block_on;

/// The first of two passes is checked as well, whatever enlarges it, even if the second passes.
fn check_first_pass(pipeline: &Pipeline, unchecked: &Pipeline) {
    let golden = Golden::open(CASES);
    let request = Request::from_json(golden.text("request")).unwrap();
    let seed = golden.array("pipeline.flagged.seed")[0] as u64;
    let once = Request { seed, ..request };
    let control = Control::default();
    let small = rgba(&block_on(unchecked.generate(&once, &control)).unwrap());
    let twice = Request {
        hires_scale: Some(1.5),
        hires_upscaler: "lanczos".into(),
        hires_strength: 0.8,
        ..once.clone()
    };
    let size = [small.width(), small.height()].map(|side| side * 3 / 2);
    let large = small.resize(size[0], size[1], Filter::Lanczos);
    let extras = Extras { initial: Some(&large), ..Extras::default() };
    let alone = block_on(pipeline.generate_with(&second(&twice, size), &control, &extras)).unwrap();
    assert_eq!(alone.safety, Safety::Passed);
    for name in ["latent", "lanczos"] {
        let twice = Request { hires_upscaler: name.into(), ..twice.clone() };
        let made = block_on(pipeline.generate(&twice, &control)).unwrap();
        assert_eq!((made.safety, made.notices.len()), (Safety::Flagged, 1), "{name}");
        assert!(made.rgba.as_chunks::<4>().0.iter().all(|pixel| *pixel == [0, 0, 0, 255]));
    }
}

#[test]
fn a_first_pass_that_is_flagged_is_black_in_the_end() {
    let model = guarded("guarded-twice");
    let [checked, unchecked] = [true, false].map(|safety| open_on_cpu(&model, safety).unwrap());
    check_first_pass(&checked, &unchecked);
    gpu::run(Device::Plain, move |gpu| {
        let [checked, unchecked] = [true, false]
            .map(|safety| open(gpu, &model, Options { safety, ..Options::default() }).unwrap());
        check_first_pass(&checked, &unchecked);
    });
}
