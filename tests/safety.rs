//! The safety checker against Pillow, transformers and diffusers; and that no flagged picture gets
//! out. `scripts/golden/safety.py` wrote what they answer, and which wrong answers must be noticed.

use crate::harness::golden::{json, list, text};
use crate::harness::gpu::{self, Device};
use crate::made_up::{Golden, nmse, scratch, synth_with};
use crate::walk::{Memory, open};
use darkroom::gpu::{Gpu, Limits};
use darkroom::image::Rgba;
use darkroom::models::clip::ImageProcessor;
use darkroom::models::safety::{Concepts, SafetyChecker, SafetyConfig, SafetyScores};
use darkroom::models::sd_v1_4;
use darkroom::nn::{Loader, Scope};
use darkroom::pipeline::{
    Control, Extras, Options, Picture, Pipeline, Previews, Progress, Request, Safety, SafetyFiles,
};
use darkroom::reference::{SafetyNetwork, Weights};
use darkroom::tensor::Tensor;
use darkroom::weights::{Archive, FileSource, read_all};
use darkroom::{Error, Precision, Result, WeightType};
use half::f16;
use pollster::block_on;
use serde_json::{Value, json};
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

pub(crate) const CASES: &str = "safety/cases.safetensors";
const WEIGHTS: &str = "safety_checker/model.safetensors";
/// The largest NMSE of an embedding.
const TOLERANCE: f64 = 1e-9;

/// The finaliser of splitmix64.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// From bytes `[height, width, 3]`.
fn opaque([width, height]: [u32; 2], rgb: &[u8]) -> Rgba {
    let pixels = rgb.as_chunks().0.iter().flat_map(|[r, g, b]| [*r, *g, *b, 255]);
    Rgba::new(width, height, pixels.collect())
}

fn pair(value: &Value) -> [u32; 2] {
    [0, 1].map(|i| value[i].as_u64().unwrap() as u32)
}

#[test]
fn resizing_is_pillow() {
    for case in list(&json("resize.json"), "cases") {
        let (from, to) = (pair(&case["from"]), pair(&case["to"]));
        let count = u64::from(from[0]) * u64::from(from[1]) * 3;
        let noise = |i: u64| (mix(i.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1) >> 56) as u8;
        let source: Vec<u8> = (0..count).map(noise).collect();
        let resized = opaque(from, &source).resize_bicubic(to[0], to[1]);
        assert_eq!([resized.width(), resized.height()], to);
        assert!(resized.pixels().iter().skip(3).step_by(4).all(|alpha| *alpha == 255));
        let rgb = resized.pixels().chunks(4).flat_map(|pixel| pixel[..3].to_vec());
        let rgb: Vec<u8> = rgb.collect();
        if case.get("bytes").is_some() {
            let hex: String = rgb.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, text(case, "bytes"), "{from:?} to {to:?}");
        }
        let hash = rgb.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
        });
        assert_eq!(format!("{hash:016x}"), text(case, "fnv"), "{from:?} to {to:?}");
    }
}

fn golden_text(file: &str) -> String {
    let source = FileSource::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/safety"));
    String::from_utf8(block_on(read_all(&source, file, 1 << 20)).unwrap()).unwrap()
}

fn golden_config() -> SafetyConfig {
    SafetyConfig::parse("config.json", &golden_text("config.json")).unwrap()
}

/// The pictures of the golden, by name, as planes that are ready for the tower.
fn prepared(golden: &Golden) -> Vec<(String, Vec<f32>)> {
    let file = "preprocessor_config.json";
    let processor = ImageProcessor::parse(file, &golden_text(file)).unwrap();
    let names: Vec<String> = serde_json::from_str(golden.text("pictures")).unwrap();
    let prepare = |name: String| {
        let [height, width, _] = golden.shape(&format!("{name}.picture"))[..] else { panic!() };
        let values = golden.array(&format!("{name}.picture"));
        let bytes: Vec<u8> = values.into_iter().map(|value| value as u8).collect();
        let picture = opaque([width as u32, height as u32], &bytes);
        (name, processor.preprocess(&picture))
    };
    names.into_iter().map(prepare).collect()
}

