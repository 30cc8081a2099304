//! LoRAs on Stable Diffusion v1.4's own topology against diffusers, on a made-up checkpoint;
//! `scripts/golden/loras_v1_4.py` wrote what it gives. Checkpoint and LoRAs come from names alone.

use crate::harness::gpu::{self, Device};
use crate::made_up::{Golden, nmse, synth};
use crate::synth::{ROOT_3, TOKENS_KEPT, TOLERANCE, picture, planes, uniforms};
use darkroom::dtype::FileType;
use darkroom::gpu::Gpu;
use darkroom::models::clip::{TextConfig, TextEncoder};
use darkroom::models::sd_v1_4;
use darkroom::models::unet::{Unet, UnetConfig, UnetInput};
use darkroom::nn::{Loader, Scope};
use darkroom::pipeline::Files;
use darkroom::reference::{self, Weights};
use darkroom::tensor::Tensor;
use darkroom::weights::{Archive, FileSource, Lora, MemorySource, SafetensorsWriter};
use darkroom::{Precision, WeightType};
use half::f16;
use pollster::block_on;
use std::rc::Rc;
use std::sync::Arc;

const WEIGHT: f32 = 0.7;
const ALPHA: f32 = 1.5;
const TIMESTEP: f64 = 981.0;

/// A file's layout, and parts of the names of the layers that it changes: in the UNet and in the
/// text encoder.
struct Layout {
    name: &'static str,
    is_kohya: bool,
    of_unet: &'static [&'static str],
    of_text: &'static [&'static str],
}

const LAYOUTS: [Layout; 2] = [
    Layout {
        name: "kohya",
        is_kohya: true,
        of_unet: &["attentions", "resnets", "downsamplers", "upsamplers"],
        of_text: &["_proj", "fc"],
    },
    Layout {
        name: "peft",
        is_kohya: false,
        of_unet: &["to_q", "to_k", "to_v", "to_out.0", "ff.net"],
        of_text: &["q_proj", "v_proj"],
    },
];

impl Layout {
    /// The names of a layer's `down`, `up` and alpha in the file, without dots where kohya has
    /// none.
    fn names(&self, network: &str, module: &str) -> [String; 3] {
        if self.is_kohya {
            let network = if network == "text_encoder" { "te" } else { network };
            let key = format!("lora_{network}_{}", module.replace('.', "_"));
            return ["lora_down.weight", "lora_up.weight", "alpha"]
                .map(|end| format!("{key}.{end}"));
        }
        ["lora_A.weight", "lora_B.weight", ""].map(|end| format!("{network}.{module}.{end}"))
    }

    /// The file for these archives of text encoder and UNet.
    fn lora(&self, [text, unet]: [&Archive; 2]) -> Arc<Lora> {
        let mut tensors = Vec::new();
        let networks = [("unet", unet, self.of_unet), ("text_encoder", text, self.of_text)];
        for (network, archive, wanted) in networks {
            for info in archive.tensors() {
                let Some(module) = info.name.strip_suffix(".weight") else { continue };
                // Norms have vectors.
                if info.shape.len() < 2 || !wanted.iter().any(|part| module.contains(part)) {
                    continue;
                }
                let [down_name, up_name, alpha_name] = self.names(network, module);
                let rank = 1 + module.len() % 4;
                let down_shape = [&[rank], &info.shape[1..]].concat();
                let mut up_shape = vec![1; info.shape.len()];
                up_shape[..2].copy_from_slice(&[info.shape[0], rank]);
                let inputs: usize = info.shape[1..].iter().product();
                let down_scale = (0.5 / (inputs as f64).sqrt()) as f32;
                let up_scale = (rank as f64).powf(-0.5) as f32;
                let drawn = |part: &str, shape: &[usize], scale: f32| {
                    let name = format!("{module} {part}");
                    let numbers = uniforms(&name, 0, shape.iter().product(), ROOT_3);
                    let halves = numbers.iter().map(|x| f16::from_f32(x * scale));
                    halves.collect::<Vec<f16>>()
                };
                let (down, up) =
                    (drawn("down", &down_shape, down_scale), drawn("up", &up_shape, up_scale));
                tensors.extend([(down_name, down_shape, down), (up_name, up_shape, up)]);
                if self.is_kohya {
                    tensors.push((alpha_name, vec![], vec![f16::from_f32(ALPHA)]));
                }
            }
        }
        let described: Vec<_> = tensors
            .iter()
            .map(|(name, shape, _)| (name.as_str(), FileType::F16, shape.clone()))
            .collect();
        let mut writer = SafetensorsWriter::new(Vec::new(), "lora", &described, &[]).unwrap();
        for (_, _, numbers) in &tensors {
            writer.write(bytemuck::cast_slice(numbers)).unwrap();
        }
        let file = MemorySource::new("lora", writer.finish().unwrap());
        block_on(Lora::open(&file, "lora")).unwrap()
    }
}

