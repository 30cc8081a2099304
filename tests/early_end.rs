//! Runs that the caller ends early: what they give, and what they leave out.

use crate::harness::gpu::{self, Device};
use crate::made_up::tiny;
use crate::reference::open_on_cpu;
use crate::walk::{open, request};
use darkroom::diffusion::Sampler;
use darkroom::pipeline::{
    Control, EarlyEnd, Extras, Options, Picture, Pipeline, Previews, Progress, Request,
};
use pollster::block_on;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// A control that ends so after this step.
fn ending(how: EarlyEnd, after: usize) -> Control {
    let early_end = Rc::new(Cell::new(EarlyEnd::No));
    let ends = early_end.clone();
    let on_progress = Box::new(move |event: &Progress| {
        if matches!(event, Progress::Step { step, .. } if *step == after) {
            ends.set(how);
        }
    });
    Control { on_progress, early_end, ..Control::default() }
}

fn draw(pipeline: &Pipeline, request: &Request, control: &Control) -> Vec<Picture> {
    let mut all = Vec::new();
    let mut receive = |_, picture| {
        all.push(picture);
        Ok(())
    };
    let extras = Extras::default();
    block_on(pipeline.generate_each(request, control, &extras, &mut receive)).unwrap();
    all
}

/// The decoded previews of a whole run, from the first step on.
fn previews(pipeline: &Pipeline, request: &Request) -> Vec<Vec<u8>> {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let sees = seen.clone();
    let on_progress = Box::new(move |event: &Progress| {
        if let Progress::Preview { rgba, .. } = event {
            sees.borrow_mut().push(rgba.clone());
        }
    });
    let previews = Previews { latents: false, pictures: 1 };
    draw(pipeline, request, &Control { on_progress, previews, ..Control::default() });
    seen.take()
}

/// The picture is the preview of the step with which the run ended.
fn check(pipeline: &Pipeline, sampler: Sampler) {
    let whole = Request { steps: 8, sampler: sampler.name().into(), ..request() };
    let previews = previews(pipeline, &whole);
    let [ended] = &draw(pipeline, &whole, &ending(EarlyEnd::Request, 3))[..] else { panic!() };
    let [taken, all] = ended.ended_early.unwrap();
    // The next step is on its way when one is reported.
    assert!((4..=5).contains(&taken) && all == 8, "{taken} of {all}");
    assert!(ended.rgba == previews[taken - 1], "{}: step {taken}", sampler.name());
    let told = format!("after step {taken} of 8");
    assert_eq!(ended.parameters().get("Ended early"), Some(&*told));
    assert!(ended.notices[0].contains(&told), "{:?}", ended.notices);
    assert_eq!(ended.request, Request { width: Some(64), height: Some(64), ..whole.clone() });
    // Nothing of it stays.
    let [after] = &draw(pipeline, &whole, &Control::default())[..] else { panic!() };
    assert_eq!((after.ended_early, after.parameters().get("Ended early")), (None, None));
}

#[test]
fn the_picture_is_what_the_model_had_made_of_it() {
    for sampler in [Sampler::Euler, Sampler::Heun, Sampler::Dpmpp2m] {
        check(&open_on_cpu(tiny()).unwrap(), sampler);
        gpu::run(Device::Plain, move |gpu| {
            check(&open(gpu, tiny(), Options::default()).unwrap(), sampler);
        });
    }
}

#[test]
fn an_end_with_the_last_step_is_none() {
    let pipeline = open_on_cpu(tiny()).unwrap();
    let plain = draw(&pipeline, &request(), &Control::default());
    for after in [1, 2] {
        assert_eq!(draw(&pipeline, &request(), &ending(EarlyEnd::Request, after)), plain);
    }
    let [first] = &draw(&pipeline, &request(), &ending(EarlyEnd::Request, 0))[..] else { panic!() };
    assert_eq!(first.ended_early, Some([1, 2]));
}

#[test]
fn further_pictures_are_made_or_not() {
    let pipeline = open_on_cpu(tiny()).unwrap();
    let size = Some(32);
    let many = Request { count: 2, steps: 6, width: size, height: size, ..request() };
    let ended = |how| -> Vec<_> {
        let all = draw(&pipeline, &many, &ending(how, 2));
        all.iter().map(|picture| picture.ended_early.is_some()).collect()
    };
    assert_eq!(ended(EarlyEnd::Batch), [true, false]);
    assert_eq!(ended(EarlyEnd::Request), [true]);
    assert_eq!(ended(EarlyEnd::No), [false, false]);
}

#[test]
fn a_first_pass_that_ends_early_has_no_second() {
    let pipeline = open_on_cpu(tiny()).unwrap();
    let twice = Request { steps: 6, hires_scale: Some(1.5), hires_strength: 1.0, ..request() };
    let ended = |after| {
        let [picture] = &draw(&pipeline, &twice, &ending(EarlyEnd::Request, after))[..] else {
            panic!()
        };
        (picture.width, picture.ended_early)
    };
    assert_eq!(ended(2), (64, Some([3, 6])));
    assert_eq!(ended(8), (96, Some([3, 6])));
}
