//! LoRAs in the layouts of their trainers against diffusers and LyCORIS
//! (`scripts/golden/loras.py`), on the GPU and on the CPU; what is refused; and pictures of a
//! changed model.

use crate::harness::gpu::{self, Device};
use crate::made_up::{program, scratch, tiny};
use crate::models::{Golden, TOLERANCE, UNET_FILE, nmse, planes};
use crate::walk::{open, request};
use darkroom::dtype::FileType;
use darkroom::models::clip::{TextConfig, TextEncoder};
use darkroom::models::unet::{Unet, UnetConfig, UnetInput};
use darkroom::nn::{Loader, Scope};
use darkroom::pipeline::{Control, Files, Options, Pipeline, Progress, Weighted};
use darkroom::reference::{self, Weights};
use darkroom::weights::names::UnetLevel;
use darkroom::weights::{
    Archive, FileSource, Lora, MemorySource, Merge, SafetensorsWriter, Source,
};
use darkroom::{Precision::F32, Result, WeightType};
use pollster::block_on;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

#[rustfmt::skip]
const FILES: [&str; 13] = [
    "kohya", "kohya_conv", "peft", "diffusers", "processors", "metadata",
    "dora", "dora_columns", "dora_peft", "locon", "loha", "lokr", "two",
];
/// Those that change the text encoder as well.
const OF_TEXT: [&str; 5] = ["kohya", "kohya_conv", "peft", "diffusers", "two"];
const WEIGHT: f32 = 0.7;
/// The case of the UNet whose inputs were used.
const CASE: &str = "5x7";

fn golden() -> FileSource {
    FileSource::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/loras"))
}

fn lora(name: &str) -> Arc<Lora> {
    block_on(Lora::open(&golden(), &format!("{name}.safetensors"))).unwrap()
}

fn check(name: &str, got: &[f32]) {
    let cases = block_on(Archive::open(&golden(), "cases.safetensors")).unwrap();
    let error = nmse(got, &block_on(cases.load(&golden(), name)).unwrap());
    println!("{name}: NMSE {error:.1e}");
    assert!(error <= TOLERANCE, "{name}: NMSE {error:.1e}");
}

/// A golden model's weights, changed.
fn changed(golden: &Golden, file: &str, name: &str) -> Rc<Archive> {
    let archive = block_on(Archive::open(golden.source(), file)).unwrap();
    let add = |changed: Archive, (lora, weight): (Arc<Lora>, f32)| {
        let merge = block_on(Merge::into_unet(&lora, (&archive, &[]), weight));
        changed.changed(Arc::new(merge.unwrap()))
    };
    Rc::new(loras(name).into_iter().fold(archive.clone(), add))
}

/// The files of a case with their weights.
fn loras(name: &str) -> Vec<(Arc<Lora>, f32)> {
    match name {
        "two" => vec![(lora("kohya"), WEIGHT), (lora("peft"), -0.4)],
        _ => vec![(lora(name), WEIGHT)],
    }
}

#[test]
fn the_unet_is_diffusers_with_each() {
    let outputs = gpu::run(Device::Plain, |gpu| {
        let golden = Golden::open("unet_4_levels");
        let config = UnetConfig::parse("config.json", &golden.config()).unwrap();
        let array = |name| golden.array(&format!("{CASE}.{name}"));
        let timestep = f64::from(array("timestep").values[0]);
        FILES.map(|name| {
            // Without rounding to the file's f16.
            let scope = Scope::open(gpu, changed(&golden, UNET_FILE, name), Some(WeightType::F32));
            let unet = Unet::new(&scope, &config).unwrap();
            block_on(Loader::new(&scope).run(golden.source(), &mut |_, _| Ok(()))).unwrap();
            let context = unet.prepare(&array("context").tokens(gpu, F32));
            let latents = array("latents").image(gpu, F32);
            let output = unet.forward(&UnetInput::new(&latents, timestep, &context));
            planes(&output.sample, config.out_channels)
        })
    });
    FILES.iter().zip(outputs).for_each(|(name, eps)| check(&format!("{name}.eps"), &eps));
}

