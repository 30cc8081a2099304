//! Checkpoints as others write them: torch's own files, GGUF by ggml's package, several files for
//! one model; and the same model in every format, which must give the same picture.
//! `scripts/golden/formats.py` wrote the files and says what is in them.

use crate::harness::gpu::{self, Device};
use crate::harness::{QUANTISED, golden};
use crate::made_up::{Golden, program, scratch};
use crate::quantise::candle;
use candle_core::Device::Cpu as CPU;
use candle_core::quantized::gguf_file;
use darkroom::Error;
use darkroom::dtype::FileType;
use darkroom::gpu::Gpu;
use darkroom::models::clip::{TextConfig, TextEncoder};
use darkroom::models::sd_v1_4;
use darkroom::models::unet::{Unet, UnetConfig};
use darkroom::models::vae::{Encoder, VaeConfig, VaeDecoder};
use darkroom::nn::{Catalogue, Scope};
use darkroom::pipeline::{Control, Files, Options, Picture, Pipeline, Request};
use darkroom::weights::names::{Names, UnetLevel};
use darkroom::weights::{Archive, FileSource, SafetensorsWriter, Source};
use darkroom::{Result, WeightType};
use half::f16;
use pollster::block_on;
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

const V1_4: [UnetLevel; 4] = {
    let level = UnetLevel { layers: 2, down_attention: true, up_attention: true };
    [level, level, level, UnetLevel { down_attention: false, up_attention: false, ..level }]
};

pub(crate) fn fixture(name: &str) -> PathBuf {
    golden::path("tests/golden/formats").join(name)
}

/// A model, with the small tokenizer of the fixtures.
fn source(model: &Path) -> FileSource {
    FileSource::open(model).with_tokenizer(fixture("tokenizer"))
}

/// What v1.4 asks for: the UNet's and the VAE's tensors.
fn catalogues() -> [Catalogue; 2] {
    let gpu = Gpu::dry(false);
    let [unet, vae] = [(); 2].map(|()| Scope::without_file(&gpu, WeightType::F16));
    Unet::new(&unet, &UnetConfig::parse("", sd_v1_4::UNET).unwrap()).unwrap();
    let config = VaeConfig::parse("", sd_v1_4::VAE).unwrap();
    VaeDecoder::new(&vae, &config).unwrap();
    Encoder::new(&vae, &config).unwrap();
    [unet, vae].map(|scope| scope.catalogue())
}

/// Every tensor of v1.4 has one name in a single file, the one that diffusers' converter reads.
#[test]
fn names_of_v1_4_are_those_of_diffusers_converter() {
    let golden = golden::json("formats/names.json");
    let names = [Names::unet(&V1_4), Names::vae(4)];
    for ((part, names), catalogue) in ["unet", "vae"].into_iter().zip(names).zip(catalogues()) {
        let mut from_golden = BTreeMap::new();
        for pair in golden::list(&golden, part) {
            let [ldm, ours] = [0, 1].map(|i| pair[i].as_str().unwrap());
            assert_eq!(
                names.to_diffusers(&format!("{ldm}.weight")),
                Some(format!("{ours}.weight"))
            );
            assert_eq!(names.to_ldm(&format!("{ours}.bias")), Some(format!("{ldm}.bias")));
            from_golden.insert(ours, ldm);
        }
        let mut seen = HashSet::new();
        for (name, _) in &catalogue.tensors {
            let (module, kind) = name.rsplit_once('.').unwrap();
            let ldm = names.to_ldm(name).unwrap_or_else(|| panic!("{name} has no name"));
            assert_eq!(ldm, format!("{}.{kind}", from_golden[module]));
            assert_eq!(names.to_diffusers(&ldm).as_ref(), Some(name));
            assert!(seen.insert(ldm), "{name}: its name is another's too");
        }
        let count = golden["counts"][part].as_u64().unwrap();
        assert_eq!(seen.len() as u64, count, "{part}");
        println!("{part}: {count} names");
    }
    assert_eq!(Names::vae(4).to_diffusers("loss.logvar"), None);
    assert_eq!(Names::unet(&V1_4).to_diffusers("input_blocks.13.0.in_layers.0.weight"), None);
    let earlier = "decoder.mid_block.attentions.0.proj_attn.weight";
    let ldm = "decoder.mid.attn_1.proj_out.weight";
    assert_eq!(Names::vae(4).to_ldm(earlier), Some(ldm.to_owned()));
}

