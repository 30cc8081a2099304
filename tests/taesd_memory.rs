//! What a TAESD beside a model takes of memory and work: where memory is too short for the VAE, it
//! decodes; its account is the plan; and its cost beside v1.4's VAE.

use crate::made_up::tiny;
use crate::taesd::of_true_width;
use crate::taesd_beside::{narrow, with};
use crate::walk::{open, request};
use darkroom::gpu::{Gpu, GpuOptions, Limits};
use darkroom::pipeline::{
    BesideVae, Control, DecoderChoice, DryRun, Files, Kinds, Options, Part, PartSet, Pipeline,
    Progress, Request, Residency, Workload,
};
use darkroom::weights::{FileSource, LocalFuture, Source};
use darkroom::{Error, Precision, WeightType};
use pollster::block_on;
use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

/// A device of its own: its account begins with the model.
fn device() -> Gpu {
    let options = GpuOptions { default_limits: true, ..GpuOptions::default() };
    block_on(Gpu::open(&options)).expect("the proofs need an adapter: lavapipe is enough")
}

const LARGE: [u32; 2] = [384, 256];

fn large() -> Request {
    let [width, height] = LARGE.map(Some);
    Request { steps: 2, width, height, ..request() }
}

fn load(size: [u32; 2]) -> Workload {
    Workload { size, prompts: 2, chunks: 1, pictures: 1, kinds: Kinds::EXACT, begins: false }
}

/// The lowest peak of a picture of the tiny model by these ways to save memory.
fn lowest(gpu: &Gpu, options: &Options, ways: Vec<Residency>) -> u64 {
    let files = block_on(Files::open(&FileSource::new(tiny()))).unwrap();
    let peak = |way| block_on(files.dry_run_with(options, gpu, load(LARGE), way)).unwrap().peak();
    ways.into_iter().map(|way| peak(way).total()).min().unwrap()
}

/// The tiny model, as if it came over a network: no part is let go, since it would be fetched
/// again.
struct Far(FileSource);

impl Source for Far {
    fn size<'a>(&'a self, path: &'a str) -> LocalFuture<'a, u64> {
        self.0.size(path)
    }

    fn read<'a>(&'a self, path: &'a str, range: Range<u64>) -> LocalFuture<'a, Vec<u8>> {
        self.0.read(path, range)
    }

    fn is_near(&self) -> bool {
        false
    }
}

/// Where no plan with the VAE keeps the budget, the TAESD decodes, and the picture says why.
#[test]
fn it_decodes_where_memory_is_too_short_for_the_vae() {
    let gpu = device();
    let auto = with(narrow(), DecoderChoice::Auto);
    let least = lowest(&gpu, &auto, Residency::ways(false));
    let kept = PartSet::of(&[Part::TextEncoder, Part::Unet]);
    let way = Residency { kept, bands: None, taesd: true };
    let by_taesd = lowest(&gpu, &auto, vec![way]);
    println!("the VAE's least {least}, the TAESD's {by_taesd}");
    assert!(by_taesd < least);
    let told = Rc::new(RefCell::new(Vec::new()));
    let heard = told.clone();
    let on_progress = move |event: &Progress| {
        if let Progress::Notice { text } = event {
            heard.borrow_mut().push(text.clone());
        }
    };
    let control = Control { on_progress: Box::new(on_progress), ..Control::default() };
    for (memory, decodes) in [(least, false), (least - 1, true)] {
        let options = Options { memory: Some(memory), ..auto.clone() };
        let source = Rc::new(Far(FileSource::new(tiny())));
        let pipeline = block_on(Pipeline::open(&gpu, source, &options, &Control::default()));
        let pipeline = pipeline.unwrap();
        let made = block_on(pipeline.generate(&large(), &control)).unwrap();
        assert_eq!(made.decoder.is_some(), decodes);
        assert_eq!(pipeline.residency().unwrap().taesd, decodes);
        assert_eq!(made.notices.len(), usize::from(decodes));
        if decodes {
            assert!(
                made.notices[0].contains("too short for the model's VAE"),
                "{:?}",
                made.notices
            );
            assert_eq!(*told.borrow(), made.notices);
        }
    }
}

