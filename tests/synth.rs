//! Stable Diffusion v1.4's own topology against diffusers and transformers, each network once, on a
//! made-up checkpoint; `scripts/golden/synth.py` wrote what they give. The checkpoint has 2 GB and
//! a software adapter takes minutes, so this is part of the long run.

use crate::harness::gpu::{self, Device};
use crate::made_up::{Golden, nmse, program, scratch, synth};
use darkroom::diffusion::noise::{nchw_to_nhwc, nhwc_to_nchw};
use darkroom::gpu::Gpu;
use darkroom::models::clip::{TextConfig, TextEncoder};
use darkroom::models::sd_v1_4;
use darkroom::models::unet::{Unet, UnetConfig, UnetInput};
use darkroom::models::vae::{Encoder, VaeConfig, VaeDecoder};
use darkroom::nn::{Loader, Scope};
use darkroom::tensor::Tensor;
use darkroom::weights::{Archive, FileSource};
use darkroom::{Precision, Result};
use pollster::block_on;
use std::path::Path;
use std::rc::Rc;

/// The largest NMSE in f32, with the f16 weights widened on both sides.
pub(crate) const TOLERANCE: f64 = 1e-9;
/// Every so many tokens of the context are kept in the golden.
pub(crate) const TOKENS_KEPT: usize = 7;

#[test]
fn the_numbers_come_from_names_alone() {
    let [one, two] = ["twice-1", "twice-2"].map(|name| synth("tiny", name));
    let path = "unet/diffusion_pytorch_model.safetensors";
    let read = |folder: &Path| std::fs::read(folder.join(path)).unwrap();
    assert!(read(&one) == read(&two), "the same seed makes the same file");
    let other = scratch("twice-3");
    let out = other.to_str().unwrap();
    assert!(program(&["synth", "--config=tiny", "--seed=2", "--out", out]).status.success());
    assert!(read(&one) != read(&other), "another seed makes another file");

    let source = FileSource::new(&one);
    let archive = block_on(Archive::open(&source, path)).unwrap();
    let values = block_on(archive.load(&source, "conv_in.weight")).unwrap();
    let got: Vec<f32> = uniforms("conv_in.weight", 1, values.len(), (3.0f64 / 36.0).sqrt() as f32);
    let halves = got.iter().map(|v| half::f16::from_f32(*v).to_f32());
    assert!(halves.eq(values), "the generator is the one that is documented");
    for folder in [one, two, other] {
        std::fs::remove_dir_all(folder).unwrap();
    }
}

