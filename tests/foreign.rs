//! Models as other programs leave them on a disk: other names, other types, other orders, other
//! folders, more than a model needs or less. What is whole gives the picture of the file it was
//! made
//! from; what is not is told by its name, the same on both devices.
//!
//! `scripts/golden/foreign.py` wrote the torch files; the others are made here, from the tiny
//! model.

use crate::formats::fixture;
use crate::harness::golden;
use crate::harness::gpu::{self, Device};
use crate::made_up::{program, scratch, tiny};
use darkroom::dtype::FileType;
use darkroom::pipeline::{Control, Files, Options, Pipeline, Request};
use darkroom::weights::{Archive, FileSource, Ldm, check_for_zeros, decode};
use darkroom::{Error, Result};
use pollster::block_on;
use serde_json::{Map, Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::OnceLock;

/// A safetensors file taken apart: its header, and the bytes of each tensor.
#[derive(Clone)]
pub(crate) struct Parts {
    pub metadata: Value,
    pub tensors: Vec<(String, Value, Vec<u8>)>,
}

impl Parts {
    pub(crate) fn read(bytes: &[u8]) -> Parts {
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let mut header: Map<String, Value> = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
        let metadata = header.remove("__metadata__").unwrap_or_default();
        let data = &bytes[8 + length..];
        let tensor = |(name, info): (String, Value)| {
            let at = |i: usize| info["data_offsets"][i].as_u64().unwrap() as usize;
            let bytes = data[at(0)..at(1)].to_vec();
            (name, info, bytes)
        };
        Parts { metadata, tensors: header.into_iter().map(tensor).collect() }
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let (mut header, mut data) = (Map::new(), Vec::new());
        if !self.metadata.is_null() {
            header.insert("__metadata__".into(), self.metadata.clone());
        }
        for (name, info, bytes) in &self.tensors {
            let mut info = info.clone();
            info["data_offsets"] = json!([data.len(), data.len() + bytes.len()]);
            data.extend(bytes);
            header.insert(name.clone(), info);
        }
        let header = Value::Object(header).to_string();
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &data].concat()
    }

    /// Renames what `to` has a name for.
    fn renamed(mut self, to: impl Fn(&str) -> String) -> Parts {
        self.tensors.iter_mut().for_each(|(name, ..)| *name = to(name));
        self
    }

    fn without(mut self, part: &str) -> Parts {
        let before = self.tensors.len();
        self.tensors.retain(|(name, ..)| !name.contains(part));
        assert!(self.tensors.len() < before, "{part}");
        self
    }

    pub(crate) fn with(mut self, name: &str, dtype: &str, shape: &[usize], bytes: usize) -> Parts {
        let info = json!({ "dtype": dtype, "shape": shape });
        self.tensors.push((name.to_owned(), info, vec![0; bytes]));
        self
    }
}

/// The tiny model in one file, which carries its configs; made once.
pub(crate) fn single() -> Parts {
    static MADE: OnceLock<Vec<u8>> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let folder = scratch("foreign-single");
        let to = folder.join("base.safetensors");
        let [from, to] = [tiny(), &to].map(|path| path.to_str().unwrap());
        let output = program(&["convert", "--model", from, "--to", to]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let bytes = fs::read(to).unwrap();
        fs::remove_dir_all(folder).unwrap();
        bytes
    });
    Parts::read(made)
}

fn request() -> Request {
    Request { prompt: "a cat".into(), steps: 1, seed: 5, ..Request::default() }
}

pub(crate) fn source(path: &Path) -> FileSource {
    let source = FileSource::open(path);
    let own = path.is_file();
    if own { source.with_tokenizer(golden::path("web/models/demo/tokenizer")) } else { source }
}

/// The picture of a model on the CPU and on the adapter, or what is said instead: the same on both.
pub(crate) fn draw(path: &Path) -> Result<[Vec<u8>; 2]> {
    let control = Control::default();
    let on_cpu = block_on(async {
        let pipeline =
            Pipeline::open_on_cpu(Rc::new(source(path)), &Options::default(), &control).await?;
        pipeline.generate(&request(), &control).await
    });
    let model = path.to_owned();
    let on_gpu = gpu::run(Device::Plain, move |gpu| {
        let control = Control::default();
        block_on(async {
            let source = Rc::new(source(&model));
            let pipeline = Pipeline::open(gpu, source, &Options::default(), &control).await?;
            pipeline.generate(&request(), &control).await
        })
    });
    match (on_cpu, on_gpu) {
        (Ok(cpu), Ok(gpu)) => Ok([cpu.rgba, gpu.rgba]),
        (Err(cpu), Err(gpu)) => {
            assert_eq!(cpu, gpu);
            Err(cpu)
        }
        (cpu, gpu) => panic!("one of two: {:?} and {:?}", cpu.err(), gpu.err()),
    }
}