#[test]
fn the_reference_is_diffusers_with_each() {
    let golden = Golden::open("unet_4_levels");
    let config = UnetConfig::parse("config.json", &golden.config()).unwrap();
    for name in FILES {
        let archive = changed(&golden, UNET_FILE, name);
        let weights = block_on(Weights::read(golden.source(), &archive, 0, &mut |_| Ok(())));
        let unet = reference::Unet::open(weights.unwrap(), &config).unwrap();
        let array = |name| {
            let found = golden.array(&format!("{CASE}.{name}"));
            let device = candle_core::Device::Cpu;
            candle_core::Tensor::from_vec(found.values, found.shape, &device).unwrap()
        };
        let timestep = f64::from(golden.array(&format!("{CASE}.timestep")).values[0]);
        let (latents, context) = (array("latents"), array("context"));
        let eps = unet.forward(&UnetInput::new(&latents, timestep, &context)).unwrap().sample;
        check(&format!("{name}.eps"), &eps.flatten_all().unwrap().to_vec1().unwrap());
    }
}

#[test]
fn the_text_encoder_is_diffusers_with_each() {
    let outputs = gpu::run(Device::Plain, |gpu| {
        let golden = Golden::open("text_gelu");
        let config = TextConfig::parse("config.json", &golden.config()).unwrap();
        let ids: Vec<u32> =
            golden.array("prompts.ids").values.iter().map(|id| *id as u32).collect();
        let archive = block_on(Archive::open(golden.source(), "model.safetensors")).unwrap();
        OF_TEXT.map(|name| {
            let add = |changed: Archive, (lora, weight): (Arc<Lora>, f32)| {
                let merge = block_on(Merge::into_text_encoder(&lora, &archive, weight));
                changed.changed(Arc::new(merge.unwrap()))
            };
            let changed = loras(name).into_iter().fold(archive.clone(), add);
            let scope = Scope::open(gpu, Rc::new(changed), Some(WeightType::F32));
            let encoder = TextEncoder::new(&scope, &config).unwrap();
            block_on(Loader::new(&scope).run(golden.source(), &mut |_, _| Ok(()))).unwrap();
            block_on(encoder.forward(&ids, F32).to_f32()).unwrap()
        })
    });
    OF_TEXT.iter().zip(outputs).for_each(|(name, x)| check(&format!("{name}.context"), &x));
}

/// A LoRA's file of f32 tensors, with numbers of their places.
pub(crate) fn file(name: &str, tensors: &[(String, Vec<usize>)]) -> MemorySource {
    let described: Vec<_> =
        tensors.iter().map(|(name, shape)| (name.as_str(), FileType::F32, shape.clone())).collect();
    let mut writer = SafetensorsWriter::new(Vec::new(), name, &described, &[]).unwrap();
    for (_, shape) in tensors {
        for i in 0..shape.iter().product() {
            writer.write(&((i % 7) as f32 * 0.2 - 0.6).to_le_bytes()).unwrap();
        }
    }
    MemorySource::new(name, writer.finish().unwrap())
}

/// Of rank 1, for a layer of `n` outputs and `c` inputs.
pub(crate) fn rank_1(layer: &str, n: usize, c: usize) -> [(String, Vec<usize>); 2] {
    let name = |part: &str| format!("{layer}.{part}.weight");
    [(name("lora_down"), vec![1, c]), (name("lora_up"), vec![n, 1])]
}

pub(crate) const LAYER: &str = "mid_block.attentions.0.transformer_blocks.0.attn2.to_v";

/// Of the tiny checkpoint's layer, which has so many outputs and inputs.
pub(crate) fn shape_of_layer() -> [usize; 2] {
    let files = block_on(Files::open(&FileSource::new(tiny()))).unwrap();
    let (_, unet) = files.archives()[1];
    let [n, c] = unet.get(&format!("{LAYER}.weight")).unwrap().shape[..] else {
        panic!("a matrix")
    };
    [n, c]
}

pub(crate) fn open_file(source: &MemorySource) -> Result<Arc<Lora>> {
    block_on(Lora::open(source, source.file()))
}

/// One that changes a layer of the tiny checkpoint much, and has a name that fits nothing.
pub(crate) fn loud(weight: f32) -> Weighted {
    let [n, c] = shape_of_layer();
    let mut tensors = rank_1(&format!("lora_unet_{}", LAYER.replace('.', "_")), n, c).to_vec();
    tensors.extend(rank_1("lora_unet_of_another_model", 4, 4));
    let lora = open_file(&file("loras/loud.safetensors", &tensors)).unwrap();
    Weighted::new(lora, weight)
}