#[test]
#[ignore = "makes and reads 2 GB of weights"]
fn sd_v1_4_is_diffusers() {
    let folder = synth("sd-v1-4", "sd-v1-4");
    let golden = Golden::open("synth.safetensors");
    let model = folder.clone();
    let outputs = gpu::run(Device::Plain, move |gpu| run(gpu, &model));
    std::fs::remove_dir_all(folder).unwrap();
    let mut wrong = Vec::new();
    for (name, got) in &outputs {
        let error = nmse(got, &golden.array(name));
        println!("SD v1.4, {name}: NMSE {error:.1e}");
        if error > TOLERANCE || error.is_nan() {
            wrong.push(name);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
    // That it can fail: diffusers itself with the tanh approximation of GELU.
    let error = nmse(&outputs[0].1, &golden.array("unet_8.tanh"));
    println!("SD v1.4, unet_8 with the wrong GELU: NMSE {error:.1e}");
    assert!(error > TOLERANCE);
}

/// Every output by its name in the golden.
fn run(gpu: &Gpu, folder: &Path) -> Vec<(&'static str, Vec<f32>)> {
    let source = FileSource::new(folder);
    let mut outputs = Vec::new();

    let config = UnetConfig::parse("unet", sd_v1_4::UNET).unwrap();
    let unet = "unet/diffusion_pytorch_model.safetensors";
    let unet = load(gpu, &source, unet, |scope| Unet::new(scope, &config));
    let context = uniforms("context", 0, 2 * 77 * 768, ROOT_3);
    let context = Tensor::from_f32(gpu, &context, [2, 77, 768], Precision::F32);
    let context = unet.prepare(&context);
    for (name, side, timestep) in [("unet_8", 8, 981.0), ("unet_16", 16, 1.0)] {
        let latents = picture(gpu, &format!("latents {side}"), [2, 4, side, side]);
        outputs.push((
            name,
            planes(&unet.forward(&UnetInput::new(&latents, timestep, &context)).sample, 4),
        ));
    }
    drop((unet, context));
    gpu.trim();

    let config = TextConfig::parse("text_encoder", sd_v1_4::TEXT_ENCODER).unwrap();
    let text = load(gpu, &source, "text_encoder/model.safetensors", |scope| {
        TextEncoder::new(scope, &config)
    });
    let ids = Golden::open("synth.safetensors").array("text_encoder.ids");
    let ids: Vec<u32> = ids.into_iter().map(|id| id as u32).collect();
    let context = block_on(text.forward(&ids, Precision::F32).to_f32()).unwrap();
    let kept = context.chunks(768).step_by(TOKENS_KEPT).flatten().copied().collect();
    outputs.push(("text_encoder", kept));
    drop(text);
    gpu.trim();

    let config = VaeConfig::parse("vae", sd_v1_4::VAE).unwrap();
    let vae = "vae/diffusion_pytorch_model.safetensors";
    let (vae, vae_encoder) = load(gpu, &source, vae, |scope| {
        Ok((VaeDecoder::new(scope, &config)?, Encoder::new(scope, &config)?))
    });
    // The pipeline's latents are scaled; diffusers' decoder takes them unscaled.
    let scale = config.scaling_factor as f32;
    let latents = picture_of(gpu, uniforms("latents 8", 0, 256, ROOT_3), [1, 4, 8, 8], scale);
    outputs.push(("vae_decoder", planes(&vae.decode(&latents), 3)));
    let input = picture(gpu, "picture", [1, 3, 64, 64]);
    outputs.push(("vae_encoder", planes(&vae_encoder.forward(&input).mean, 4)));
    outputs
}

fn load<M>(gpu: &Gpu, source: &FileSource, path: &str, new: impl FnOnce(&Scope) -> Result<M>) -> M {
    let archive = Rc::new(block_on(Archive::open(source, path)).unwrap());
    let scope = Scope::open(gpu, archive, None);
    let model = new(&scope).unwrap();
    block_on(Loader::new(&scope).run(source, &mut |_, _| Ok(()))).unwrap();
    model
}

/// The numbers called `name`, as an input `[b, h, w, c]`.
pub(crate) fn picture(gpu: &Gpu, name: &str, shape: [usize; 4]) -> Tensor {
    picture_of(gpu, uniforms(name, 0, shape.iter().product(), ROOT_3), shape, 1.0)
}

/// Numbers `[b, c, h, w]` times `scale` as `[b, h, w, c]`, c padded to four.
fn picture_of(gpu: &Gpu, values: Vec<f32>, [b, c, h, w]: [usize; 4], scale: f32) -> Tensor {
    let padded = c.next_multiple_of(4);
    let mut planes = Vec::new();
    for picture in values.chunks_exact(c * h * w) {
        planes.extend(picture.iter().map(|x| x * scale));
        planes.extend(std::iter::repeat_n(0.0, (padded - c) * h * w));
    }
    let rows = nchw_to_nhwc(&planes, padded, h, w);
    Tensor::from_f32(gpu, &rows, [b, h, w, padded], Precision::F32)
}

/// A tensor `[b, h, w, c]` as `[b, channels, h, w]`.
pub(crate) fn planes(tensor: &Tensor, channels: usize) -> Vec<f32> {
    let [_, h, w, c] = tensor.shape().image();
    let planes = nhwc_to_nchw(&block_on(tensor.to_f32()).unwrap(), c, h, w);
    planes.chunks_exact(c * h * w).flat_map(|p| p[..channels * h * w].to_vec()).collect()
}

/// Gives uniform numbers a variance of one.
pub(crate) const ROOT_3: f32 = 1.732_050_8;

/// What `darkroom synth` documents: `scale · u` of a name and a seed, for the first n indices.
pub(crate) fn uniforms(name: &str, seed: u64, n: usize, scale: f32) -> Vec<f32> {
    let mix = |mut z: u64| {
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let key = mix(hash ^ mix(seed));
    let number = |index: u64| {
        let bits = mix(key.wrapping_add(index.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        scale * ((bits >> 40) as f32 / (1 << 23) as f32 - 1.0)
    };
    (0..n as u64).map(number).collect()
}
