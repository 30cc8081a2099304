//! LoRAs in the layouts of their trainers against diffusers and LyCORIS (`scripts/golden/loras.py`), on
//! the GPU and on the CPU; what is refused; and pictures of a changed model.

use crate::harness::gpu::{self, Device};
use crate::made_up::{program, scratch, tiny};
use crate::models::{Golden, TOLERANCE, UNET_FILE, nmse, planes};
use crate::walk::{open, request};
use darkroom::models::clip::{TextConfig, TextEncoder};
use darkroom::models::unet::{Unet, UnetConfig, UnetInput};
use darkroom::nn::{Loader, Scope};
use darkroom::pipeline::{Control, Files, Options, Pipeline, Weighted};
use darkroom::reference::{self, Weights};
use darkroom::weights::{Archive, FileSource, Lora, MemorySource, Merge, SafetensorsWriter, Source};
use darkroom::{Error, Precision::F32, WeightType};
use pollster::block_on;
use std::rc::Rc;
use std::sync::Arc;

const FILES: [&str; 9] = [
    "kohya",
    "kohya_conv",
    "peft",
    "diffusers",
    "processors",
    "dora",
    "locon",
    "loha",
    "lokr",
];
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
    let merge = block_on(match file {
        UNET_FILE => Box::pin(Merge::into_unet(&lora(name), &archive, WEIGHT)),
        _ => panic!("{file}"),
    });
    Rc::new(archive.changed(Arc::new(merge.unwrap())))
}

#[test]
fn the_unet_is_diffusers_with_each() {
    let outputs = gpu::run(Device::Plain, |gpu| {
        let golden = Golden::open("unet_4_levels");
        let config = UnetConfig::parse("config.json", &golden.config()).unwrap();
        let array = |name| golden.array(&format!("{CASE}.{name}"));
        let timestep = f64::from(array("timestep").values[0]);
        FILES.map(|name| {
            let scope = Scope::open(gpu, changed(&golden, UNET_FILE, name), None);
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
        FILES.map(|name| {
            let merge = Merge::into_text_encoder(&lora(name), &archive, WEIGHT);
            let changed = archive.changed(Arc::new(block_on(merge).unwrap()));
            let scope = Scope::open(gpu, Rc::new(changed), None);
            let encoder = TextEncoder::new(&scope, &config).unwrap();
            block_on(Loader::new(&scope).run(golden.source(), &mut |_, _| Ok(()))).unwrap();
            block_on(encoder.forward(&ids, F32).to_f32()).unwrap()
        })
    });
    FILES.iter().zip(outputs).for_each(|(name, x)| check(&format!("{name}.context"), &x));
}

/// Loud noise for one layer of the tiny checkpoint.
fn loud() -> Weighted {
    let names = ["lora_down.weight", "lora_up.weight"];
    let layer = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_v";
    let files = block_on(Files::open(&FileSource::new(tiny()))).unwrap();
    let [_, (_, unet), _] = files.archives();
    let name = "mid_block.attentions.0.transformer_blocks.0.attn2.to_v.weight";
    let [n, c] = unet.get(name).unwrap().shape[..] else { panic!("two dimensions") };
    let numbers = |count: usize| (0..count).map(|i| (i % 7) as f32 * 0.2 - 0.6).collect::<Vec<_>>();
    let tensors = [(names[0], [1, c]), (names[1], [n, 1])];
    let tensors = tensors.map(|(part, shape)| (format!("{layer}.{part}"), shape));
    let bytes = safetensors(&tensors, &numbers);
    let source = MemorySource::new("loras/loud.safetensors", bytes);
    let lora = block_on(Lora::open(&source, "loras/loud.safetensors")).unwrap();
    Weighted { lora, weight: 0.5, text_encoder: true }
}