fn with(loras: Vec<Weighted>) -> Options {
    Options { loras, ..Options::default() }
}

#[test]
fn a_picture_of_a_changed_model_says_so() {
    let draw = |loras: Vec<Weighted>| {
        gpu::run(Device::Plain, move |gpu| {
            let pipeline = open(gpu, tiny(), with(loras)).unwrap();
            block_on(pipeline.generate(&request(), &Control::default())).unwrap()
        })
    };
    let plain = draw(vec![]);
    assert!(plain.loras.is_empty());
    let none = draw(vec![loud(0.0)]);
    assert_eq!(none.rgba, plain.rgba, "nothing of it is the model itself");
    let changed = draw(vec![loud(3.0)]);
    assert_ne!(changed.rgba, plain.rgba);
    // Twice a half is the whole.
    let halves = draw(vec![loud(1.5), loud(1.5)]);
    let off = halves.rgba.iter().zip(&changed.rgba).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
    assert!(off <= 1, "two halves differ by {off}/255 from the whole");
    let back = draw(vec![loud(3.0), loud(-3.0)]);
    let off = back.rgba.iter().zip(&plain.rgba).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
    assert!(off <= 1, "there and back differs by {off}/255");
    let [record] = &changed.loras[..] else { panic!("{:?}", changed.loras) };
    assert_eq!((record.name.as_str(), record.weight), ("loud", 3.0));
    let text = changed.parameters().format();
    assert!(text.contains("Lora weights: \"loud: 3\""), "{text}");
    assert!(text.contains(&format!("Lora SHA-256: \"loud: {}\"", record.sha256)), "{text}");
    assert!(text.contains(&format!("Lora hashes: \"loud: {}\"", &record.model_hash[..12])));
    let png = darkroom::image::png::decode("it", &changed.png().unwrap()).unwrap();
    assert!(png.texts.iter().any(|(keyword, _)| keyword == "darkroom-loras"));
    let source = Rc::new(FileSource::new(tiny()));
    let told = Rc::new(RefCell::new(Vec::new()));
    let heard = told.clone();
    let on_progress = move |event: &Progress| {
        if let Progress::Notice { text } = event {
            heard.borrow_mut().push(text.clone());
        }
    };
    let control = Control { on_progress: Box::new(on_progress), ..Control::default() };
    let options = with(vec![loud(3.0)]);
    let on_cpu = block_on(Pipeline::open_on_cpu(source, &options, &control)).unwrap();
    let of_cpu = block_on(on_cpu.generate(&request(), &Control::default())).unwrap();
    let off = of_cpu.rgba.iter().zip(&changed.rgba).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
    assert!(off <= 2, "CPU against GPU {off}/255");
    let notices = told.borrow();
    let fits_nothing = "loras/loud.safetensors: 1 of its names fit nothing in this model";
    assert!(notices.iter().any(|text| text.starts_with(fits_nothing)), "{notices:?}");
}

/// The bits are those of a file that holds the changed model, quantised in the same way.
#[test]
fn quantised_weights_are_those_of_the_changed_model() {
    let golden = Golden::open("unet_4_levels");
    let archive = changed(&golden, UNET_FILE, "kohya");
    let tensors = archive.tensors();
    let described: Vec<_> =
        tensors.iter().map(|info| (&info.name, FileType::F32, info.shape.clone())).collect();
    let mut writer = SafetensorsWriter::new(Vec::new(), "merged", &described, &[]).unwrap();
    for info in tensors {
        for value in block_on(archive.load(golden.source(), &info.name)).unwrap() {
            writer.write(&value.to_le_bytes()).unwrap();
        }
    }
    let merged = writer.finish().unwrap();
    let [while_read, from_file] = gpu::run(Device::Plain, move |gpu| {
        let golden = Golden::open("unet_4_levels");
        let config = UnetConfig::parse("config.json", &golden.config()).unwrap();
        let array = |name| golden.array(&format!("{CASE}.{name}"));
        let merged = MemorySource::new("merged", merged);
        let file = Rc::new(block_on(Archive::open(&merged, "merged")).unwrap());
        let changed = changed(&golden, UNET_FILE, "kohya");
        let sources: [(_, &dyn Source); 2] = [(changed, golden.source()), (file, &merged)];
        sources.map(|(archive, source)| {
            let scope = Scope::open(gpu, archive, Some(WeightType::Q8_0));
            let unet = Unet::new(&scope, &config).unwrap();
            block_on(Loader::new(&scope).run(source, &mut |_, _| Ok(()))).unwrap();
            let context = unet.prepare(&array("context").tokens(gpu, F32));
            let latents = array("latents").image(gpu, F32);
            let output = unet.forward(&UnetInput::new(&latents, 1.0, &context));
            planes(&output.sample, config.out_channels)
        })
    });
    assert_eq!(while_read, from_file);
}