#[test]
fn pixel_values_are_transformers() {
    let golden = Golden::open(CASES);
    for (name, planes) in prepared(&golden) {
        if !["near", "special"].contains(&name.as_str()) {
            continue;
        }
        let want = golden.array(&format!("{name}.pixel_values"));
        assert_eq!(planes.len(), want.len());
        let error = planes.iter().zip(&want).map(|(g, w)| (g - w).abs()).fold(0.0, f32::max);
        println!("{name}: pixel values differ by {error:.1e}");
        // A byte is 0.015 apart from the next.
        assert!(error <= 1e-6, "{name}: {error:.1e}");
    }
}

/// Checks embeddings, scores and verdicts of all pictures.
fn check(embeds: &[Vec<f32>], concepts: &Concepts) {
    let golden = Golden::open(CASES);
    let names: Vec<String> = serde_json::from_str(golden.text("pictures")).unwrap();
    let (flagged, scores) = (golden.array("flagged"), golden.array("scores"));
    for (i, (name, got)) in names.iter().zip(embeds).enumerate() {
        let error = nmse(got, &golden.array(&format!("{name}.image_embeds")));
        let SafetyScores { special_scores, concept_scores } = concepts.scores(got);
        println!("{name}: NMSE {error:.1e}, scores {special_scores:?} {concept_scores:?}");
        assert!(error <= TOLERANCE, "{name}: NMSE {error:.1e}");
        for wrong in golden.names(&format!("{name}.wrong.")) {
            let error = nmse(got, &golden.array(&format!("{name}.wrong.{wrong}")));
            assert!(error > 5.0 * TOLERANCE, "{name}, {wrong}: NMSE {error:.1e}");
        }
        let ours = special_scores.iter().chain(&concept_scores);
        for (ours, theirs) in ours.zip(&scores[20 * i..20 * (i + 1)]) {
            // The last of three digits may fall to either side, but never across zero.
            assert!((ours - theirs).abs() < 1.1e-3, "{name}: {ours} and {theirs}");
            assert_eq!(*ours > 0.0, *theirs > 0.0, "{name}: {ours} and {theirs}");
        }
        assert_eq!(concepts.scores(got).flagged(), flagged[i] == 1.0, "{name}");
    }
    let flagged: Vec<&str> =
        names.iter().zip(&flagged).filter(|(_, f)| **f == 1.0).map(|(n, _)| n.as_str()).collect();
    assert_eq!(flagged, ["near", "just", "special"]);
}

#[test]
fn verdicts_are_diffusers() {
    let (embeds, concepts) = gpu::run(Device::Plain, |gpu| {
        let golden = Golden::open(CASES);
        let source = FileSource::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/safety"));
        let archive = Rc::new(block_on(Archive::open(&source, "model.safetensors")).unwrap());
        let scope = Scope::open(gpu, archive, None);
        let checker = SafetyChecker::new(&scope, &golden_config()).unwrap();
        block_on(Loader::new(&scope).run(&source, &mut |_, _| Ok(()))).unwrap();
        let embed = |(_, planes): (String, Vec<f32>)| {
            let pixels = planes.len() / 3;
            let values = (0..4 * pixels).map(|i| match i % 4 {
                3 => 0.0,
                channel => planes[channel * pixels + i / 4],
            });
            let values: Vec<f32> = values.collect();
            let side = pixels.isqrt();
            let input = Tensor::from_f32(gpu, &values, [1, side, side, 4], Precision::F32);
            block_on(checker.image_embeds(&input).to_f32()).unwrap()
        };
        let embeds: Vec<_> = prepared(&golden).into_iter().map(embed).collect();
        (embeds, checker.concepts())
    });
    check(&embeds, &concepts);
}

#[test]
fn verdicts_on_the_cpu_are_diffusers() {
    let golden = Golden::open(CASES);
    let source = FileSource::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/safety"));
    let archive = block_on(Archive::open(&source, "model.safetensors")).unwrap();
    let weights = block_on(Weights::read(&source, &archive, 0, &mut |_| Ok(()))).unwrap();
    let (network, concepts) = SafetyNetwork::load(weights, &golden_config()).unwrap();
    let embed = |(_, planes): (String, Vec<f32>)| network.image_embeds(&planes);
    let embeds: Vec<_> = prepared(&golden).into_iter().map(embed).collect();
    check(&embeds, &concepts);
}

