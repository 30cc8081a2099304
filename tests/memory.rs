//! The memory plan: what a dry run says of each stage is what the device's own account says of a
//! run, whatever is kept on the device; and the plan of Stable Diffusion v1.4 keeps its promises.

use crate::made_up::{synth_with, tiny};
use crate::walk::request;
use darkroom::diffusion::Sampler;
use darkroom::gpu::{Gpu, GpuOptions, Limits};
use darkroom::pipeline::{
    Control, DeviceMemory, DryRun, Files, Kinds, Options, Part, PartSet, Picture, Pipeline,
    Request, Residency, Shortcuts, Stage, Workload,
};
use darkroom::weights::{FileSource, LocalFuture, Source};
use darkroom::{Precision, WeightType};
use pollster::block_on;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::OnceLock;

/// A device of its own: its account begins with the model.
pub(crate) fn device() -> Gpu {
    let options = GpuOptions { default_limits: true, ..GpuOptions::default() };
    block_on(Gpu::open(&options)).expect("the proofs need an adapter: lavapipe is enough")
}

pub(crate) fn files(model: &Path) -> Files {
    block_on(Files::open(&FileSource::new(model))).unwrap()
}

/// Remembers how many bytes of each file were read.
struct Counting {
    model: PathBuf,
    source: FileSource,
    read: RefCell<BTreeMap<String, u64>>,
}

impl Counting {
    fn new(model: &Path) -> Rc<Counting> {
        let (model, source) = (model.to_owned(), FileSource::new(model));
        Rc::new(Counting { model, source, read: RefCell::default() })
    }

    /// The parts whose weights were read since this was asked last, and not their headers alone.
    fn parts(&self) -> Vec<String> {
        let most_of = |(path, read): &(String, u64)| {
            2 * read > self.model.join(path).metadata().unwrap().len()
        };
        let files = self.read.take().into_iter().filter(most_of);
        files.map(|(path, _)| path.split_once('/').unwrap().0.to_owned()).collect()
    }
}

impl Source for Counting {
    fn size<'a>(&'a self, path: &'a str) -> LocalFuture<'a, u64> {
        self.source.size(path)
    }

    fn read<'a>(&'a self, path: &'a str, range: Range<u64>) -> LocalFuture<'a, Vec<u8>> {
        if path.ends_with(".safetensors") {
            *self.read.borrow_mut().entry(path.into()).or_default() += range.end - range.start;
        }
        self.source.read(path, range)
    }
}

fn open(gpu: &Gpu, source: Rc<dyn Source>, options: &Options) -> Pipeline {
    block_on(Pipeline::open(gpu, source, options, &Control::default())).unwrap()
}

fn draw(pipeline: &Pipeline, request: &Request) -> Picture {
    block_on(pipeline.generate(request, &Control::default())).unwrap()
}

/// Makes a picture in each of several ways to save memory, and compares the device's account with
/// the plan, and the picture with that of the first way.
fn check(model: &Path, request: &Request, ways: &[Residency]) {
    let files = files(model);
    let mut pictures = Vec::<Picture>::new();
    for &way in ways {
        let gpu = device();
        let options = Options { residency: Some(way), ..Options::default() };
        let pipeline = open(&gpu, Rc::new(FileSource::new(model)), &options);
        let picture = draw(&pipeline, request);
        assert_eq!(pipeline.residency(), Some(way));
        let size = [picture.width, picture.height];
        let load = Workload {
            size,
            prompts: 2,
            chunks: 1,
            pictures: 1,
            kinds: Kinds::EXACT,
            begins: false,
        };
        let dry = block_on(files.dry_run_with(&options, &gpu, load, way)).unwrap();
        for (stage, held) in &dry.peaks {
            println!("{way:?} {stage:?}: {held:?}");
        }
        assert_eq!(pipeline.peaks(), dry.peaks, "{way:?}");
        assert_eq!(gpu.stats().bytes_peak, dry.peak().total(), "{way:?}");
        pictures.push(picture);
    }
    for (way, picture) in ways.iter().zip(&pictures) {
        let pairs = picture.rgba.iter().zip(&pictures[0].rgba);
        let most = pairs.map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        println!("{way:?}: {most}/255 from the first way");
        assert!(most <= 1, "{way:?}: {most}/255");
    }
}