/// Text encoder and UNet of the checkpoint with a LoRA.
fn changed(source: &FileSource, layout: &Layout) -> [Rc<Archive>; 2] {
    let mut files = block_on(Files::open(source)).unwrap();
    let of = |files: &Files| [0, 1].map(|part| files.archives()[part].1.clone());
    let [text, unet] = of(&files);
    let lora = layout.lora([&text, &unet]);
    let unmatched = block_on(files.add_lora(&lora, [WEIGHT; 2])).unwrap();
    assert!(unmatched.is_empty(), "{unmatched:?}");
    of(&files).map(Rc::new)
}

fn context() -> Vec<f32> {
    uniforms("context", 0, 77 * 768, ROOT_3)
}

fn unet_config() -> UnetConfig {
    UnetConfig::parse("unet", sd_v1_4::UNET).unwrap()
}

/// What the UNet predicts and the text encoder gives, by the GPU's kernels.
fn on_gpu(gpu: &Gpu, source: &FileSource, layout: &Layout) -> [Vec<f32>; 2] {
    let [text, unet] = changed(source, layout);
    // Without rounding the sums to the file's f16.
    let scope = Scope::open(gpu, unet, Some(WeightType::F32));
    let unet = Unet::new(&scope, &unet_config()).unwrap();
    block_on(Loader::new(&scope).run(source, &mut |_, _| Ok(()))).unwrap();
    let prepared = unet.prepare(&Tensor::from_f32(gpu, &context(), [1, 77, 768], Precision::F32));
    let latents = picture(gpu, "latents 8", [1, 4, 8, 8]);
    let eps = planes(&unet.forward(&UnetInput::new(&latents, TIMESTEP, &prepared)).sample, 4);
    drop((unet, prepared, scope));
    gpu.trim();

    let scope = Scope::open(gpu, text, Some(WeightType::F32));
    let config = TextConfig::parse("text_encoder", sd_v1_4::TEXT_ENCODER).unwrap();
    let encoder = TextEncoder::new(&scope, &config).unwrap();
    block_on(Loader::new(&scope).run(source, &mut |_, _| Ok(()))).unwrap();
    let ids = Golden::open("synth.safetensors").array("text_encoder.ids");
    let ids: Vec<u32> = ids.into_iter().map(|id| id as u32).collect();
    let states = block_on(encoder.forward(&ids, Precision::F32).to_f32()).unwrap();
    [eps, states.chunks(768).step_by(TOKENS_KEPT).flatten().copied().collect()]
}

/// The same prediction by the second implementation.
fn on_cpu(source: &FileSource, layout: &Layout) -> Vec<f32> {
    let [_, unet] = changed(source, layout);
    let weights = block_on(Weights::read(source, &unet, 0, &mut |_| Ok(()))).unwrap();
    let unet = reference::Unet::open(weights, &unet_config()).unwrap();
    let tensor = |values: Vec<f32>, shape: &[usize]| {
        candle_core::Tensor::from_vec(values, shape, &candle_core::Device::Cpu).unwrap()
    };
    let latents = tensor(uniforms("latents 8", 0, 256, ROOT_3), &[1, 4, 8, 8]);
    let context = tensor(context(), &[1, 77, 768]);
    let eps = unet.forward(&UnetInput::new(&latents, TIMESTEP, &context)).unwrap().sample;
    eps.flatten_all().unwrap().to_vec1().unwrap()
}

fn check(name: &str, got: &[f32]) {
    let golden = Golden::open("loras/v1_4.safetensors");
    let error = nmse(got, &golden.array(name));
    println!("SD v1.4, {name}: NMSE {error:.1e}");
    assert!(error <= TOLERANCE, "{name}: NMSE {error:.1e}");
    if name.ends_with(".eps") {
        // That it can fail: diffusers without the LoRA.
        let error = nmse(&golden.array("plain.eps"), &golden.array(name));
        assert!(error > 1e-3, "{name}: the LoRA changes {error:.1e}");
    }
}

#[test]
#[ignore = "makes and reads 2 GB of weights"]
fn sd_v1_4_with_loras_is_diffusers() {
    let folder = synth("sd-v1-4", "sd-v1-4-loras");
    let model = folder.clone();
    let outputs = gpu::run(Device::Plain, move |gpu| {
        let source = FileSource::new(&model);
        LAYOUTS.each_ref().map(|layout| {
            let outputs = on_gpu(gpu, &source, layout);
            gpu.trim();
            outputs
        })
    });
    let source = FileSource::new(&folder);
    let of_cpu = LAYOUTS.each_ref().map(|layout| on_cpu(&source, layout));
    std::fs::remove_dir_all(folder).unwrap();
    for ((Layout { name, .. }, [eps, states]), of_cpu) in LAYOUTS.iter().zip(outputs).zip(of_cpu) {
        check(&format!("{name}.eps"), &eps);
        check(&format!("{name}.context"), &states);
        check(&format!("{name}.eps"), &of_cpu);
    }
}