/// A file with v1.4's names and shapes, but holes for numbers, opens with exactly v1.4's configs.
#[test]
fn configs_of_v1_4_are_found_from_its_shapes() {
    let [unet, vae] = catalogues();
    let gpu = Gpu::dry(false);
    let text = Scope::without_file(&gpu, WeightType::F16);
    let of_text = TextConfig::parse("", sd_v1_4::TEXT_ENCODER).unwrap();
    TextEncoder::new(&text, &of_text).unwrap();
    let mut list: Vec<(String, FileType, Vec<usize>)> = Vec::new();
    let mut add = |prefix: &str, name: Option<String>, shape: &[usize]| {
        list.push((format!("{prefix}{}", name.unwrap()), FileType::F16, shape.to_vec()));
    };
    for (name, shape) in &text.catalogue().tensors {
        add("cond_stage_model.transformer.", Some(name.clone()), shape);
    }
    for (name, shape) in &unet.tensors {
        add("model.diffusion_model.", Names::unet(&V1_4).to_ldm(name), shape);
    }
    for (name, shape) in &vae.tensors {
        add("first_stage_model.", Names::vae(4).to_ldm(name), shape);
    }
    let folder = scratch("v1-4-shapes");
    let path = folder.join("model.safetensors");
    let file = fs::File::create(&path).unwrap();
    // The header alone is written; the rest is a hole of 2 GB that takes no place on the disk.
    drop(SafetensorsWriter::new(&file, "model", &list, &[]).unwrap());
    let numbers: usize = list.iter().map(|(_, _, shape)| shape.iter().product::<usize>()).sum();
    file.set_len(file.metadata().unwrap().len() + 2 * numbers as u64).unwrap();
    let files = block_on(Files::open(&source(&path))).unwrap();
    assert_eq!(files.unet, UnetConfig::parse("", sd_v1_4::UNET).unwrap());
    assert_eq!(files.vae, VaeConfig::parse("", sd_v1_4::VAE).unwrap());
    assert_eq!(files.text_encoder, of_text);
    assert_eq!(files.describe().parameters, numbers as u64);
    assert_eq!((files.describe().width, files.describe().factor), (512, 8));
    fs::remove_dir_all(folder).unwrap();
}

/// Shape and hash of every tensor, as the golden has them.
fn hashes(files: &Files, source: &dyn Source) -> Value {
    let parts = files.archives().into_iter().zip(["text_encoder", "unet", "vae"]);
    let part = |((_, archive), name): ((_, &Archive), &str)| {
        let tensors = archive.tensors().iter().map(|info| {
            let values = block_on(archive.load(source, &info.name)).unwrap();
            let hash = golden::fnv(values.iter().map(|value| value.to_bits()));
            (info.name.clone(), serde_json::json!([info.shape, hash]))
        });
        (name.to_owned(), Value::Object(tensors.collect()))
    };
    Value::Object(parts.map(part).collect())
}

#[test]
fn every_number_of_a_ckpt_and_a_gguf_is_read() {
    let golden = golden::json("formats/tensors.json");
    for ending in ["ckpt", "gguf"] {
        let source = source(&fixture(&format!("tiny.{ending}")));
        let files = block_on(Files::open(&source)).unwrap();
        let (got, want) = (hashes(&files, &source), &golden[ending]);
        for part in ["text_encoder", "unet", "vae"] {
            let (got, want) = (got[part].as_object().unwrap(), want[part].as_object().unwrap());
            assert_eq!(got.len(), want.len(), "{ending} {part}");
            for (name, value) in want {
                assert_eq!(got.get(name), Some(value), "{ending} {part} {name}");
            }
        }
    }
}

