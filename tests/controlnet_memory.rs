//! What ControlNets and T2I-Adapters take of memory, as planned and as counted.

use crate::controlnet::{adapter_tensors, net_tensors, of_tiny};
use crate::controlnet_files::{draw_as, picture};
use crate::img2img::initial;
use crate::made_up::tiny;
use crate::memory::device;
use crate::reference::open_on_cpu;
use crate::walk::{open, request};
use darkroom::dtype::FileType;
use darkroom::gpu::{Gpu, Held, Limits};
use darkroom::image::Rgba;
use darkroom::pipeline::{
    Control, Extras, Files, Kinds, Options, PictureControl, Request, Residency, Stage, Workload,
};
use darkroom::weights::{Archive, ControlFile, FileSource};
use darkroom::{Precision, WeightType};
use pollster::block_on;
use std::rc::Rc;

/// The device's account of a run is the plan, with the networks in it.
#[test]
fn the_devices_account_is_the_plan() {
    let files = block_on(Files::open(&FileSource::new(tiny()))).unwrap();
    let way = Residency::ALL;
    let load = Workload {
        size: [64, 64],
        prompts: 2,
        chunks: 1,
        pictures: 1,
        kinds: Kinds::EXACT,
        begins: false,
    };
    let [a, b, t2i] = ["a", "b", "t2i"].map(of_tiny);
    let flat = || Rgba::new(1, 1, vec![90; 4]);
    // Of one file with two pictures, both are held.
    let used: [&[&Rc<ControlFile>]; 6] =
        [&[&a], &[&a, &b], &[&t2i], &[&a, &a], &[&t2i, &a, &t2i], &[]];
    let mut steps = Vec::new();
    for files_of in used {
        let gpu = device();
        let options = Options { residency: Some(way), ..Options::default() };
        let pipeline = open(&gpu, tiny(), options.clone()).unwrap();
        let networks: Vec<_> = files_of.iter().copied().cloned().collect();
        let names: Vec<_> = networks.iter().map(|file| file.name()).collect();
        let pictures = [picture(), flat(), initial(30, 61)];
        let controls = networks.iter().zip(pictures);
        let controls: Vec<_> =
            controls.map(|(file, picture)| PictureControl::new(file.clone(), picture)).collect();
        let request = Request { steps: 3, width: Some(64), height: Some(64), ..request() };
        draw_as(&pipeline, &request, &controls).unwrap();
        let dry = block_on(files.dry_run_of(&options, &gpu, load, &networks)).unwrap();
        let of_steps = |peaks: &[(Stage, Held)]| {
            peaks.iter().find(|(stage, _)| *stage == Stage::Denoising).unwrap().1
        };
        println!("{names:?}: {:?}", of_steps(&dry.peaks));
        assert_eq!(pipeline.peaks(), dry.peaks, "{names:?}");
        steps.push(of_steps(&dry.peaks).activations);
    }
    assert!(steps[3] > steps[0], "a second picture of a file takes more: {steps:?}");
}

/// The encoder of a start picture is in the plan, beside what is loaded by then: of the second
/// request the ControlNet as well.
#[test]
fn a_start_picture_is_encoded_beside_them() {
    let files = block_on(Files::open(&FileSource::new(tiny()))).unwrap();
    let way = Residency::ALL;
    let size = [64, 64];
    let load =
        Workload { size, prompts: 2, chunks: 1, pictures: 1, kinds: Kinds::EXACT, begins: true };
    let (a, start) = (of_tiny("a"), initial(64, 64));
    let asked = Request { steps: 6, width: Some(64), height: Some(64), ..request() };
    let options = Options { residency: Some(way), ..Options::default() };
    let mut begun = Vec::new();
    for networks in [vec![], vec![a]] {
        let gpu = device();
        let pipeline = open(&gpu, tiny(), options.clone()).unwrap();
        let controls: Vec<_> =
            networks.iter().map(|file| PictureControl::new(file.clone(), picture())).collect();
        let extras = Extras { initial: Some(&start), controls: &controls, ..Extras::default() };
        for _ in 0..=networks.len() {
            block_on(pipeline.generate_with(&asked, &Control::default(), &extras)).unwrap();
        }
        let dry = block_on(files.dry_run_of(&options, &gpu, load, &networks)).unwrap();
        println!("{:?}", dry.peaks);
        let held = |peaks: &[(Stage, Held)]| {
            peaks.iter().find(|(stage, _)| *stage == Stage::Beginning).unwrap().1
        };
        assert_eq!(held(&pipeline.peaks()), held(&dry.peaks));
        begun.push(held(&dry.peaks).weights);
    }
    assert!(begun[1] > begun[0], "{begun:?}");
}

