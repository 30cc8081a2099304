//! Distilled UNets (BK-SDM, and segmind's small-sd and tiny-sd): one layer in each level, and
//! perhaps no middle. Against diffusers at tiny sizes, in true size by names and shapes, in files
//! that diffusers' script writes, and as whole pictures. `scripts/golden/distilled.py` wrote what
//! they are compared with.

use crate::formats::{convert, fixture};
use crate::harness::golden;
use crate::harness::gpu::{self, Device};
use crate::made_up::{program, scratch, synth, synth_with};
use crate::models::{Golden, UNET_FILE, unet};
use crate::reference::open_on_cpu;
use crate::taesd::of_true_width;
use crate::walk::{open, request};
use candle_core::{Device as Candle, Tensor as Candled};
use darkroom::dtype::FileType;
use darkroom::gpu::{Gpu, Limits};
use darkroom::models::clip::{TextConfig, TextEncoder};
use darkroom::models::sd_v1_4;
use darkroom::models::unet::{Unet, UnetConfig, UnetInput};
use darkroom::models::vae::{Encoder, VaeConfig, VaeDecoder};
use darkroom::nn::{Catalogue, Scope};
use darkroom::pipeline::{
    BesideVae, Control, DecoderChoice, Files, Kinds, Options, Pipeline, Request, Shortcuts,
    Workload,
};
use darkroom::reference::{self, Weights};
use darkroom::weights::names::{Names, UnetLevel};
use darkroom::weights::{Archive, FileSource, Lora, MemorySource, SafetensorsWriter};
use darkroom::{Precision, Result, WeightType};
use pollster::block_on;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::OnceLock;

/// Without a middle: four levels, as BK-SDM-Small, and three, as BK-SDM-Tiny.
const FOLDERS: [&str; 2] = ["unet_no_middle", "unet_distilled"];
const CASES: [&str; 2] = ["8x8", "5x7"];

/// The published UNets' configs.
const PUBLISHED: [(&str, &str); 3] = [
    ("base", include_str!("../crate/src/bin/darkroom/lab/synth/bk_sdm/base.json")),
    ("small", include_str!("../crate/src/bin/darkroom/lab/synth/bk_sdm/small.json")),
    ("tiny", include_str!("../crate/src/bin/darkroom/lab/synth/bk_sdm/tiny.json")),
];

/// A made-up model whose UNet is as BK-SDM-Tiny's.
fn tiny_distilled() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| synth("tiny-distilled", "tiny-distilled"))
}

#[test]
fn they_are_diffusers() {
    for (folder, case) in FOLDERS.into_iter().flat_map(|folder| CASES.map(|case| (folder, case))) {
        let eps = unet(folder, case, Precision::F32, None);
        Golden::open(folder).check(case, "eps", &eps);
    }
}

#[test]
fn the_reference_is_diffusers() {
    for folder in FOLDERS {
        let golden = Golden::open(folder);
        let config = UnetConfig::parse("config.json", &golden.config()).unwrap();
        let archive = block_on(Archive::open(golden.source(), UNET_FILE)).unwrap();
        let weights = block_on(Weights::read(golden.source(), &archive, 0, &mut |_| Ok(())));
        let unet = reference::Unet::open(weights.unwrap(), &config).unwrap();
        for case in CASES {
            let array = |name| {
                let found = golden.array(&format!("{case}.{name}"));
                Candled::from_vec(found.values, found.shape, &Candle::Cpu).unwrap()
            };
            let timestep = f64::from(golden.array(&format!("{case}.timestep")).values[0]);
            let (latents, context) = (array("latents"), array("context"));
            let eps = unet.forward(&UnetInput::new(&latents, timestep, &context)).unwrap().sample;
            golden.check(case, "eps", &eps.flatten_all().unwrap().to_vec1::<f32>().unwrap());
        }
    }
}

fn levels(config: &UnetConfig) -> Vec<UnetLevel> {
    let level = |level: &darkroom::models::unet::Level| UnetLevel {
        layers: level.layers,
        down_attention: level.down_attention,
        up_attention: level.up_attention,
    };
    config.levels.iter().map(level).collect()
}

/// The tensors that a network asks for.
fn catalogue(build: impl FnOnce(&Scope) -> Result<()>) -> Catalogue {
    let scope = Scope::without_file(&Gpu::dry(false), WeightType::F16);
    build(&scope).unwrap();
    scope.catalogue()
}