/// With shortcuts too: evaluations of several kinds, whose buffers and deep features are others.
#[test]
fn the_devices_account_is_the_plan_with_shortcuts() {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("web/models/demo");
    let small = Request { width: Some(64), height: Some(64), ..request() };
    for (guidance_interval, cache_interval, token_merging_ratio) in [
        ([0.0, 1.0], 2, 0.0),
        ([0.0, 0.5], 1, 0.0),
        ([0.3, 0.8], 1, 0.0),
        ([0.3, 0.8], 2, 0.0),
        ([0.0, 1.0], 1, 0.5),
        ([0.3, 0.8], 2, 0.5),
    ] {
        let shortcuts = Shortcuts { guidance_interval, cache_interval, token_merging_ratio };
        let request = Request { steps: 8, shortcuts, ..small.clone() };
        let gpu = device();
        let pipeline = open(&gpu, Rc::new(FileSource::new(&model)), &Options::default());
        draw(&pipeline, &request);
        let (files, options) = (files(&model), Options::default());
        let plan = Sampler::Ddim.plan(&files.schedule, 8).unwrap();
        let kinds = Kinds::of(&shortcuts.apply(plan, &files.schedule));
        let load =
            Workload { size: [64, 64], prompts: 2, chunks: 1, pictures: 1, kinds, begins: false };
        let dry = block_on(files.dry_run_with(&options, &gpu, load, Residency::ALL)).unwrap();
        assert_eq!(pipeline.peaks(), dry.peaks, "{shortcuts:?}");
    }
}

/// Some parts kept.
fn way(text_encoder: bool, unet: bool, vae: bool, bands: Option<usize>) -> Residency {
    let set = |wanted, part| if wanted { PartSet::of(&[part]) } else { PartSet::EMPTY };
    let parts = [(text_encoder, Part::TextEncoder), (unet, Part::Unet), (vae, Part::Vae)];
    let kept = parts.into_iter().map(|(wanted, part)| set(wanted, part));
    Residency { kept: kept.fold(PartSet::EMPTY, PartSet::or), bands, taesd: false }
}

#[test]
fn the_devices_account_is_the_plan() {
    let large = Request { steps: 3, width: Some(128), height: Some(96), ..request() };
    let ways = [
        Residency::ALL,
        way(true, true, true, Some(16)),
        way(false, true, true, None),
        way(false, true, false, Some(32)),
        way(false, false, false, None),
    ];
    check(tiny(), &large, &ways);
}

#[test]
fn the_devices_account_is_the_plan_for_the_built_in_model() {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("web/models/demo");
    let quick = Request { steps: 3, width: Some(64), height: Some(64), ..request() };
    check(&model, &quick, &[Residency::ALL, way(false, true, false, Some(16))]);
}

#[test]
fn small_models_keep_everything() {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("web/models/demo");
    for model in [tiny(), &demo] {
        let load = Workload {
            size: [256, 256],
            prompts: 2,
            chunks: 1,
            pictures: 1,
            kinds: Kinds::EXACT,
            begins: false,
        };
        let options = Options::default();
        let dry = block_on(files(model).dry_run(&options, Limits::default(), load)).unwrap();
        assert_eq!(dry.residency, Residency::ALL, "{}", model.display());
    }
}

/// What was let go is read again, and nothing else.
#[test]
fn parts_come_back_when_they_are_needed() {
    let (gpu, source) = (device(), Counting::new(tiny()));
    let residency = Some(way(false, true, false, None));
    let options = Options { residency, ..Options::default() };
    let pipeline = open(&gpu, source.clone(), &options);
    assert_eq!(source.parts(), ["unet"]);
    let first = draw(&pipeline, &request());
    assert_eq!(source.parts(), ["text_encoder", "vae"]);
    let other_seed = draw(&pipeline, &Request { seed: 5, ..request() });
    assert_eq!(source.parts(), ["vae"], "the same prompt is not encoded again");
    let other_prompt = draw(&pipeline, &Request { prompt: "a blue dog".into(), ..request() });
    assert_eq!(source.parts(), ["text_encoder", "vae"]);
    assert_ne!(other_seed.rgba, other_prompt.rgba);
    assert_eq!(draw(&pipeline, &request()), first);

    let whole = open(&device(), Counting::new(tiny()), &Options::default());
    assert_eq!(draw(&whole, &request()), first);
}

/// The true topology, without numbers.
fn v1_4() -> Files {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    files(FOLDER.get_or_init(|| synth_with("sd-v1-4", "hollow", &["--hollow"])))
}

/// The operations of a dry run's decoder, in those of the decoder as a whole.
fn decoder_work(files: &Files, dry: &DryRun, options: &Options) -> f64 {
    let flops = |dry: &DryRun| {
        let of_decoder = dry.costs.iter().find(|cost| cost.name == "VAE decoder");
        of_decoder.expect("every run decodes").stats.flops as f64
    };
    let gpu = Gpu::dry(options.precision == Precision::F16);
    let load = Workload {
        size: [512, 512],
        prompts: 2,
        chunks: 1,
        pictures: 1,
        kinds: Kinds::EXACT,
        begins: false,
    };
    let whole = block_on(files.dry_run_with(options, &gpu, load, Residency::ALL)).unwrap();
    flops(dry) / flops(&whole)
}