#[test]
fn every_type_of_block_is_what_ggml_makes_of_it() {
    let source = FileSource::new(fixture(""));
    let blocks = block_on(Archive::open(&source, "blocks.gguf")).unwrap();
    let golden = Golden::open("formats/blocks.safetensors");
    assert_eq!(blocks.tensors().len(), 13);
    for info in blocks.tensors() {
        let (got, want) = (block_on(blocks.load(&source, &info.name)), golden.array(&info.name));
        let got = got.unwrap();
        assert_eq!((got.len(), info.file_type.name()), (want.len(), info.name.as_str()));
        let bits = |numbers: &[f32]| numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        // The order of two roundings may differ, nothing else.
        let largest = want.iter().fold(0.0, |most: f32, x| most.max(x.abs()));
        let errors = got.iter().zip(&want).map(|(a, b)| (a - b).abs());
        let error = errors.fold(0.0, f32::max) / largest;
        println!("{}: {error:.1e}, equal: {}", info.name, bits(&got) == bits(&want));
        assert!(largest > 0.0 && error <= 2e-7, "{}: {error:.1e}", info.name);
    }
}

/// The pictures of a model: the CPU's, and the GPU's with weights as they come.
fn draw(model: &Path) -> [Picture; 2] {
    let request = Request { prompt: "a cat".into(), steps: 3, seed: 5, ..Request::default() };
    let (model, control) = (model.to_owned(), Control::default());
    let pipeline =
        block_on(Pipeline::open_on_cpu(Rc::new(source(&model)), &Options::default(), &control));
    let pipeline = pipeline.unwrap_or_else(|error| panic!("{}: {error}", model.display()));
    let on_cpu = block_on(pipeline.generate(&request, &control)).unwrap();
    let on_gpu = gpu::run(Device::Plain, move |gpu| {
        let (source, control) = (Rc::new(source(&model)), Control::default());
        let pipeline = block_on(Pipeline::open(gpu, source, &Options::default(), &control));
        block_on(pipeline.unwrap().generate(&request, &control)).unwrap()
    });
    assert!(difference(&on_cpu, &on_gpu) <= 2, "{}/255", difference(&on_cpu, &on_gpu));
    [on_cpu, on_gpu]
}