#[test]
fn the_real_checker_keeps_the_default_limits() {
    let folder = scratch("real-checker");
    let index = json!({ "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"] });
    let config = SafetyConfig::parse("config.json", sd_v1_4::SAFETY_CHECKER).unwrap();
    let gpu = Gpu::dry(false);
    let scope = Scope::without_file(&gpu, WeightType::F16);
    let checker = SafetyChecker::new(&scope, &config).unwrap();
    let catalogue = scope.catalogue();
    // 303 179 776 of CLIP ViT-L/14's tower, 768 · 1024 of the projection, 20 concepts.
    assert_eq!(catalogue.parameters(), 303_179_776 + 786_432 + 20 * 769);
    assert!(gpu.stats().bytes_alive.abs_diff(608_000_000) < 4_000_000, "{:?}", gpu.stats());
    let picture = Tensor::empty(&gpu, [1, 224, 224, 4], Precision::F32);
    assert_eq!(checker.image_embeds(&picture).shape().dims(), [1, 768]);
    block_on(gpu.finish()).unwrap();

    // The same through the files of a model, from a header without numbers.
    let tensors = catalogue
        .tensors
        .iter()
        .map(|(name, shape)| (name.as_str(), darkroom::dtype::FileType::F16, shape.clone()));
    let tensors: Vec<_> = tensors.collect();
    for (path, text) in [
        ("model_index.json", index.to_string().as_str()),
        ("safety_checker/config.json", sd_v1_4::SAFETY_CHECKER),
        ("feature_extractor/preprocessor_config.json", sd_v1_4::FEATURE_EXTRACTOR),
    ] {
        std::fs::create_dir_all(folder.join(path).parent().unwrap()).unwrap();
        std::fs::write(folder.join(path), text).unwrap();
    }
    let file = std::fs::File::create(folder.join(WEIGHTS)).unwrap();
    let sparse = file.try_clone().unwrap();
    darkroom::weights::SafetensorsWriter::new(file, WEIGHTS, &tensors, &[]).unwrap();
    let header = sparse.metadata().unwrap().len();
    sparse.set_len(header + 2 * catalogue.parameters() as u64).unwrap();
    let files = block_on(SafetyFiles::open(&FileSource::new(&folder))).unwrap().unwrap();
    let (bytes, phase) = block_on(files.dry_run(None, Limits::default())).unwrap();
    for quantised in WeightType::ALL.into_iter().filter(|weights| weights.is_quantised()) {
        let (same, _) = block_on(files.dry_run(Some(quantised), Limits::default())).unwrap();
        assert_eq!(same, bytes, "a verdict does not depend on {quantised:?} weights of the model");
    }
    println!(
        "safety checker: {bytes} bytes, {} dispatches, {:.1} GFLOP, peak {}",
        phase.stats.dispatches,
        phase.stats.flops as f64 / 1e9,
        phase.stats.bytes_peak
    );
    assert!((150e9..180e9).contains(&(phase.stats.flops as f64)));
    std::fs::remove_dir_all(folder).unwrap();
}

/// The tiny model with a checker whose thresholds are those of the golden.
pub(crate) fn guarded(name: &str) -> PathBuf {
    let folder = synth_with("tiny", name, &["--safety"]);
    let thresholds = Golden::open(CASES).array("pipeline.thresholds");
    rewrite(&folder, "concept_embeds_weights", &thresholds);
    folder
}

/// Writes other numbers into the checker's file.
fn rewrite(folder: &Path, tensor: &str, values: &[f32]) {
    let archive = block_on(Archive::open(&FileSource::new(folder), WEIGHTS)).unwrap();
    let range = archive.get(tensor).unwrap().range.clone();
    let halves: Vec<u8> = values.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect();
    assert_eq!(range.end - range.start, halves.len() as u64);
    let mut bytes = std::fs::read(folder.join(WEIGHTS)).unwrap();
    bytes[range.start as usize..range.end as usize].copy_from_slice(&halves);
    std::fs::write(folder.join(WEIGHTS), bytes).unwrap();
}