/// Where 2.6 GB may be taken, and where a graphics card does not say how much there is.
#[test]
fn v1_4_is_decoded_whole_where_there_is_room() {
    let files = v1_4();
    let load = Workload {
        size: [512, 512],
        prompts: 2,
        chunks: 1,
        pictures: 1,
        kinds: Kinds::EXACT,
        begins: false,
    };
    let roomy = Limits { buffer: 2 << 30, ..Limits::default() };
    let set = (Some(2_600_000_000), Limits::default(), 2_600_000_000);
    for (memory, limits, most) in [set, (None, roomy, 2_800_000_000)] {
        for precision in Precision::ALL {
            let weights = Some(WeightType::F16);
            let options = Options { precision, weights, memory, ..Options::default() };
            let dry = block_on(files.dry_run(&options, limits, load)).unwrap();
            let (peak, work) = (dry.peak().total(), decoder_work(&files, &dry, &options));
            println!("{memory:?} {precision}: {peak}, {:?}, {work:.2}", dry.residency);
            assert!(peak <= most, "{precision}: {peak}");
            assert!(work <= 1.15, "{precision}: {work:.2} of the decoder's work");
            if memory.is_none() {
                assert_eq!(dry.residency, Residency::ALL);
            }
        }
    }
}

/// 512×512, with the UNet kept for the next picture, loading and staging included.
#[test]
fn v1_4_at_512_keeps_its_promises() {
    let files = v1_4();
    let load = Workload {
        size: [512, 512],
        prompts: 2,
        chunks: 1,
        pictures: 1,
        kinds: Kinds::EXACT,
        begins: false,
    };
    for (weights, most) in [
        (WeightType::F16, 2_000_000_000),
        (WeightType::Q8_0, 1_300_000_000),
        (WeightType::Q4_0, 900_000_000),
    ] {
        for precision in Precision::ALL {
            let options = Options { precision, weights: Some(weights), ..Options::default() };
            let dry = block_on(files.dry_run(&options, Limits::default(), load)).unwrap();
            let (peak, work) = (dry.peak(), decoder_work(&files, &dry, &options));
            let residency = dry.residency;
            println!("{weights} {precision}: {} of {most}, {residency:?}, {work:.2}", peak.total());
            assert!(peak.total() <= most, "{weights} {precision}: {peak:?}");
            let work_max = if precision == Precision::F16 { 1.8 } else { 2.45 };
            assert!(work <= work_max, "{weights} {precision}: {work:.2} of the decoder's work");
            assert!(dry.residency.kept.has(Part::Unet), "{:?}", dry.residency);
            let stages: Vec<Stage> = dry.peaks.iter().map(|(stage, _)| *stage).collect();
            let all = [Stage::Loading, Stage::Text, Stage::Denoising, Stage::Decoding];
            assert_eq!(stages, all);
        }
    }
}

#[test]
fn v1_4_at_other_sizes_and_in_batches_keeps_the_default_limits() {
    let files = v1_4();
    for precision in Precision::ALL {
        let weights = Some(WeightType::Q8_0);
        let options = Options { precision, weights, ..Options::default() };
        let load = |size, pictures| Workload {
            size,
            prompts: 2,
            chunks: 1,
            pictures,
            kinds: Kinds::EXACT,
            begins: false,
        };
        let sizes = [[512, 768], [768, 768], [1024, 1024]].map(|size| load(size, 1));
        let batches = (1..=4).map(|pictures| load([512, 512], pictures));
        for load in sizes.into_iter().chain(batches) {
            let dry = block_on(files.dry_run(&options, Limits::default(), load));
            let dry = dry.unwrap_or_else(|fault| panic!("{load:?} {precision}: {fault}"));
            println!("{load:?} {precision}: {}, {:?}", dry.peak().total(), dry.residency);
        }
    }
}

/// The encoder of a start picture is kept to the memory that a user gives; to what is expected of a
/// device only where it could not hold it. The peak that a device is asked for has it in any case.
#[test]
fn a_start_picture_of_v1_4_is_planned() {
    let (files, gpu) = (Files::v1_4().unwrap(), Gpu::dry_within(Limits::default(), false));
    let plan = |begins: bool, memory: Option<u64>, refused: Option<u64>| {
        let (size, kinds) = ([512, 512], Kinds::EXACT);
        let load = Workload { size, prompts: 2, chunks: 1, pictures: 1, kinds, begins };
        let device_memory = DeviceMemory { refused, ..DeviceMemory::UNKNOWN };
        let weights = Some(WeightType::F16);
        let options = Options { weights, memory, device_memory, ..Options::default() };
        let dry = block_on(files.dry_run_of(&options, &gpu, load, &[])).unwrap();
        println!("{begins} {memory:?} {refused:?}: {} {:?}", dry.peak().total(), dry.residency);
        (dry.peak().total(), dry.residency.kept.has(Part::Unet))
    };
    let (steps, kept) = plan(false, None, None);
    assert!(kept && steps < 2_000_000_000, "{steps}");
    let (begun, kept) = plan(true, None, None);
    assert!(kept && (steps + 1..2_400_000_000).contains(&begun), "{begun}");
    for (memory, refused) in [(Some(steps), None), (None, Some(begun))] {
        assert!(plan(false, memory, refused).1);
        let (less, kept) = plan(true, memory, refused);
        assert!(!kept && less <= steps, "{less}");
    }
}
