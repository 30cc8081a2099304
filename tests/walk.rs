//! The whole walk against diffusers' pipeline, on a tiny made-up checkpoint: ids, context, latents
//! of several steps, guided predictions, picture. `scripts/golden/walk.py` wrote what it gives.

use crate::harness::gpu::{self, Device};
use crate::made_up::{Golden, nmse, tiny};
use darkroom::gpu::Gpu;
use darkroom::pipeline::{
    Control, Extras, Observer, Options, Picture, Pipeline, Progress, Request,
};
use darkroom::weights::{FileSource, npy};
use darkroom::{Error, Precision, Result, WeightType};
use pollster::block_on;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

/// ‖a−b‖ / ‖b‖ of latents and predictions.
const LATENTS_MAX: f64 = 1e-3;
/// Of any value of the picture in 0…1.
const PICTURE_MAX: f32 = 2.0 / 255.0;

/// Remembers every stage.
#[derive(Default)]
pub(crate) struct Memory(RefCell<BTreeMap<String, Vec<f32>>>);

impl Memory {
    /// The numbers of each stage.
    pub(crate) fn stages(self) -> BTreeMap<String, Vec<f32>> {
        self.0.into_inner()
    }
}

impl Observer for Memory {
    fn ids(&self, ids: &[u32], shape: [usize; 2]) -> Result<()> {
        assert_eq!(ids.len(), shape[0] * shape[1]);
        let ids = ids.iter().map(|id| *id as f32).collect();
        self.0.borrow_mut().insert("ids".into(), ids);
        Ok(())
    }

    fn numbers(&self, name: &str, shape: &[usize], values: &[f32]) -> Result<()> {
        assert_eq!(values.len(), shape.iter().product::<usize>(), "{name}");
        self.0.borrow_mut().insert(name.into(), values.to_vec());
        Ok(())
    }
}

pub(crate) fn open(gpu: &Gpu, model: &Path, options: Options) -> Result<Pipeline> {
    let source = Rc::new(FileSource::new(model));
    block_on(Pipeline::open(gpu, source, &options, &Control::default()))
}

/// A request that is quick to carry out.
pub(crate) fn request() -> Request {
    Request { prompt: "a red cat".into(), steps: 2, ..Request::default() }
}

/// [`check_in`] the walk's own file.
fn check(gpu: &Gpu, case: &str, options: Options) {
    check_in("walk.safetensors", gpu, case, options);
}

/// Makes the picture of a golden request and compares every stage that was kept.
pub(crate) fn check_in(file: &str, gpu: &Gpu, case: &str, options: Options) {
    println!("{case} {options:?}");
    check_by(file, &open(gpu, tiny(), options).unwrap(), case);
}

/// [`check_in`] by a pipeline that is open.
pub(crate) fn check_by(file: &str, pipeline: &Pipeline, case: &str) {
    let golden = Golden::open(file);
    let requests: BTreeMap<String, serde_json::Value> =
        serde_json::from_str(golden.text("requests")).unwrap();
    let request = Request::from_json(&requests[case].to_string()).unwrap();
    let memory = Memory::default();
    let extras = Extras { observer: Some(&memory), ..Extras::default() };
    let control = Control::default();
    let picture = block_on(pipeline.generate_with(&request, &control, &extras)).unwrap();

    let seen = memory.stages();
    let names = golden.names(&format!("{case}."));
    assert!(names.len() >= 2, "{names:?}");
    for name in names {
        let want = golden.array(&format!("{case}.{name}"));
        let got = &seen[&name];
        match name.as_str() {
            "ids" => assert_eq!(got, &want, "{case} ids"),
            "image" => {
                let errors = got.iter().zip(&want).map(|(g, w)| (g - w).abs());
                let error = errors.fold(0.0, f32::max);
                println!("{case} image: {:.4}/255", error * 255.0);
                assert!(error <= PICTURE_MAX, "{case} image: {error}");
                check_bytes(&picture, got);
            }
            _ => {
                let error = nmse(got, &want).sqrt();
                println!("{case} {name}: {error:.1e}");
                assert!(error <= LATENTS_MAX, "{case} {name}: {error:.1e}");
            }
        }
    }
}

/// The picture's bytes are its numbers, rounded.
fn check_bytes(picture: &Picture, planes: &[f32]) {
    let pixels = (picture.width * picture.height) as usize;
    assert_eq!(picture.rgba.len(), 4 * pixels);
    for (i, rgba) in picture.rgba.as_chunks::<4>().0.iter().enumerate() {
        for (c, byte) in rgba[..3].iter().enumerate() {
            let exact = planes[c * pixels + i] * 255.0;
            assert!((exact - f32::from(*byte)).abs() < 0.501, "{exact} became {byte}");
        }
        assert_eq!(rgba[3], 255);
    }
}

#[test]
fn ddim_is_diffusers() {
    gpu::run(Device::Plain, |gpu| check(gpu, "ddim", Options::default()));
}

#[test]
fn euler_is_diffusers() {
    gpu::run(Device::Plain, |gpu| check(gpu, "euler", Options::default()));
}

#[test]
fn other_requests_are_diffusers() {
    for case in ["no_guidance", "wide", "long", "empty"] {
        gpu::run(Device::Plain, move |gpu| check(gpu, case, Options::default()));
    }
}