fn unet_catalogue(config: &UnetConfig) -> Catalogue {
    catalogue(|scope| Unet::new(scope, config).map(drop))
}

/// The configs as published have diffusers' tensors; and in a single file each has the name that
/// diffusers' script gives it.
#[test]
fn the_published_topologies_have_diffusers_tensors() {
    let golden = golden::json("distilled/names.json");
    for (name, json) in PUBLISHED {
        let config = UnetConfig::parse("unet/config.json", json).unwrap();
        assert_eq!(config.mid_block, name == "base");
        let names = Names::unet_in_threes(&levels(&config));
        let (mut listed, mut renamed) = (String::new(), String::new());
        let mut tensors = unet_catalogue(&config).tensors;
        tensors.sort();
        for (tensor, shape) in &tensors {
            listed += &format!("{tensor} {shape:?}\n");
            let ldm = names.to_ldm(tensor).unwrap();
            assert_eq!(names.to_diffusers(&ldm).as_ref(), Some(tensor));
            // The script leaves these as they are; both names are read.
            let left = tensor.starts_with("up_blocks.0.attentions.");
            assert!(!left || names.to_diffusers(tensor).as_ref() == Some(tensor));
            renamed += &format!("{tensor} {}\n", if left { tensor } else { &ldm });
        }
        let golden = &golden[name];
        let numbers: usize = tensors.iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
        println!("{name}: {} tensors, {numbers} numbers", tensors.len());
        assert_eq!(golden["tensors"], tensors.len());
        assert_eq!(golden["numbers"], numbers);
        assert_eq!(golden["shapes"], golden::fnv_bytes(listed.into_bytes()), "{name}");
        assert_eq!(golden["in_threes"], golden::fnv_bytes(renamed.into_bytes()), "{name}");
    }
}

/// A single file of the published topologies, with names in threes or in a row, has their configs.
#[test]
fn the_published_configs_are_found_from_shapes() {
    let text = catalogue(|scope| {
        TextEncoder::new(scope, &TextConfig::parse("", sd_v1_4::TEXT_ENCODER)?).map(drop)
    });
    let vae = catalogue(|scope| {
        let config = VaeConfig::parse("", sd_v1_4::VAE)?;
        VaeDecoder::new(scope, &config)?;
        Encoder::new(scope, &config).map(drop)
    });
    let folder = scratch("distilled-shapes");
    for (name, json) in PUBLISHED {
        let config = UnetConfig::parse("unet/config.json", json).unwrap();
        let unet = unet_catalogue(&config);
        let in_threes = Names::unet_in_threes(&levels(&config));
        let in_a_row = Names::unet(&levels(&config));
        // Nobody writes files in a row that have no middle.
        let all = [Some(in_threes), config.mid_block.then_some(in_a_row)];
        for (i, unet_names) in all.into_iter().flatten().enumerate() {
            let mut list = Vec::new();
            let mut add = |prefix: &str, name: &str, shape: &[usize]| {
                list.push((format!("{prefix}{name}"), FileType::F16, shape.to_vec()));
            };
            for (name, shape) in &text.tensors {
                add("cond_stage_model.transformer.", name, shape);
            }
            for (name, shape) in &unet.tensors {
                add("model.diffusion_model.", &unet_names.to_ldm(name).unwrap(), shape);
            }
            for (name, shape) in &vae.tensors {
                add("first_stage_model.", &Names::vae(4).to_ldm(name).unwrap(), shape);
            }
            let path = folder.join(format!("{name}-{i}.safetensors"));
            let file = fs::File::create(&path).unwrap();
            drop(SafetensorsWriter::new(&file, "model", &list, &[]).unwrap());
            let numbers = list.iter().map(|(_, _, shape)| shape.iter().product::<usize>());
            let bytes = 2 * numbers.sum::<usize>() as u64;
            file.set_len(file.metadata().unwrap().len() + bytes).unwrap();
            let source = FileSource::open(&path).with_tokenizer(fixture("tokenizer"));
            let files = block_on(Files::open(&source)).unwrap();
            assert_eq!(files.unet, config, "{name} {i}");
        }
    }
    fs::remove_dir_all(folder).unwrap();
}