/// v1.4 at 512×512 within WebGPU's default limits, with what it is given of memory.
#[test]
fn v1_4_has_room_for_one() {
    let files = Files::v1_4().unwrap();
    let load = Workload {
        size: [512, 512],
        prompts: 2,
        chunks: 1,
        pictures: 1,
        kinds: Kinds::EXACT,
        begins: false,
    };
    let net = zeros(net_tensors(&files.unet, &[16, 32, 96, 256]));
    let adapter = zeros(adapter_tensors(&[320, 640, 1280, 1280], 8, 3));
    let (f16, q8_0) = (WeightType::F16, WeightType::Q8_0);
    let gpu = Gpu::dry_within(Limits::default(), false);
    for (name, file, weights, most) in [
        ("ControlNet, f16", &net, f16, 2.8e9),
        ("ControlNet, q8_0", &net, q8_0, 1.7e9),
        ("T2I-Adapter, f16", &adapter, f16, 2.1e9),
    ] {
        let options =
            Options { weights: Some(weights), precision: Precision::F32, ..Options::default() };
        let files_of = std::slice::from_ref(file);
        let dry = block_on(files.dry_run_of(&options, &gpu, load, files_of)).unwrap();
        let peak = dry.peak();
        println!("{name}: {:.3} GB ({peak:?}), {:?}", peak.total() as f64 / 1e9, dry.residency);
        assert!((peak.total() as f64) < most, "{name}: {} bytes", peak.total());
        assert!(dry.residency.kept.has(darkroom::pipeline::Part::Unet), "{name}");
    }
}

/// A file of which only the header is there.
fn zeros(tensors: Vec<(String, Vec<usize>)>) -> Rc<ControlFile> {
    let header = Archive::of_shapes("zeros", FileType::F16, tensors);
    ControlFile::without_numbers(&header).unwrap()
}

/// What the CPU's memory is reckoned to hold grows with each picture of a control.
#[test]
fn the_cpu_counts_what_they_add() {
    let pipeline = open_on_cpu(tiny()).unwrap();
    let huge = Request { width: Some(4096), height: Some(4096), ..request() };
    let file = of_tiny("a");
    let reckoned = [0, 1, 2].map(|count| {
        let control = PictureControl::new(file.clone(), initial(20, 30));
        let controls = vec![control; count];
        let extras = Extras { controls: &controls, ..Extras::default() };
        let made = block_on(pipeline.generate_with(&huge, &Control::default(), &extras));
        let error = made.unwrap_err().to_string();
        let (_, amount) = error.split_once("it would take ").unwrap();
        amount.split_once(' ').unwrap().0.parse::<f64>().unwrap()
    });
    println!("{reckoned:?} GB");
    // Of 512×512 latents a picture adds 16, 32 and 48 channels three times at their levels, twice,
    // for two prompts; and the hint.
    let levels = 3.0 * f64::from(16 * (512 * 512) + 32 * (256 * 256) + 48 * (128 * 128));
    let each = 4.0 * (4.0 * levels + f64::from(16 * 512 * 512)) / 1e9;
    for (count, got) in reckoned.iter().enumerate() {
        let want = reckoned[0] + count as f64 * each;
        assert!((got - want).abs() < 0.11, "{count} pictures: {got} GB, not {want}");
    }
}