#[test]
fn weights_can_be_widened() {
    let options = Options { weights: Some(WeightType::F32), ..Options::default() };
    gpu::run(Device::Plain, move |gpu| check(gpu, "wide", options));
}

#[test]
fn a_long_prompt_is_cut_with_a_word() {
    gpu::run(Device::Plain, |gpu| {
        let pipeline = open(gpu, tiny(), Options::default()).unwrap();
        let told = Rc::new(RefCell::new(Vec::new()));
        let hears = told.clone();
        let control = Control {
            on_progress: Box::new(move |event| hears.borrow_mut().push(event.clone())),
            ..Control::default()
        };
        let prompt = format!("{}the end", "cat ".repeat(75));
        let long = Request { prompt, ..request() };
        let picture = block_on(pipeline.generate(&long, &control)).unwrap();
        assert_eq!(picture.notices.len(), 1);
        assert!(picture.notices[0].contains("“the end”"), "{:?}", picture.notices);
        let notice = Progress::Notice { text: picture.notices[0].clone() };
        assert!(told.borrow().contains(&notice));
        let steps = told.borrow().iter().filter(|e| matches!(e, Progress::Step { .. })).count();
        assert_eq!((steps, told.borrow().last()), (3, Some(&Progress::Decoding)));
    });
}

#[test]
fn the_same_request_gives_the_same_bytes() {
    gpu::run(Device::Plain, |gpu| {
        let pipeline = open(gpu, tiny(), Options::default()).unwrap();
        let draw = |r: &Request| block_on(pipeline.generate(r, &Control::default())).unwrap();
        let first = draw(&request());
        assert_eq!(first, draw(&request()));
        let other = draw(&Request { seed: 1, ..request() });
        assert_ne!(first.rgba, other.rgba);
        assert_eq!([first.width, first.height], [64, 64]);
        let again = Request::from_json(&serde_json::to_string(&first.request).unwrap()).unwrap();
        assert_eq!(first, draw(&again));
    });
}

#[test]
fn a_cancel_ends_the_run_within_a_step() {
    gpu::run(Device::Plain, |gpu| {
        let pipeline = open(gpu, tiny(), Options::default()).unwrap();
        let before = block_on(pipeline.generate(&request(), &Control::default())).unwrap();
        let (cancel, last) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(0)));
        let (stop, seen) = (cancel.clone(), last.clone());
        let on_progress = move |event: &Progress| {
            if let Progress::Step { step, .. } = event {
                seen.set(*step);
                stop.set(*step >= 2);
            }
        };
        let control = Control { on_progress: Box::new(on_progress), cancel, ..Control::default() };
        let long = Request { steps: 50, ..request() };
        assert_eq!(block_on(pipeline.generate(&long, &control)), Err(Error::Cancelled));
        assert_eq!(last.get(), 2);
        let after = block_on(pipeline.generate(&request(), &Control::default())).unwrap();
        assert_eq!(before, after);
    });
}

#[test]
fn a_load_can_be_cancelled() {
    gpu::run(Device::Plain, |gpu| {
        let control = Control { cancel: Rc::new(Cell::new(true)), ..Control::default() };
        let source = Rc::new(FileSource::new(tiny()));
        let opened = block_on(Pipeline::open(gpu, source, &Options::default(), &control));
        assert_eq!(opened.err(), Some(Error::Cancelled));
    });
}

#[test]
fn latents_from_outside_are_taken_or_refused() {
    gpu::run(Device::Plain, |gpu| {
        let pipeline = open(gpu, tiny(), Options::default()).unwrap();
        let draw = |latents: &npy::Array| {
            let extras = Extras { latents: Some(latents), ..Extras::default() };
            block_on(pipeline.generate_with(&request(), &Control::default(), &extras))
        };
        let seeded = block_on(pipeline.generate(&request(), &Control::default())).unwrap();
        let noise = darkroom::diffusion::noise::Torch::new(0).randn(256);
        let array = |data| npy::Array { shape: vec![1, 4, 8, 8], data };
        assert_eq!(draw(&array(noise.clone())).unwrap().rgba, seeded.rgba);

        let mut broken = noise.clone();
        broken[17] = f32::NAN;
        assert_eq!(draw(&array(broken)), Err(Error::NotFinite { step: 1 }));
        let flat = npy::Array { shape: vec![4, 8, 8], data: noise };
        assert!(matches!(draw(&flat), Err(Error::Request { .. })));
    });
}

/// In half precision, where the adapter has it, the picture is nearly the same.
#[test]
fn half_precision_is_close() {
    gpu::run(Device::Plain, |gpu| {
        if !gpu.has_f16() {
            println!("skipped: this adapter has no shader-f16");
            return;
        }
        let draw = |options| {
            let pipeline = open(gpu, tiny(), options).unwrap();
            let request = Request { steps: 20, ..request() };
            block_on(pipeline.generate(&request, &Control::default())).unwrap().rgba
        };
        let exact = draw(Options::default());
        let half = draw(Options { precision: Precision::F16, ..Options::default() });
        let squares = exact.iter().zip(&half).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2));
        let mean = squares.sum::<f64>() / exact.len() as f64;
        let decibel = 10.0 * (255.0 * 255.0 / mean).log10();
        println!("f16 against f32, 20 steps: {decibel:.1} dB");
        assert!(decibel > 40.0, "{decibel:.1} dB");
    });
}