#[test]
fn what_is_for_another_model_is_refused_by_what_it_is() {
    let [n, c] = shape_of_layer();
    let add = |source: &MemorySource| {
        let lora = open_file(source)?;
        block_on(async {
            let mut files = Files::open(&FileSource::new(tiny())).await?;
            files.add_lora(&lora, [1.0; 2]).await
        })
    };
    let refused = |source: &MemorySource, what: &str| {
        let error = add(source).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
        // A file of another model is whole: nothing is gained by fetching it again.
        let unfit =
            ["it is a LoRA for", "none of its layers"].iter().any(|one| error.contains(one));
        assert_eq!(!unfit, error.contains("is damaged"), "{error}");
        assert_eq!(unfit, error.contains("Choose a file that was made for"), "{error}");
    };
    let layer = format!("lora_unet_{}", LAYER.replace('.', "_"));
    let to_k = layer.replace("to_v", "to_k");
    assert!(add(&file("good.safetensors", &rank_1(&layer, n, c))).unwrap().is_empty());
    refused(&file("a", &rank_1("lora_te2_text_model_x", 4, 4)), "a LoRA for SDXL");
    refused(&file("a", &rank_1("transformer.single_blocks.0", 4, 4)), "Flux or SD 3");
    refused(&file("a", &rank_1(&to_k, n, 1024)), "a LoRA for Stable Diffusion 2");
    refused(&file("a", &rank_1(&to_k, n, 2048)), "a LoRA for SDXL");
    refused(&file("a", &rank_1(&layer, n + 4, c)), "a LoRA for another model");
    refused(&file("a", &rank_1("lora_unet_elsewhere", 4, 4)), "none of its layers");
    refused(&file("a", &[("conv_in.weight".into(), vec![4, 4])]), "no layer of a LoRA");
    let mut torn = rank_1(&layer, n, c).to_vec();
    torn.pop();
    refused(&file("a", &torn), "Up");
    // A small file that claims a large layer.
    let vast = [("hada_w1_a", [1, 4]), ("hada_w1_b", [1, 40_000]), ("hada_t1", [40_000, 1])];
    let vast: Vec<_> = vast.map(|(part, shape)| (format!("{layer}.{part}"), shape.to_vec())).into();
    refused(&file("a", &vast), "too large for any layer");
    let vast = [("lokr_w1_a", [40_000, 1]), ("lokr_w1_b", [1, 40_000]), ("lokr_w2", [1, 1])];
    let vast: Vec<_> = vast.map(|(part, shape)| (format!("{layer}.{part}"), shape.to_vec())).into();
    refused(&file("a", &vast), "too large for any layer");
    for shape in [vec![1, c + 1], vec![2, c / 2], vec![1, c / 2]] {
        let odd = [(format!("{layer}.dora_scale"), shape)];
        refused(&file("a", &[&rank_1(&layer, n, c)[..], &odd].concat()), "fit");
    }
    let conv = "lora_unet_conv_in";
    let odd = [("lokr_w1", vec![8, 9]), ("lokr_w2", vec![1, 4])];
    let odd: Vec<_> = odd.map(|(part, shape)| (format!("{conv}.{part}"), shape)).into();
    refused(&file("a", &odd), "conv_in.weight");
    refused(&file("a", &[(format!("{conv}.diff_b"), vec![3])]), "`conv_in.bias` does not fit");
    refused(&file("a", &[(format!("{layer}.alpha"), vec![1])]), "none of its layers");
    let glora = [(format!("{layer}.alpha"), vec![1]), (format!("{layer}.dora_scale"), vec![n, 1])];
    refused(&file("a", &glora), "its kind is not known");
    let odd = [(format!("{layer}.lora_down.weight"), vec![2, c]), torn_up(&layer, n)];
    refused(&file("a", &odd), "do not fit one another");
}

