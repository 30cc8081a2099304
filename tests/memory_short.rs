//! Memory that is short: what an adapter cannot hold is planned again with less, before a run and
//! in the middle of one, and the picture is the same.

use crate::made_up::tiny;
use crate::walk::request;
use darkroom::gpu::{Gpu, GpuOptions, Limits};
use darkroom::pipeline::{
    Control, Extras, Files, Kinds, Options, Picture, Pipeline, Progress, Request, Residency, Stage,
    Workload,
};
use darkroom::weights::FileSource;
use pollster::block_on;
use std::cell::RefCell;
use std::rc::Rc;

/// A device of its own: others must not be short of memory.
fn device() -> Gpu {
    let options = GpuOptions { default_limits: true, ..GpuOptions::default() };
    block_on(Gpu::open(&options)).expect("the proofs need an adapter: lavapipe is enough")
}

/// Large enough for decoding to take the most.
const SIZE: [u32; 2] = [512, 384];

fn large() -> Request {
    let [width, height] = SIZE.map(Some);
    Request { steps: 2, width, height, ..request() }
}

/// The most bytes of buffers that a picture takes where everything is kept and decoded whole.
fn peak_of_all() -> u64 {
    let files = block_on(Files::open(&FileSource::new(tiny()))).unwrap();
    let load = Workload {
        size: SIZE,
        prompts: 2,
        chunks: 1,
        pictures: 1,
        kinds: Kinds::EXACT,
        begins: false,
    };
    let (gpu, options) = (device().dry_twin(Limits::default(), false), Options::default());
    let dry = files.dry_run_with(&options, &gpu, load, Residency::ALL);
    let dry = block_on(dry).unwrap();
    let (stage, peak) = dry.peaks.iter().max_by_key(|(_, held)| held.total()).unwrap();
    assert_eq!(*stage, Stage::Decoding, "{peak:?}");
    peak.weights + peak.activations
}

/// Draws with what is told of progress, and returns it with the picture.
fn draw(
    gpu: &Gpu,
    request: &Request,
    on_progress: impl Fn(&Progress) + 'static,
) -> (Vec<(u32, Picture)>, Vec<u64>, Residency) {
    let refused = Rc::new(RefCell::new(Vec::new()));
    let heard = refused.clone();
    let report = move |progress: &Progress| {
        if let Progress::MemoryRefused { bytes } = progress {
            heard.borrow_mut().push(*bytes);
        }
        on_progress(progress);
    };
    let control = Control { on_progress: Box::new(report), ..Control::default() };
    let source = Rc::new(FileSource::new(tiny()));
    let pipeline = block_on(Pipeline::open(gpu, source, &Options::default(), &control)).unwrap();
    let mut pictures = Vec::new();
    let mut receive = |index, picture| {
        pictures.push((index, picture));
        Ok(())
    };
    let extras = Extras::default();
    block_on(pipeline.generate_each(request, &control, &extras, &mut receive)).unwrap();
    let residency = pipeline.residency().unwrap();
    (pictures, refused.take(), residency)
}

fn same(one: &Picture, other: &Picture) {
    let most = one.rgba.iter().zip(&other.rgba).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
    assert!(most <= 1, "{most}/255");
}

#[test]
fn a_plan_that_the_adapter_cannot_hold_is_not_begun() {
    let (whole, none, residency) = draw(&device(), &large(), |_| {});
    assert_eq!((none, residency), (Vec::new(), Residency::ALL));
    let gpu = device();
    gpu.limit_memory(Some(peak_of_all() - 1));
    let (pictures, refused, residency) = draw(&gpu, &large(), |_| {});
    assert!(!refused.is_empty() && residency != Residency::ALL, "{refused:?} {residency:?}");
    assert!(gpu.stats().bytes_peak < peak_of_all());
    same(&pictures[0].1, &whole[0].1);
}

/// Another program takes the memory after the first step: the steps are taken again.
#[test]
fn a_run_that_runs_out_of_memory_is_made_again_with_less() {
    let request = Request { count: 2, ..large() };
    let (whole, ..) = draw(&device(), &request, |_| {});
    let gpu = device();
    let (limited, limit) = (gpu.clone(), peak_of_all() - 1);
    let steps = Rc::new(RefCell::new(Vec::new()));
    let heard = steps.clone();
    let on_progress = move |progress: &Progress| {
        if let Progress::Step { step, .. } = progress {
            heard.borrow_mut().push(*step);
            if *step == 1 {
                limited.limit_memory(Some(limit));
            }
        }
    };
    let (pictures, refused, residency) = draw(&gpu, &request, on_progress);
    assert!(!refused.is_empty() && residency != Residency::ALL, "{refused:?} {residency:?}");
    assert!(steps.borrow().iter().filter(|step| **step == 1).count() > 1, "{steps:?}");
    let indices: Vec<u32> = pictures.iter().map(|(index, _)| *index).collect();
    assert_eq!(indices, [0, 1], "each picture is given once");
    for (one, other) in pictures.iter().zip(&whole) {
        same(&one.1, &other.1);
    }
}

/// What the user has set stays.
#[test]
fn a_budget_that_was_set_is_not_changed() {
    let gpu = device();
    gpu.limit_memory(Some(peak_of_all() / 4));
    let options = Options { memory: Some(4_000_000_000), ..Options::default() };
    let source = Rc::new(FileSource::new(tiny()));
    let opened = block_on(Pipeline::open(&gpu, source, &options, &Control::default()));
    let ended = opened.and_then(|opened| block_on(opened.generate(&large(), &Control::default())));
    assert!(matches!(ended, Err(darkroom::Error::OutOfMemory { .. })), "{:?}", ended.err());
}

/// A process that may take 6 GB: a software adapter's memory is the process's.
#[test]
#[cfg(target_os = "linux")]
fn a_real_adapter_says_what_it_cannot_hold() {
    use std::env;
    use std::process::Command;
    const SHORT: &str = "DARKROOM_TEST_SHORT_OF_MEMORY";
    if env::var_os(SHORT).is_some() {
        let gpu = device();
        assert!(block_on(gpu.can_hold(64 << 20)), "64 MiB");
        assert!(!gpu.info().software || !block_on(gpu.can_hold(64 << 30)), "64 GiB");
        assert!(block_on(gpu.can_hold(64 << 20)), "64 MiB, afterwards");
        block_on(gpu.finish()).unwrap();
        println!("asked");
        return;
    }
    if !device().info().software {
        println!("a graphics card has memory of its own: not asked");
        return;
    }
    let name = "memory_short::a_real_adapter_says_what_it_cannot_hold";
    let script = format!("ulimit -v 6000000 && exec \"$0\" --exact {name} --nocapture");
    let program = env::current_exe().unwrap();
    let child = Command::new("sh").arg("-c").arg(script).arg(program).env(SHORT, "yes").output();
    let child = child.unwrap();
    let told = [&child.stdout[..], &child.stderr].concat();
    let told = String::from_utf8_lossy(&told);
    assert!(child.status.success() && told.contains("asked"), "{told}");
}
