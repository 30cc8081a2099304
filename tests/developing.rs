//! What happens between the steps: a run that rests and goes on, and pictures on their way, which
//! cost nothing where nobody looks.

use crate::harness::gpu::{self, Device};
use crate::made_up::{nmse, tiny};
use crate::reference::open_on_cpu;
use crate::walk::{Memory, open, request};
use darkroom::Error;
use darkroom::diffusion::Sampler;
use darkroom::pipeline::{
    Control, Extras, Files, Options, Picture, Pipeline, Previews, Progress, Request,
};
use darkroom::weights::FileSource;
use pollster::block_on;
use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// A control that remembers what it is told.
fn listening(previews: Previews) -> (Control, Rc<RefCell<Vec<Progress>>>) {
    let told = Rc::new(RefCell::new(Vec::new()));
    let hears = told.clone();
    let on_progress = Box::new(move |event: &Progress| hears.borrow_mut().push(event.clone()));
    (Control { on_progress, previews, ..Control::default() }, told)
}

/// Draws with previews; the picture, and the events after which something was shown.
fn shown(pipeline: &Pipeline, request: &Request, previews: Previews) -> (Picture, Vec<Progress>) {
    let (control, told) = listening(previews);
    let picture = block_on(pipeline.generate(request, &control)).unwrap();
    let is_shown =
        |event: &Progress| matches!(event, Progress::Latents { .. } | Progress::Preview { .. });
    let shown = told.borrow().iter().filter(|event| is_shown(event)).cloned().collect();
    (picture, shown)
}

#[test]
fn who_does_not_look_is_shown_nothing_and_gets_the_same_picture() {
    gpu::run(Device::Plain, |gpu| {
        let pipeline = open(gpu, tiny(), Options::default()).unwrap();
        let request = Request { steps: 5, sampler: "heun".into(), ..request() };
        let dispatches = |previews| {
            gpu.reset_stats();
            let (picture, events) = shown(&pipeline, &request, previews);
            (picture, events, gpu.stats().dispatches)
        };
        // The prompt is encoded once.
        dispatches(Previews::default());
        let (plain, events, least) = dispatches(Previews::default());
        assert!(events.is_empty());
        let (picture, events, more) = dispatches(Previews { latents: true, pictures: 0 });
        assert_eq!((&picture, events.len()), (&plain, 5));
        assert!(least < more);
        let (picture, events, _) = dispatches(Previews { latents: false, pictures: 2 });
        assert_eq!(picture, plain);
        assert_eq!(events.len(), 2, "after steps 2 and 4");
        for event in &events {
            let Progress::Preview { width: 64, height: 64, rgba } = event else {
                panic!("{event:?}");
            };
            assert_eq!(rgba.len(), 64 * 64 * 4);
            assert_ne!(*rgba, plain.rgba);
        }
    });
}

/// What is shown after a step is x − σ·ε, in the picture's own scale whatever the sampler's, and
/// after the last one what the picture is made of.
#[test]
fn latents_are_shown_without_their_noise() {
    let source = FileSource::new(tiny());
    let files = block_on(Files::open(&source)).unwrap();
    let pipeline = open_on_cpu(tiny()).unwrap();
    let request = Request { steps: 3, sampler: "euler".into(), ..request() };
    let (control, told) = listening(Previews { latents: true, pictures: 0 });
    let memory = Memory::default();
    let extras = Extras { observer: Some(&memory), ..Extras::default() };
    block_on(pipeline.generate_with(&request, &control, &extras)).unwrap();
    let stages = memory.stages();
    let told = told.borrow();
    let latents: Vec<_> = told
        .iter()
        .filter_map(|event| match event {
            Progress::Latents { shape: [4, 8, 8], values } => Some(values),
            _ => None,
        })
        .collect();
    let plan = Sampler::Euler.plan(&files.schedule, 3).unwrap();
    for (step, evaluation) in plan.evaluations.iter().enumerate().take(2) {
        let sigma = (1.0 / evaluation.input_scale.powi(2) - 1.0).sqrt() as f32;
        let before = &stages[&format!("latents_{step:03}")];
        let eps = &stages[&format!("eps_{:03}", step + 1)];
        let want: Vec<f32> = before.iter().zip(eps).map(|(x, eps)| x - sigma * eps).collect();
        let error = nmse(latents[step], &want).sqrt();
        assert!(error < 1e-5, "step {step}: {error:.1e}");
    }
    assert_eq!(latents.len(), 3);
    assert_eq!(*latents[2], stages["latents_003"]);
}

#[test]
fn a_run_rests_between_steps_and_goes_on() {
    let pipeline = open_on_cpu(tiny()).unwrap();
    let request = Request { steps: 4, ..request() };
    let plain = block_on(pipeline.generate(&request, &Control::default())).unwrap();
    let last = |told: &RefCell<Vec<Progress>>| told.borrow().last().cloned();
    let mut context = Context::from_waker(Waker::noop());
    for cancelled in [false, true] {
        let (control, told) = listening(Previews::default());
        let pause = control.pause.clone();
        pause.pause();
        let mut run = Box::pin(pipeline.generate(&request, &control));
        assert!(run.as_mut().poll(&mut context).is_pending(), "it rests before the first step");
        assert_eq!(last(&told), Some(Progress::Paused));
        assert!(run.as_mut().poll(&mut context).is_pending(), "and rests on");
        if cancelled {
            control.cancel.set(true);
            pause.wake();
            let Poll::Ready(ended) = run.as_mut().poll(&mut context) else { panic!("a rest") };
            assert_eq!(ended, Err(Error::Cancelled));
            continue;
        }
        pause.resume();
        let Poll::Ready(ended) = run.as_mut().poll(&mut context) else { panic!("a rest") };
        assert_eq!(ended.unwrap(), plain);
        let told = told.borrow();
        let rests = |event: &&Progress| matches!(event, Progress::Paused | Progress::Resumed);
        assert_eq!(told.iter().filter(rests).count(), 2);
    }
}