/// The device's account of a run is the plan, with the TAESD's weights in it.
#[test]
fn the_devices_account_is_the_plan() {
    let files = block_on(Files::open(&FileSource::new(tiny()))).unwrap();
    let kept = PartSet::of(&[Part::TextEncoder, Part::Unet]);
    let mut weights = Vec::new();
    for (options, taesd) in
        [(with(narrow(), DecoderChoice::Taesd), true), (with(narrow(), DecoderChoice::Vae), false)]
    {
        let gpu = device();
        let way = Residency { kept, bands: None, taesd };
        let options = Options { residency: Some(way), ..options };
        let pipeline = open(&gpu, tiny(), options.clone()).unwrap();
        let request = Request { steps: 3, ..large() };
        block_on(pipeline.generate(&request, &Control::default())).unwrap();
        let dry = block_on(files.dry_run_with(&options, &gpu, load(LARGE), way)).unwrap();
        assert_eq!(pipeline.peaks(), dry.peaks, "{way:?}");
        assert_eq!(gpu.stats().bytes_peak, dry.peak().total());
        weights.push(dry.peaks[0].1.weights);
    }
    let dry = |options: &Options, gpu: &Gpu| {
        let way = Residency { kept, bands: None, taesd: false };
        block_on(files.dry_run_with(options, gpu, load(LARGE), way)).unwrap().peaks[0].1.weights
    };
    assert_eq!(weights[0], weights[1]);
    assert!(weights[0] > dry(&Options::default(), &device()), "its weights are counted");
}

/// What the decoder of v1.4 at this size takes beside the TAESD: the peak of its stage, without the
/// weights, and its work.
fn decoding(options: &Options, size: [u32; 2], way: Residency) -> Option<(u64, u64)> {
    let files = Files::v1_4().unwrap();
    let gpu = Gpu::dry_within(Limits::default(), options.precision == Precision::F16);
    let dry: DryRun = match block_on(files.dry_run_with(options, &gpu, load(size), way)) {
        Ok(dry) => dry,
        Err(Error::GpuLimit { .. }) => return None,
        Err(error) => panic!("{error}"),
    };
    let cost = dry.costs.iter().find(|cost| cost.name == "VAE decoder").unwrap();
    let (_, peak) = dry.peaks.last().unwrap();
    Some((peak.activations + peak.staging, cost.stats.flops))
}

/// Memory and work of v1.4's decoder and of a TAESD of the published sizes, within WebGPU's default
/// limits.
#[test]
fn it_takes_little_of_the_vaes_memory_and_work() {
    let kept = PartSet::of(&[Part::Unet]);
    let published = of_true_width();
    for precision in Precision::ALL {
        for size in [[512, 512], [768, 768]] {
            let options =
                Options { precision, weights: Some(WeightType::F16), ..Options::default() };
            let vae = |bands| Residency { kept, bands, taesd: false };
            let beside = BesideVae { taesd: published.clone(), decoder: DecoderChoice::Taesd };
            let with_taesd = Options { taesd: Some(beside), ..options.clone() };
            let way = Residency { kept, bands: None, taesd: true };
            let whole = decoding(&options, size, vae(None));
            let bands = decoding(&options, size, vae(Some(8)));
            let taesd = decoding(&with_taesd, size, way);
            for (name, cost) in [("VAE", whole), ("in bands of 8", bands), ("TAESD", taesd)] {
                let cost = cost.map(|(bytes, flops)| (bytes as f64 / 1e6, flops as f64 / 1e9));
                println!("{size:?} {precision} {name}: MB and GFLOP {cost:.1?}");
            }
            let (taesd, bands) = (taesd.expect("it fits"), bands.expect("it fits"));
            assert!(taesd.0 < bands.0 && 10 * taesd.1 < bands.1, "{taesd:?} of {bands:?}");
            // Whole, the VAE decodes no 768 × 768 within the default limits.
            assert_eq!(whole.is_some(), size[0] == 512);
            if let Some(whole) = whole {
                assert!(6 * taesd.0 < whole.0, "{taesd:?} of {whole:?}");
                assert!(14 * taesd.1 < whole.1, "{taesd:?} of {whole:?}");
            }
        }
    }
}