/// Torch's file as published ones are: names in threes, and numbers that do not lie row by row.
#[test]
fn every_number_of_a_scattered_ckpt_is_read() {
    let golden = golden::json("distilled/tensors.json");
    let source = FileSource::open(&golden::path("tests/golden/distilled/tiny.ckpt"))
        .with_tokenizer(fixture("tokenizer"));
    let files = block_on(Files::open(&source)).unwrap();
    let mut scattered = 0;
    for ((_, archive), part) in files.archives().into_iter().zip(["text_encoder", "unet", "vae"]) {
        let want = golden[part].as_object().unwrap();
        assert_eq!(archive.tensors().len(), want.len(), "{part}");
        for info in archive.tensors() {
            scattered += usize::from(info.strides.is_some());
            let values = block_on(archive.load(&source, &info.name)).unwrap();
            let hash = golden::fnv(values.iter().map(|value| value.to_bits()));
            assert_eq!(want[&info.name], serde_json::json!([info.shape, hash]), "{}", info.name);
        }
    }
    println!("{scattered} tensors do not lie row by row");
    assert!(scattered > 100, "{scattered}");
}

/// The same model as the file that diffusers' script writes, as a folder, and as files that this
/// program writes: one picture, on the CPU and on the GPU.
#[test]
fn every_format_gives_one_picture() {
    let folder = scratch("distilled-formats");
    let at = |name: &str| folder.join(name);
    let ckpt = golden::path("tests/golden/distilled/tiny.ckpt");
    convert(&ckpt, &at("f32"), &["--type", "f32"]);
    convert(&at("f32"), &at("a.safetensors"), &[]);
    convert(&ckpt, &at("a.gguf"), &["--type", "f32"]);
    let gguf = block_on(Archive::open(&FileSource::new(&folder), "a.gguf")).unwrap();
    let attention = "model.diffusion_model.output_blocks.0.1.proj_in.weight";
    assert!(gguf.get(attention).is_some(), "the names that stable-diffusion.cpp reads");
    let source = |path: &Path| FileSource::open(path).with_tokenizer(fixture("tokenizer"));
    let request = Request { steps: 3, seed: 5, ..request() };
    let paths = [ckpt, at("f32"), at("a.safetensors"), at("a.gguf")];
    let on_cpu = paths.each_ref().map(|path| {
        let (source, options) = (Rc::new(source(path)), Options::default());
        let pipeline = block_on(Pipeline::open_on_cpu(source, &options, &Control::default()));
        block_on(pipeline.unwrap().generate(&request, &Control::default())).unwrap().rgba
    });
    let on_gpu = gpu::run(Device::Plain, move |gpu| {
        paths.map(|path| {
            // From f32 and f16 files alike: what is computed with is f32.
            let options = Options { weights: Some(WeightType::F32), ..Options::default() };
            let (source, control) = (Rc::new(source(&path)), Control::default());
            let pipeline = block_on(Pipeline::open(gpu, source, &options, &control)).unwrap();
            block_on(pipeline.generate(&request, &Control::default())).unwrap().rgba
        })
    });
    for pictures in [&on_cpu, &on_gpu] {
        assert!(pictures.iter().all(|picture| *picture == pictures[0]));
    }
    let error = on_cpu[0].iter().zip(&on_gpu[0]).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
    assert!(error <= 2, "CPU against GPU {error}/255");
    fs::remove_dir_all(folder).unwrap();
}

/// Whole pictures, also with shortcuts: cached deep features on both devices, merged tokens on the
/// GPU alone.
#[test]
fn both_devices_draw_one_picture() {
    let exact = Request { steps: 4, ..request() };
    let with = |shortcuts| Request { shortcuts, ..exact.clone() };
    let cached = with(Shortcuts { cache_interval: 2, ..Shortcuts::default() });
    let merged = with(Shortcuts { token_merging_ratio: 0.5, ..Shortcuts::default() });
    let both = [exact.clone(), cached];
    let pipeline = open_on_cpu(tiny_distilled()).unwrap();
    let on_cpu = both
        .each_ref()
        .map(|request| block_on(pipeline.generate(request, &Control::default())).unwrap().rgba);
    let (on_gpu, merged) = gpu::run(Device::Plain, move |gpu| {
        let pipeline = open(gpu, tiny_distilled(), Options::default()).unwrap();
        let draw = |request: &Request| {
            block_on(pipeline.generate(request, &Control::default())).unwrap().rgba
        };
        (both.each_ref().map(draw), draw(&merged))
    });
    for (cpu, gpu) in on_cpu.iter().zip(&on_gpu) {
        let error = cpu.iter().zip(gpu).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        println!("CPU against GPU {error}/255");
        assert!(error <= 2, "{error}/255");
    }
    assert!(on_gpu[0] != on_gpu[1] && on_gpu[0] != merged, "shortcuts change something");
}