/// The `up` of a rank that no `down` has.
fn torn_up(layer: &str, n: usize) -> (String, Vec<usize>) {
    (format!("{layer}.lora_up.weight"), vec![n, 3])
}

#[test]
fn whole_differences_change_weights_biases_and_norms() {
    let golden = Golden::open("unet_4_levels");
    let archive = block_on(Archive::open(golden.source(), UNET_FILE)).unwrap();
    let load =
        |archive: &Archive, name: &str| block_on(archive.load(golden.source(), name)).unwrap();
    let module = "down_blocks.0.resnets.0.norm1";
    let [n] = archive.get(&format!("{module}.weight")).unwrap().shape[..] else { panic!("a norm") };
    let shape = archive.get("conv_in.weight").unwrap().shape.clone();
    let key = format!("lora_unet_{}", module.replace('.', "_"));
    let tensors = [
        ("lora_unet_conv_in.diff".to_owned(), shape.clone()),
        ("diffusion_model.input_blocks.0.0.diff_b".to_owned(), vec![shape[0]]),
        (format!("{key}.w_norm"), vec![n]),
        (format!("{key}.b_norm"), vec![n]),
    ];
    let lora = open_file(&file("a", &tensors)).unwrap();
    let level =
        |down_attention, up_attention| UnetLevel { layers: 1, down_attention, up_attention };
    let levels = [level(true, true), level(true, true), level(true, true), level(false, false)];
    let text = block_on(Archive::open(Golden::open("text_gelu").source(), "model.safetensors"));
    assert!(lora.unmatched((&archive, &levels), &text.unwrap()).is_empty());
    let merge = block_on(Merge::into_unet(&lora, (&archive, &levels), 0.5)).unwrap();
    assert_eq!(merge.len(), 4);
    let changed = archive.changed(Arc::new(merge));
    for name in
        ["conv_in.weight", "conv_in.bias", &format!("{module}.weight"), &format!("{module}.bias")]
    {
        let (before, after) = (load(&archive, name), load(&changed, name));
        for (i, (before, after)) in before.iter().zip(after).enumerate() {
            let added = 0.5 * ((i % 7) as f32 * 0.2 - 0.6);
            assert!((after - before - added).abs() < 1e-6, "{name} {i}: {before} → {after}");
        }
    }
}

#[test]
fn the_program_takes_them() {
    let folder = scratch("loras");
    let [n, c] = shape_of_layer();
    let layer = format!("lora_unet_{}", LAYER.replace('.', "_"));
    let lora = folder.join("a style: v2.safetensors");
    std::fs::write(&lora, file("a", &rank_1(&layer, n, c)).bytes()).unwrap();
    let lora = lora.to_str().unwrap();
    let draw = |name: &str, more: &[&str]| {
        let out = folder.join(name);
        let (model, out_text) = (tiny().to_str().unwrap(), out.to_str().unwrap());
        let words = ["generate", "--device=cpu", "--model", model, "--prompt=a", "--steps=1"];
        let made = program(&[&words[..], &["--out", out_text], more].concat());
        let errors = String::from_utf8_lossy(&made.stderr).into_owned();
        (made.status.code(), std::fs::read(out).ok(), errors)
    };
    let (code, plain, _) = draw("plain.png", &[]);
    assert_eq!(code, Some(0));
    let (code, changed, errors) = draw("changed.png", &["--lora", &format!("{lora}:3")]);
    assert_eq!(code, Some(0), "{errors}");
    let pixels = |png: Option<Vec<u8>>| {
        darkroom::image::png::decode("it", &png.unwrap()).unwrap().picture.into_pixels()
    };
    assert_ne!(pixels(plain), pixels(changed));
    let (code, none, errors) = draw("none.png", &["--lora", "missing.safetensors"]);
    assert_eq!((code, none), (Some(3), None));
    assert!(errors.contains("missing.safetensors"), "{errors}");
    std::fs::remove_dir_all(folder).unwrap();
}