/// The largest difference of a byte.
fn difference(a: &Picture, b: &Picture) -> u8 {
    a.rgba.iter().zip(&b.rgba).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

/// Converts by the program.
pub(crate) fn convert(from: &Path, to: &Path, file_type: &[&str]) {
    let tokenizer = fixture("tokenizer");
    let [from, to, tokenizer] = [from, to, &tokenizer].map(|path| path.to_str().unwrap());
    let common = ["convert", "--model", from, "--to", to, "--tokenizer", tokenizer];
    let output = program(&[&common[..], file_type].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn one_model_in_every_format_gives_one_picture() {
    let folder = scratch("every-format");
    let at = |name: &str| folder.join(name);
    let ckpt = fixture("tiny.ckpt");
    convert(&ckpt, &at("f32"), &["--type", "f32"]);
    convert(&at("f32"), &at("f16"), &["--type", "f16"]);
    convert(&at("f32"), &at("a.safetensors"), &[]);
    convert(&at("f16"), &at("half.safetensors"), &[]);
    convert(&ckpt, &at("a.gguf"), &[]);
    convert(&at("a.safetensors"), &at("back"), &[]);
    let vae = "vae/diffusion_pytorch_model.safetensors";
    let read = |path: &str| fs::read(at(path)).unwrap();
    assert!(read(&format!("f32/{vae}")) == read(&format!("back/{vae}")), "there and back");
    // Half the bytes under the name of half precision; a part as torch's file; a part in two.
    fs::rename(at("f16").join(vae), at("f16/vae/diffusion_pytorch_model.fp16.safetensors"))
        .unwrap();
    fs::remove_file(at("back").join(vae)).unwrap();
    fs::copy(fixture("vae.bin"), at("back/vae/diffusion_pytorch_model.bin")).unwrap();
    shard(&at("back/unet"));
    let names = ["f32", "f16", "a.safetensors", "half.safetensors", "a.gguf", "back"];
    let want = draw(&ckpt);
    assert!(want[0].rgba.iter().collect::<HashSet<_>>().len() > 20, "a picture, not a colour");
    for name in names {
        let got = draw(&at(name));
        let errors = [0, 1].map(|device| difference(&got[device], &want[device]));
        println!("{name}: {errors:?}/255 on the CPU and on the GPU");
        let most = u8::from(name.contains("f16") || name.contains("half"));
        assert!(errors.iter().all(|error| *error <= most), "{name}: {errors:?}");
    }
    // Found by content: a name says nothing.
    fs::rename(at("a.gguf"), at("model.ckpt")).unwrap();
    assert!(draw(&at("model.ckpt")).map(|picture| picture.rgba) == want.map(|want| want.rgba));
    fs::remove_dir_all(folder).unwrap();
}

/// A model as blocks, in GGUF: candle reads the file, each matrix of whole blocks has candle's
/// bytes and numbers, and all else is f16.
#[test]
fn blocks_are_written_as_candle_writes_them() {
    let folder = scratch("blocks");
    let ckpt = fixture("tiny.ckpt");
    let of_ckpt = source(&ckpt);
    let originals = block_on(Files::open(&of_ckpt)).unwrap();
    let bits = |numbers: &[f32]| numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    for weight_type in QUANTISED {
        let path = folder.join(format!("{weight_type}.gguf"));
        convert(&ckpt, &path, &["--type", weight_type.name()]);
        let mut file = fs::File::open(&path).unwrap();
        let theirs = gguf_file::Content::read(&mut file).unwrap();
        let source = source(&path);
        let files = block_on(Files::open(&source)).unwrap();
        let (mut blocks, mut all) = (0, 0);
        for ((_, archive), (_, original)) in files.archives().iter().zip(originals.archives()) {
            for info in archive.tensors() {
                let got = block_on(archive.load(&source, &info.name)).unwrap();
                let from = block_on(original.load(&of_ckpt, &info.name)).unwrap();
                all += 1;
                if info.file_type == FileType::F16 {
                    let rounded = from.iter().map(|x| f16::from_f32(*x).to_f32());
                    let rounded: Vec<f32> = rounded.collect();
                    assert_eq!(bits(&got), bits(&rounded), "{}", info.name);
                    continue;
                }
                blocks += 1;
                assert_eq!(info.file_type.name().to_lowercase(), weight_type.name());
                assert!(matches!(info.shape[..], [_, k] if k.is_multiple_of(32)), "{}", info.name);
                let bytes = block_on(source.read(&info.file, info.range.clone())).unwrap();
                let (want, back) = candle(weight_type, &from);
                assert_eq!(bytes, want, "{}", info.name);
                assert_eq!(bits(&got), bits(&back), "{}", info.name);
            }
        }
        println!("{weight_type}: {blocks} of {all} tensors are blocks");
        assert!(blocks >= 14 && theirs.tensor_infos.len() == all, "{blocks} of {all}");
        let blocks_of_theirs = theirs.tensor_infos.iter().filter(|(name, info)| {
            info.ggml_dtype.block_size() == 32 && theirs.tensor(&mut &file, name, &CPU).is_ok()
        });
        assert_eq!(blocks_of_theirs.count(), blocks, "{weight_type}, as candle reads it");
    }
    let ([blocks, _], [floats, _]) = (draw(&folder.join("q8_0.gguf")), draw(&ckpt));
    assert!(difference(&blocks, &floats) <= 32, "another picture");
    let to = folder.join("a.safetensors");
    let [from, to] = [&ckpt, &to].map(|path| path.to_str().unwrap());
    let output = program(&["convert", "--model", from, "--to", to, "--type", "q4_0"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("is for a .gguf file"), "{said}");
    fs::remove_dir_all(folder).unwrap();
}

/// Splits a folder's weights into two files with an index.
fn shard(folder: &Path) {
    let file = "diffusion_pytorch_model.safetensors";
    let source = FileSource::new(folder);
    let archive = block_on(Archive::open(&source, file)).unwrap();
    let mut map = serde_json::Map::new();
    let (first, second) = archive.tensors().split_at(100);
    for (number, tensors) in [first, second].into_iter().enumerate() {
        let name = format!("model-0000{number}-of-00002.safetensors");
        let list: Vec<_> =
            tensors.iter().map(|t| (&t.name, t.file_type, t.shape.clone())).collect();
        let out = fs::File::create(folder.join(&name)).unwrap();
        let mut writer = SafetensorsWriter::new(out, &name, &list, &[]).unwrap();
        for tensor in tensors {
            writer.write(&block_on(source.read(file, tensor.range.clone())).unwrap()).unwrap();
            map.insert(tensor.name.clone(), Value::from(name.clone()));
        }
        writer.finish().unwrap();
    }
    let index = serde_json::json!({"metadata": {"total_size": 1}, "weight_map": map});
    fs::write(folder.join(format!("{file}.index.json")), index.to_string()).unwrap();
    fs::remove_file(folder.join(file)).unwrap();
    // A map that leaves the folder is refused.
    let bad = r#"{"weight_map": {"a": "../a.safetensors"}}"#;
    fs::write(folder.join("bad.json"), bad).unwrap();
    let opened = block_on(Archive::open_shards(&source, "bad.json"));
    assert!(matches!(opened, Err(Error::BadFile { .. })), "{opened:?}");
}

fn open_bytes(name: &str, bytes: &[u8]) -> Result<Files> {
    let folder = scratch("what-is-it");
    fs::write(folder.join(name), bytes).unwrap();
    block_on(Files::open(&source(&folder.join(name))))
}

#[test]
fn a_file_of_another_kind_says_what_it_is() {
    let with = |names: &[(&str, Vec<usize>)]| {
        let list: Vec<_> = names.iter().map(|(n, s)| (*n, FileType::F16, s.clone())).collect();
        let mut writer = SafetensorsWriter::new(Vec::new(), "a", &list, &[]).unwrap();
        let elements: usize = names.iter().map(|(_, s)| s.iter().product::<usize>()).sum();
        writer.write(&vec![0; elements * 2]).unwrap();
        writer.finish().unwrap()
    };
    let one = |name: &str| with(&[(name, vec![4])]);
    let unet = "model.diffusion_model.input_blocks.0.0.weight";
    let (text, vae) = ("cond_stage_model.transformer.a", "first_stage_model.decoder.a");
    let keys = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight";
    let whole = |unet: &[(&'static str, Vec<usize>)]| {
        with(&[unet, &[(text, vec![1]), (vae, vec![1])]].concat())
    };
    let half = |name: &str| {
        let bytes = golden::bytes(name);
        bytes[..bytes.len() / 2].to_vec()
    };
    let old_torch = [b"\x80\x02\x8a\x0a".to_vec(), vec![1; 600]].concat();
    let cases: [(&str, Vec<u8>); 19] = [
        ("Stable Diffusion XL", one("conditioner.embedders.0.a")),
        ("Stable Diffusion 2", one("cond_stage_model.model.a")),
        ("Stable Diffusion 2", whole(&[(unet, vec![4, 4]), (keys, vec![4, 1024])])),
        ("a LoRA", one("lora_unet_down.alpha")),
        ("a LoRA", one("unet.a.lora_A.weight")),
        ("a ControlNet", one("control_model.a")),
        ("a VAE alone", one("decoder.up.0.a")),
        ("a textual inversion", one("emb_params")),
        ("a language model", one("model.layers.0.a")),
        ("a UNet but no text encoder and VAE", one(unet)),
        ("a text encoder alone", one("text_model.a")),
        ("other tensors, such as `a`", one("a")),
        ("a model called \"test\"", golden::bytes("formats/blocks.gguf")),
        ("a web page", b"<!DOCTYPE html><title>404</title>".to_vec()),
        (
            "Git-LFS",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 4\n".to_vec(),
        ),
        ("a pickle that is not torch's", old_torch),
        ("only 0 bytes", vec![]),
        ("download was not finished", half("formats/tiny.ckpt")),
        ("download was not finished", half("formats/tiny.gguf")),
    ];
    for (words, bytes) in cases {
        let error = open_bytes("model.safetensors", &bytes).err().expect(words);
        println!("{error}");
        assert!(error.to_string().contains(words), "{words}: {error}");
        assert!(matches!(error, Error::OtherModel { .. } | Error::BadFile { .. }), "{error:?}");
    }
    let error = open_bytes("vae.bin", &golden::bytes("formats/vae.bin")).err().unwrap();
    assert!(error.to_string().contains("a VAE alone"), "{error}");
    fs::remove_dir_all(scratch("what-is-it")).unwrap();
}