/// Draws what was written to a file of this name.
fn draw_file(folder: &Path, name: &str, parts: &Parts) -> Result<[Vec<u8>; 2]> {
    let path = folder.join(format!("{name}.safetensors"));
    fs::write(&path, parts.write()).unwrap();
    let drawn = draw(&path);
    fs::remove_file(path).unwrap();
    drawn
}

#[test]
fn what_has_all_parts_is_a_checkpoint_whatever_else_it_has() {
    let folder = scratch("foreign-names");
    let base = single();
    let want = draw_file(&folder, "base", &base).unwrap();
    let prefix = |from: &'static str, to: &'static str| {
        move |name: &str| name.replacen(from, to, usize::from(name.starts_with(from)))
    };
    let (vae, text) = ("first_stage_model.", "cond_stage_model.transformer.");
    let attention = |name: &str, names: [&str; 4]| {
        let of_ldm = ["q", "k", "v", "proj_out"];
        let place = of_ldm.iter().position(|part| name.contains(&format!(".attn_1.{part}.")));
        place.map_or(name.to_owned(), |i| {
            name.replace(&format!(".attn_1.{}.", of_ldm[i]), &format!(".attn_1.{}.", names[i]))
        })
    };
    let averaged = |name: &str| match name.strip_prefix("model.diffusion_model.") {
        Some(rest) => format!("model_ema.diffusion_model{}", rest.replace('.', "")),
        None => name.to_owned(),
    };
    let mut odd = base.clone();
    odd.metadata["a"] = json!(3);
    odd.metadata["b"] = json!([{"c": null}]);
    let cases = [
        ("ComfyUI's VAE", base.clone().renamed(prefix(vae, "vae."))),
        (
            "ComfyUI's text encoder",
            base.clone().renamed(prefix(text, "text_encoders.clip_l.transformer.")),
        ),
        (
            "its other name",
            base.clone().renamed(prefix(text, "cond_stage_model.clip_l.transformer.")),
        ),
        ("wrapped", base.clone().renamed(|name| format!("state_dict.{name}"))),
        ("wrapped by another", base.clone().renamed(|name| format!("module.{name}"))),
        ("averages alone", base.clone().renamed(averaged)),
        (
            "the VAE's attention as diffusers has it",
            base.clone().renamed(|name| attention(name, ["to_q", "to_k", "to_v", "to_out.0"])),
        ),
        (
            "the VAE's attention as diffusers had it",
            base.clone().renamed(|name| attention(name, ["query", "key", "value", "proj_attn"])),
        ),
        ("a stray LoRA", base.clone().with("lora_te_baked.alpha", "F32", &[], 4)),
        ("a stray ControlNet", base.clone().with("control_model.zero", "F32", &[1], 4)),
        (
            "a stray tower",
            base.clone().with("cond_stage_model.model.ln_final.weight", "F32", &[2], 8),
        ),
        (
            "a schedule",
            base.clone().with("betas", "F64", &[4], 32).with("model_ema.decay", "F32", &[], 4),
        ),
        (
            "types that nobody knows",
            base.clone().with("a", "F8_E8M0", &[4], 4).with("b", "C64", &[2], 16),
        ),
        ("odd metadata", odd),
    ];
    for (name, parts) in cases {
        let got = draw_file(&folder, "a", &parts).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(got == want, "{name}: another picture");
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_tensor_that_is_missing_is_named_on_both_devices() {
    let folder = scratch("foreign-missing");
    let base = single();
    for (part, name) in [
        ("post_quant_conv", "post_quant_conv.weight"),
        ("decoder.mid.attn_1.", "decoder.mid_block.attentions.0"),
        ("layers.0.", "text_model.encoder.layers.0."),
        ("layers.0.mlp.fc1.bias", "text_model.encoder.layers.0.mlp.fc1.bias"),
        ("output_blocks.1.1.", "up_blocks.0."),
        ("input_blocks.1.0.in_layers.0.", "down_blocks.0.resnets.0.norm1.weight"),
    ] {
        match draw_file(&folder, "a", &base.clone().without(part)) {
            Err(Error::MissingTensor { name: told, .. }) => assert!(told.contains(name), "{told}"),
            other => panic!("{part}: {:?}", other.map(drop)),
        }
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_file_whose_end_did_not_arrive_is_told() {
    let folder = scratch("foreign-zeros");
    let path = folder.join("a.safetensors");
    let whole = single().write();
    fs::write(&path, &whole).unwrap();
    let zeros = |path: &Path| block_on(Ldm::check(&source(path), "a.safetensors"));
    zeros(&path).unwrap();
    let mut half = whole.clone();
    half[whole.len() / 2..].fill(0);
    fs::write(&path, &half).unwrap();
    for error in [zeros(&path).unwrap_err(), draw(&path).unwrap_err()] {
        assert!(error.to_string().contains("zeros: an unfinished download"), "{error}");
    }
    // Looked at alone, without a run.
    let output = program(&["inspect", "--model", path.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("an unfinished download"), "{said}");
    fs::write(&path, vec![0; 100_000]).unwrap();
    let error = draw(&path).unwrap_err();
    assert!(error.to_string().contains("nothing but zeros"), "{error}");
    fs::remove_dir_all(folder).unwrap();
}

/// A table of words has zeros for all words that were never trained: of the built-in model's nearly
/// all rows, in a piece of megabytes.
#[test]
fn a_table_that_is_mostly_zeros_is_no_unfinished_download() {
    gpu::run(Device::Plain, |gpu| {
        let source = Rc::new(FileSource::new(golden::path("web/models/demo")));
        let control = Control::default();
        for file in ["text_encoder/model", "unet/diffusion_pytorch_model"] {
            let path = format!("{file}.safetensors");
            let archive = block_on(Archive::open(&*source, &path)).unwrap();
            block_on(check_for_zeros(&*source, &archive)).unwrap();
        }
        let options = Options::default();
        let pipeline = block_on(Pipeline::open(gpu, source, &options, &control)).unwrap();
        let request = Request { width: Some(64), height: Some(64), ..request() };
        block_on(pipeline.generate(&request, &control)).unwrap();
    });
}

/// Shape and hash of every tensor of a checkpoint, part by part.
fn hashes(path: &Path) -> Vec<(&'static str, String, Value)> {
    let source = FileSource::open(path).with_tokenizer(fixture("tokenizer"));
    let files =
        block_on(Files::open(&source)).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut all = Vec::new();
    for ((_, archive), part) in files.archives().into_iter().zip(["text_encoder", "unet", "vae"]) {
        for info in archive.tensors() {
            let values = block_on(archive.load(&source, &info.name)).unwrap();
            let hash = golden::fnv(values.iter().map(|value| value.to_bits()));
            all.push((part, info.name.clone(), json!([info.shape, hash])));
        }
    }
    all
}

#[test]
fn torch_files_of_before_1_6_in_any_order_have_the_same_numbers() {
    let want = &golden::json("formats/tensors.json")["ckpt"];
    let got = hashes(&golden::path("tests/golden/foreign/legacy.ckpt"));
    let count = |part: &str| want[part].as_object().unwrap().len();
    assert_eq!(got.len(), count("text_encoder") + count("unet") + count("vae"));
    for (part, name, value) in got {
        assert_eq!(want[part][&name], value, "{part} {name}");
    }
    let own = hashes(&fixture("tiny.ckpt")).len();
    println!("{own} tensors in either");
    // The adapter's loader reads rows in other pieces.
    let picture = |path: PathBuf| {
        gpu::run(Device::Plain, move |gpu| {
            let source = FileSource::open(&path).with_tokenizer(fixture("tokenizer"));
            let control = Control::default();
            let options = Options::default();
            let pipeline = block_on(Pipeline::open(gpu, Rc::new(source), &options, &control));
            let pipeline = pipeline.unwrap();
            block_on(pipeline.generate(&request(), &control)).unwrap().rgba
        })
    };
    let legacy = picture(golden::path("tests/golden/foreign/legacy.ckpt"));
    assert!(legacy == picture(fixture("tiny.ckpt")));
}

#[test]
fn floats_of_eight_bits_are_what_torch_makes_of_them() {
    let want = golden::json("foreign/eight.json");
    let source = FileSource::new(golden::path("tests/golden/foreign"));
    let archive = block_on(Archive::open(&source, "eight.ckpt")).unwrap();
    let tensors = want.as_object().unwrap().iter().filter(|(name, _)| *name != "made_by");
    let mut compared = 0;
    for (name, value) in tensors {
        let values = block_on(archive.load(&source, name)).unwrap();
        let hash = golden::fnv(values.iter().map(|value| value.to_bits()));
        assert_eq!(*value, json!([archive.get(name).unwrap().shape, hash]), "{name}");
        compared += 1;
    }
    assert!(compared > 100, "{compared}");
    // All 256 of each: e5m2 is the upper half of an f16, and of e4m3fn some are known by hand.
    let all: Vec<u8> = (0..=255).collect();
    let widen = |file_type| {
        let mut numbers = Vec::new();
        decode(file_type, &all, &mut numbers).unwrap();
        numbers
    };
    let upper = widen(FileType::F8E5M2);
    for (byte, number) in all.iter().zip(&upper) {
        let half = half::f16::from_bits(u16::from(*byte) << 8).to_f32();
        assert!(half == *number || half.is_nan() && number.is_nan(), "{byte}");
    }
    let numbers = widen(FileType::F8E4M3);
    for (byte, number) in
        [(0x01, 2_f32.powi(-9)), (0x08, 2_f32.powi(-6)), (0x38, 1.0), (0x7e, 448.0)]
    {
        assert_eq!((numbers[byte], numbers[byte | 0x80]), (number, -number));
    }
    assert!(numbers[0x7f].is_nan() && numbers.iter().filter(|n| !n.is_finite()).count() == 2);
    // f16 has all their values: that is what the adapter holds.
    for number in numbers.iter().chain(&upper).filter(|number| number.is_finite()) {
        assert_eq!(half::f16::from_f32(*number).to_f32(), *number);
    }
}