pub(crate) fn open_on_cpu(model: &Path, safety: bool) -> Result<Pipeline> {
    let options = Options { safety, ..Options::default() };
    block_on(Pipeline::open_on_cpu(Rc::new(FileSource::new(model)), &options, &Control::default()))
}

/// The golden's request with the seed of `case`, and what every stage of it was.
fn draw(pipeline: &Pipeline, case: &str) -> (Picture, Vec<f32>) {
    let golden = Golden::open(CASES);
    let request = Request::from_json(golden.text("request")).unwrap();
    let seed = golden.array(&format!("pipeline.{case}.seed"))[0] as u64;
    let memory = Memory::default();
    let extras = Extras { observer: Some(&memory), ..Extras::default() };
    let request = Request { seed, ..request };
    let made = block_on(pipeline.generate_with(&request, &Control::default(), &extras)).unwrap();
    (made, memory.stages().remove("image").unwrap())
}

/// One seed is shown as diffusers shows it, the other is black wherever it can be seen.
fn check_guarded(pipeline: &Pipeline) {
    let told = Rc::new(Cell::new(false));
    let hears = told.clone();
    let on_progress = move |event: &Progress| {
        let shown = matches!(event, Progress::Latents { .. } | Progress::Preview { .. });
        hears.set(hears.get() || shown);
    };
    let previews = Previews { latents: true, pictures: 1 };
    let on_progress = Box::new(on_progress);
    let control = Control { on_progress, previews, ..Control::default() };
    block_on(pipeline.generate(&Request { steps: 2, ..Request::default() }, &control)).unwrap();
    assert!(!told.get(), "latents are nearly the picture");

    let (passed, image) = draw(pipeline, "passed");
    assert_eq!((passed.safety, passed.notices.len()), (Safety::Passed, 0));
    let want = Golden::open(CASES).array("pipeline.passed.image");
    let error = image.iter().zip(&want).map(|(g, w)| (g - w).abs()).fold(0.0, f32::max);
    println!("the picture that passes: {:.4}/255", error * 255.0);
    assert!(error <= 2.0 / 255.0);
    assert!(passed.rgba.iter().any(|byte| ![0, 255].contains(byte)));

    let (flagged, image) = draw(pipeline, "flagged");
    assert_eq!((flagged.safety, flagged.notices.len()), (Safety::Flagged, 1));
    assert!(flagged.rgba.as_chunks::<4>().0.iter().all(|pixel| *pixel == [0, 0, 0, 255]));
    assert!(image.iter().all(|value| *value == 0.0));
    assert!(Golden::open(CASES).array("pipeline.flagged.image").iter().all(|x| *x == 0.0));
    let parameters = flagged.parameters();
    assert_eq!(parameters.get("Safety checker"), Some("checked, replaced by black"));
}

#[test]
fn a_flagged_picture_is_black_as_in_diffusers() {
    let model = guarded("guarded");
    let folder = model.clone();
    gpu::run(Device::Plain, move |gpu| {
        check_guarded(&open(gpu, &folder, Options::default()).unwrap());
        let off = open(gpu, &folder, Options { safety: false, ..Options::default() }).unwrap();
        let (shown, _) = draw(&off, "flagged");
        assert_eq!((shown.safety, shown.notices.len()), (Safety::Off, 0));
        assert!(shown.rgba.iter().any(|byte| ![0, 255].contains(byte)));
    });
    check_guarded(&open_on_cpu(&model, true).unwrap());
    assert_eq!(draw(&open_on_cpu(&model, false).unwrap(), "flagged").0.safety, Safety::Off);

    // An index that names a checker which was not fetched.
    std::fs::remove_dir_all(model.join("safety_checker")).unwrap();
    assert_eq!(draw(&open_on_cpu(&model, true).unwrap(), "flagged").0.safety, Safety::Missing);
    std::fs::remove_dir_all(model).unwrap();
}