/// A LoRA of v1.5 has layers that a distilled UNet has not: they are counted, and the others used.
#[test]
fn a_lora_of_the_whole_model_is_counted() {
    let mut files = block_on(Files::open(&FileSource::new(tiny_distilled()))).unwrap();
    let layer = "attentions_0_transformer_blocks_0_attn1_to_q";
    // The third is the first's neighbour under its name in a single file of v1.5.
    let there = [
        (format!("lora_unet_down_blocks_0_{layer}"), 16),
        (format!("lora_unet_up_blocks_2_{layer}"), 16),
        ("lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q".to_owned(), 32),
    ];
    let absent = [
        format!("lora_unet_mid_block_{layer}"),
        format!("lora_unet_up_blocks_1_{}", layer.replace("attentions_0", "attentions_2")),
        format!("lora_unet_down_blocks_1_{}", layer.replace("attentions_0", "attentions_1")),
    ];
    let mut tensors = Vec::new();
    for (name, width) in there.into_iter().chain(absent.map(|name| (name, 16))) {
        tensors.push((format!("{name}.lora_down.weight"), vec![1, width]));
        tensors.push((format!("{name}.lora_up.weight"), vec![width, 1]));
    }
    let described: Vec<_> =
        tensors.iter().map(|(name, shape)| (name, FileType::F32, shape.clone())).collect();
    let mut writer = SafetensorsWriter::new(Vec::new(), "a", &described, &[]).unwrap();
    for (_, shape) in &tensors {
        for _ in 0..shape.iter().product() {
            writer.write(&0.5f32.to_le_bytes()).unwrap();
        }
    }
    let file = MemorySource::new("a.safetensors", writer.finish().unwrap());
    let lora = block_on(Lora::open(&file, "a.safetensors")).unwrap();
    let name = "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q.weight";
    let source = FileSource::new(tiny_distilled());
    let values = |files: &Files| block_on(files.archives()[1].1.load(&source, name)).unwrap();
    let before = values(&files);
    let unmatched = block_on(files.add_lora(&lora, [1.0; 2])).unwrap();
    assert_eq!(unmatched.len(), 3, "{unmatched:?}");
    let added = values(&files).iter().zip(before).all(|(after, x)| (after - x - 0.25).abs() < 1e-6);
    assert!(added, "the name that counts in threes is that layer's");
}

/// BK-SDM-Tiny at 512×512 with q8_0 weights, loading and staging included: the text encoder and the
/// VAE are v1.4's own.
#[test]
fn bk_sdm_tiny_at_512_keeps_its_promises() {
    let model = synth_with("bk-sdm-tiny", "bk-sdm-tiny", &["--hollow"]);
    let files = block_on(Files::open(&FileSource::new(&model))).unwrap();
    let load = Workload {
        size: [512, 512],
        prompts: 2,
        chunks: 1,
        pictures: 1,
        kinds: Kinds::EXACT,
        begins: false,
    };
    let tiny = || Some(BesideVae { taesd: of_true_width(), decoder: DecoderChoice::Taesd });
    let all = [
        (Precision::F32, None, None, 610_000_000),
        (Precision::F16, None, None, 590_000_000),
        // As little as can be.
        (Precision::F32, Some(0), None, 560_000_000),
        (Precision::F16, Some(0), None, 460_000_000),
        // With a TAESD instead of the VAE.
        (Precision::F32, Some(0), tiny(), 600_000_000),
        (Precision::F16, Some(0), tiny(), 500_000_000),
    ];
    for (precision, memory, taesd, most) in all {
        let weights = Some(WeightType::Q8_0);
        let options = Options { precision, memory, weights, taesd, ..Options::default() };
        let dry = block_on(files.dry_run(&options, Limits::default(), load)).unwrap();
        for (stage, held) in &dry.peaks {
            println!("{precision} {stage:?}: {} of {held:?}", held.total());
        }
        let peak = dry.peak().total();
        println!("{precision} {memory:?}: {peak}, {:?}", dry.residency);
        assert!(peak <= most, "{precision} {memory:?}: {peak}");
    }
    fs::remove_dir_all(model).unwrap();
}

#[test]
fn the_program_knows_them() {
    let model = tiny_distilled().to_str().unwrap();
    let shown = program(&["inspect", "--model", model]);
    assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("levels of [16, 32, 48], no middle, context of 32"), "{shown}");
}
