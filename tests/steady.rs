//! A run that does not stand still: each evaluation is one submit, which is on its way before the
//! step before it was looked at, and nothing is made on the device once the steps begin.

use crate::made_up::tiny;
use crate::walk::{Memory, open, request};
use darkroom::Error;
use darkroom::diffusion::Sampler;
use darkroom::gpu::{Gpu, GpuOptions, Stats};
use darkroom::pipeline::{
    Control, Extras, Options, Picture, Pipeline, Previews, Progress, Request, Shortcuts,
};
use pollster::block_on;
use std::cell::RefCell;
use std::rc::Rc;

/// A device of its own, of whose submits each holds whatever is recorded.
fn device() -> Gpu {
    let max_submit = Some(u64::MAX);
    let options = GpuOptions { default_limits: true, max_submit, ..GpuOptions::default() };
    block_on(Gpu::open(&options)).expect("the proofs need an adapter: lavapipe is enough")
}

/// A control that shows latents, asked to rest before the first step; `hears` every event, and at
/// the rest lets the run go on.
fn listening(hears: impl Fn(&Progress) + 'static) -> Control {
    let previews = Previews { latents: true, pictures: 0 };
    let mut control = Control { previews, ..Control::default() };
    control.pause.pause();
    let pause = control.pause.clone();
    control.on_progress = Box::new(move |event| {
        hears(event);
        if *event == Progress::Paused {
            pause.resume();
        }
    });
    control
}

/// Draws, and returns the device's counts when the first step is about to be taken, and when each
/// is told.
fn draw(gpu: &Gpu, pipeline: &Pipeline, request: &Request) -> (Picture, Vec<Stats>) {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let (device, stats) = (gpu.clone(), seen.clone());
    let control = listening(move |event| match event {
        Progress::Step { step: 0, .. } => {}
        Progress::Paused | Progress::Step { .. } => stats.borrow_mut().push(device.stats()),
        _ => {}
    });
    let picture = block_on(pipeline.generate(request, &control)).unwrap();
    let seen = seen.take();
    assert_eq!(seen.len(), 1 + request.steps as usize);
    (picture, seen)
}

fn of(sampler: Sampler, steps: u32) -> Request {
    Request { sampler: sampler.name().into(), steps, ..request() }
}

#[test]
fn nothing_is_made_once_the_steps_begin() {
    let gpu = device();
    let pipeline = open(&gpu, tiny(), Options::default()).unwrap();
    for sampler in Sampler::ALL {
        let exact = of(sampler, 7);
        let unguided = Request { guidance_scale: 1.0, ..exact.clone() };
        let shortcuts = Shortcuts {
            guidance_interval: [0.2, 0.8],
            cache_interval: 2,
            token_merging_ratio: 0.5,
        };
        let short = Request { shortcuts, ..exact.clone() };
        // One in the buffers that the other has left.
        for request in [exact, unguided, short] {
            let (_, stats) = draw(&gpu, &pipeline, &request);
            let made: Vec<_> = stats.iter().map(|stats| stats.made).collect();
            let is_steady = made.iter().all(|made| *made == stats[0].made);
            assert!(is_steady, "{request:?}: {made:?}");
        }
    }
}

#[test]
fn a_step_is_one_submit_ahead_of_what_is_told() {
    let gpu = device();
    let pipeline = open(&gpu, tiny(), Options::default()).unwrap();
    for (sampler, evaluations) in
        [(Sampler::Euler, [1, 2, 3, 4, 4]), (Sampler::Heun, [2, 4, 6, 7, 7])]
    {
        let (_, stats) = draw(&gpu, &pipeline, &of(sampler, 4));
        let submits: Vec<_> = stats.iter().map(|s| s.submits - stats[0].submits).collect();
        let mut want = vec![0];
        want.extend(&evaluations[1..]);
        assert_eq!(submits, want, "{}", sampler.name());
    }
}

#[test]
fn the_first_picture_compiles_nothing() {
    let gpu = device();
    let pipeline = open(&gpu, tiny(), Options::default()).unwrap();
    assert!(gpu.stats().made.pipelines > 10, "{:?}", gpu.stats().made);
    gpu.reset_stats();
    block_on(pipeline.generate(&request(), &Control::default())).unwrap();
    assert_eq!(gpu.stats().made.pipelines, 0);
}

/// An observer lets the device finish every step: it must see the numbers of a run that
/// nobody holds up.
#[test]
fn who_looks_on_sees_what_is_shown_without_him() {
    let gpu = device();
    let pipeline = open(&gpu, tiny(), Options::default()).unwrap();
    for sampler in [Sampler::EulerAncestral, Sampler::Heun] {
        let request = of(sampler, 4);
        let shown = Rc::new(RefCell::new(Vec::new()));
        let hears = shown.clone();
        let control = listening(move |event| {
            if let Progress::Latents { values, .. } = event {
                hears.borrow_mut().push(values.clone());
            }
        });
        let ahead = block_on(pipeline.generate(&request, &control)).unwrap();
        let ahead_shown = shown.take();
        let memory = Memory::default();
        let extras = Extras { observer: Some(&memory), ..Extras::default() };
        let held_up = block_on(pipeline.generate_with(&request, &control, &extras)).unwrap();
        assert_eq!(ahead, held_up);
        assert_eq!(ahead_shown, *shown.borrow());
        assert_eq!(ahead_shown[3], memory.stages()["latents_004"]);
    }
}

#[test]
fn a_device_that_is_lost_on_the_way_gives_no_picture() {
    let gpu = device();
    let pipeline = open(&gpu, tiny(), Options::default()).unwrap();
    let (lost, last) = (gpu.clone(), Rc::new(RefCell::new(0)));
    let seen = last.clone();
    let control = listening(move |event| {
        if let Progress::Step { step, .. } = event {
            *seen.borrow_mut() = *step;
            if *step == 2 {
                lost.destroy();
            }
        }
    });
    let drawn = block_on(pipeline.generate(&of(Sampler::Ddim, 30), &control));
    assert!(matches!(drawn, Err(Error::DeviceLost { .. })), "{drawn:?}");
    assert!(*last.borrow() <= 3, "heard at step {}", last.borrow());
}
