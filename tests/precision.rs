//! Types of weights and activations over the whole walk: their names, what f16's range does, how
//! near quantised weights come.

use crate::harness::gpu::{self, Device};
use crate::made_up::{program, scratch, tiny};
use crate::walk::{open, request};
use darkroom::gpu::Gpu;
use darkroom::pipeline::{Control, DeviceMemory, Options, Picture, Progress, Request};
use darkroom::weights::{Archive, FileSource};
use darkroom::{Precision, WeightType};
use pollster::block_on;
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::OnceLock;

#[test]
fn types_have_names() {
    for weight_type in WeightType::ALL {
        assert_eq!(weight_type.to_string().parse(), Ok(weight_type));
    }
    for precision in Precision::ALL {
        assert_eq!(precision.to_string().parse(), Ok(precision));
    }
    let unknown = "q4_k".parse::<WeightType>().unwrap_err().to_string();
    assert_eq!(unknown, "must be f32, f16, q8_0, q5_0 or q4_0, not `q4_k`");
    let unknown = "q8_0".parse::<Precision>().unwrap_err().to_string();
    assert_eq!(unknown, "must be f32 or f16, not `q8_0`");
}

const F16: Options = Options {
    precision: Precision::F16,
    weights: None,
    safety: true,
    memory: None,
    device_memory: DeviceMemory::UNKNOWN,
    residency: None,
    reproducible: true,
    loras: Vec::new(),
    taesd: None,
    embeddings: Vec::new(),
};

/// The tiny checkpoint in f32, whose self-attentions compute with values 2¹⁸ times as large: the
/// output's projection takes them back, so that the function is the same, but f16 ends at 65504.
pub(crate) fn far_reaching() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = scratch("far-reaching");
        let out = folder.to_str().unwrap();
        let made = ["synth", "--config", "tiny", "--seed", "1", "--weights", "f32", "--out", out];
        assert!(program(&made).status.success());
        let file = "unet/diffusion_pytorch_model.safetensors";
        let archive = block_on(Archive::open(&FileSource::new(&folder), file)).unwrap();
        let mut bytes = std::fs::read(folder.join(file)).unwrap();
        let large = 2f32.powi(18);
        let mut scaled = 0;
        for tensor in archive.tensors() {
            let factor = match &tensor.name {
                name if name.ends_with("attn1.to_v.weight") => large,
                name if name.ends_with("attn1.to_out.0.weight") => 1.0 / large,
                _ => continue,
            };
            scaled += 1;
            let range = tensor.range.start as usize..tensor.range.end as usize;
            for number in bytes[range].as_chunks_mut::<4>().0 {
                *number = (f32::from_le_bytes(*number) * factor).to_le_bytes();
            }
        }
        assert!(scaled >= 4 && scaled % 2 == 0, "{scaled} tensors");
        std::fs::write(folder.join(file), bytes).unwrap();
        folder
    })
}

/// The picture, and the notices that were told meanwhile.
fn draw(gpu: &Gpu, model: &Path, options: Options, request: &Request) -> (Picture, Vec<String>) {
    let pipeline = open(gpu, model, options).unwrap();
    let told = Rc::new(RefCell::new(Vec::new()));
    let hears = told.clone();
    let on_progress = Box::new(move |event: &Progress| {
        if let Progress::Notice { text } = event {
            hears.borrow_mut().push(text.clone());
        }
    });
    let control = Control { on_progress, ..Control::default() };
    let picture = block_on(pipeline.generate(request, &control)).unwrap();
    let again = block_on(pipeline.generate(request, &Control::default())).unwrap();
    assert_eq!(picture, again, "the same request gives the same picture");
    drop(control);
    (picture, Rc::into_inner(told).unwrap().into_inner())
}

/// The largest difference of two pictures' bytes.
fn apart(a: &Picture, b: &Picture) -> u8 {
    assert_eq!(a.rgba.len(), b.rgba.len());
    a.rgba.iter().zip(&b.rgba).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

#[test]
fn what_outgrows_f16_is_finished_in_f32() {
    gpu::run(Device::Plain, |gpu| {
        if !gpu.has_f16() {
            println!("skipped: this adapter has no shader-f16");
            return;
        }
        // The ancestral sampler draws noise in a step: taken again, it must draw the same.
        for sampler in ["ddim", "euler_ancestral", "heun"] {
            let request = Request { sampler: sampler.into(), steps: 3, ..request() };
            let (exact, told) = draw(gpu, far_reaching(), Options::default(), &request);
            assert!(told.is_empty(), "{told:?}");
            let (half, told) = draw(gpu, far_reaching(), F16, &request);
            assert_eq!(half.notices.len(), 1);
            assert!(half.notices[0].starts_with("Numbers outgrew f16 at step 1."), "{told:?}");
            assert_eq!(half.notices, told);
            println!("{sampler}: f16 that went on in f32 is {}/255 from f32", apart(&exact, &half));
            assert!(apart(&exact, &half) <= 2, "{sampler}: {}", apart(&exact, &half));
        }
        let (_, told) = draw(gpu, tiny(), F16, &request());
        assert!(told.is_empty(), "f16 is enough for the usual model: {told:?}");
    });
}

/// The rows of a table in Markdown, its heads left out.
fn rows(arguments: &[&str]) -> Vec<Vec<String>> {
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/web/models/demo");
    let output = program(&[&["precision", "--model", model], arguments].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let shown = String::from_utf8(output.stdout).unwrap();
    println!("{shown}");
    let cells = |line: &str| line.trim_matches('|').split('|').map(|c| c.trim().into()).collect();
    shown.lines().filter(|line| line.starts_with('|')).skip(2).map(cells).collect()
}

#[test]
fn quantised_weights_are_near_and_small() {
    let rows = rows(&["--requests", "2", "--steps", "4", "--only-f32"]);
    let names: Vec<_> = rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(names, WeightType::ALL.map(WeightType::name));
    let number = |row: usize, cell: usize| rows[row][cell].parse::<f64>().unwrap();
    // The built-in model's files are f16.
    assert_eq!(rows[1][3], "equal");
    for (row, least) in [(2, 40.0), (3, 32.0), (4, 28.0)] {
        assert!(number(row, 2) < number(row - 1, 2), "fewer bytes");
        assert!(number(row, 3) >= least, "{}: {} dB", names[row], rows[row][3]);
    }
}

#[test]
fn an_evaluation_of_the_unet_loses_little() {
    let rows = rows(&["--evaluation", "8"]);
    let activations = |kind: &str| rows.iter().filter(|row| row[1] == kind).count();
    assert_eq!(activations("f32"), WeightType::ALL.len());
    for row in &rows[1..] {
        let nmse: f64 = row[3].parse().unwrap();
        let most = match row[0].as_str() {
            "f32" | "f16" => 1e-5,
            "q8_0" => 1e-3,
            "q5_0" => 2e-3,
            _ => 5e-3,
        };
        assert!(nmse <= most, "{row:?}");
    }
}