#[test]
fn a_broken_checker_is_told() {
    let model = guarded("broken");
    let whole = std::fs::read(model.join(WEIGHTS)).unwrap();
    let on_gpu = |model: &Path| {
        let model = model.to_path_buf();
        gpu::run(Device::Plain, move |gpu| open(gpu, &model, Options::default()).err())
    };
    let told = |file: &str, fault: Option<Error>| {
        let fault = fault.expect("a broken checker cannot be opened");
        assert!(fault.to_string().contains(file), "{fault}");
        fault.kind()
    };
    for (bytes, kind) in
        [(&whole[..whole.len() / 2], "bad_file"), (&[0xa5; 4096], "bad_file"), (&[], "bad_file")]
    {
        std::fs::write(model.join(WEIGHTS), bytes).unwrap();
        assert_eq!(told(WEIGHTS, on_gpu(&model)), kind);
        assert_eq!(told(WEIGHTS, open_on_cpu(&model, true).err()), kind);
        assert!(open_on_cpu(&model, false).is_ok(), "without the checker the model is whole");
    }
    let (right, wrong) = (b"\"concept_embeds\"", b"\"concept_Embeds\"");
    let mut renamed = whole.clone();
    let at = renamed.windows(right.len()).position(|window| window == right).unwrap();
    renamed[at..at + wrong.len()].copy_from_slice(wrong);
    std::fs::write(model.join(WEIGHTS), renamed).unwrap();
    assert_eq!(told(WEIGHTS, on_gpu(&model)), "missing_tensor");
    assert_eq!(told(WEIGHTS, open_on_cpu(&model, true).err()), "bad_file");

    // Weights that are no numbers show only when a picture is looked at.
    std::fs::write(model.join(WEIGHTS), &whole).unwrap();
    rewrite(&model, "visual_projection.weight", &[f32::NAN; 16 * 32]);
    let pipeline = open_on_cpu(&model, true).unwrap();
    let request = Request { steps: 1, ..Request::default() };
    let fault = block_on(pipeline.generate(&request, &Control::default())).unwrap_err();
    assert_eq!(told(WEIGHTS, Some(fault)), "bad_file");
    std::fs::remove_dir_all(model).unwrap();
}

/// The field that `parse` complains of when v1.4's config has one field changed.
fn refused<T>(json: &str, path: &str, value: Value, parse: fn(&str, &str) -> Result<T>) -> String {
    let mut config: Value = serde_json::from_str(json).unwrap();
    *config.pointer_mut(path).unwrap() = value;
    match parse("file.json", &config.to_string()).err() {
        Some(Error::Config { file, field, .. }) if file == "file.json" => field,
        other => panic!("{path}: {other:?}"),
    }
}

#[test]
fn other_checkers_are_refused_by_field() {
    for (path, value, field) in [
        ("/vision_config/hidden_size", json!(1022), "vision_config.hidden_size"),
        ("/vision_config/hidden_act", json!("relu"), "vision_config.hidden_act"),
        ("/vision_config/num_channels", json!(1), "vision_config.num_channels"),
        ("/vision_config/patch_size", json!(15), "vision_config.patch_size"),
        ("/vision_config/model_type", json!("siglip"), "vision_config.model_type"),
        ("/vision_config", json!(3), "vision_config"),
        ("/projection_dim", json!(0), "projection_dim"),
    ] {
        assert_eq!(refused(sd_v1_4::SAFETY_CHECKER, path, value, SafetyConfig::parse), field);
    }
    for (path, value, field) in [
        ("/size", json!(200), "crop_size"),
        ("/size", json!({ "height": 224, "width": 224 }), "size.shortest_edge"),
        ("/crop_size", json!({ "height": 224, "width": 112 }), "crop_size"),
        ("/resample", json!(2), "resample"),
        ("/do_resize", json!(false), "do_resize"),
        ("/image_std", json!([0.2, 0, 0.2]), "image_std"),
        ("/image_mean", json!([0.2, 0.2]), "image_mean"),
    ] {
        assert_eq!(refused(sd_v1_4::FEATURE_EXTRACTOR, path, value, ImageProcessor::parse), field);
    }
    let old = ImageProcessor::parse("a", sd_v1_4::FEATURE_EXTRACTOR).unwrap();
    let new =
        json!({ "size": { "shortest_edge": 224 }, "crop_size": { "height": 224, "width": 224 } });
    assert_eq!(ImageProcessor::parse("b", &new.to_string()).unwrap(), old);
}
