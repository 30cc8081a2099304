//! TAESD against diffusers' `AutoencoderTiny` (`scripts/golden/taesd.py`), on the GPU and on the
//! CPU, from the files of every layout; and what is refused.

use crate::harness::golden;
use crate::harness::gpu::{self, Device};
use crate::models::{Array, Golden, TOLERANCE, nmse, planes};
use darkroom::dtype::FileType;
use darkroom::gpu::Gpu;
use darkroom::models::taesd::{TaesdConfig, TaesdDecoder, TaesdEncoder};
use darkroom::nn::{Loader, Scope};
use darkroom::reference::{self, Weights};
use darkroom::tensor::Tensor;
use darkroom::weights::{FileSource, MemorySource, SafetensorsWriter, Taesd, TaesdHalf};
use darkroom::{Precision, Result};
use pollster::block_on;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

/// A folder or file of tests/golden/taesd.
pub(crate) fn place(name: &str) -> PathBuf {
    golden::path("tests/golden/taesd").join(name)
}

pub(crate) fn file(folder: &str, name: &str) -> Result<Arc<Taesd>> {
    block_on(Taesd::open(&FileSource::new(place(folder)), name))
}

fn folder(name: &str) -> Arc<Taesd> {
    block_on(Taesd::open_folder(&FileSource::new(place(name)), name)).unwrap()
}

/// What the test compares with.
fn cases() -> Golden {
    Golden::open("taesd")
}

/// Checks that `got` is `name`, and none of its wrong ones.
fn check(name: &str, output: &str, got: &[f32]) {
    let cases = cases();
    let error = nmse(got, &cases.array(&format!("{name}.{output}")).values);
    println!("{name}: NMSE {error:.1e}");
    assert!(error <= TOLERANCE, "{name}: NMSE {error:.1e}");
    for wrong in cases.names(&format!("{name}.wrong.")) {
        let error = nmse(got, &cases.array(&wrong).values);
        assert!(error > 5.0 * TOLERANCE, "{wrong}: NMSE {error:.1e}");
    }
}

/// A network of one half, with its weights loaded.
fn load<N>(gpu: &Gpu, half: &TaesdHalf, new: impl FnOnce(&Scope) -> Result<N>) -> N {
    let scope = Scope::open(gpu, Rc::new(half.archive().clone()), None);
    let network = new(&scope).unwrap();
    block_on(Loader::new(&scope).run(half.source(), &mut |_, _| Ok(()))).unwrap();
    network
}

fn decoder(gpu: &Gpu, taesd: &Taesd) -> TaesdDecoder {
    let config = TaesdConfig::of(taesd).unwrap();
    load(gpu, taesd.decoder(), |scope| TaesdDecoder::new(scope, &config))
}

/// The picture and the latents of a case, on the GPU.
fn both(gpu: &Gpu, taesd: &Taesd, name: &str) -> [Vec<f32>; 2] {
    let (config, cases) = (TaesdConfig::of(taesd).unwrap(), cases());
    let latents = cases.array(&format!("{name}.decode.latents")).image(gpu, Precision::F32);
    let picture = planes(&decoder(gpu, taesd).decode(&latents), 3);
    let encoder =
        load(gpu, taesd.encoder().unwrap(), |scope| TaesdEncoder::new(scope, &config)).unwrap();
    let input = cases.array(&format!("{name}.encode.picture")).image(gpu, Precision::F32);
    [picture, planes(&encoder.forward(&input), config.latent_channels)]
}

fn on_cpu(taesd: &Taesd) -> reference::Taesd {
    let read = |half: &TaesdHalf| {
        block_on(Weights::read(half.source(), half.archive(), 0, &mut |_| Ok(()))).unwrap()
    };
    let config = TaesdConfig::of(taesd).unwrap();
    reference::Taesd::new(&config, read(taesd.decoder()), taesd.encoder().map(read)).unwrap()
}

fn on_candle(array: Array) -> candle_core::Tensor {
    candle_core::Tensor::from_vec(array.values, array.shape, &candle_core::Device::Cpu).unwrap()
}

fn values(x: &candle_core::Tensor) -> Vec<f32> {
    x.flatten_all().unwrap().to_vec1().unwrap()
}

/// Numbers in −1…1 from a name, as `scripts/golden/taesd.py` makes them.
pub(crate) fn hashed(name: &str, count: usize) -> impl Iterator<Item = f64> {
    let seed =
        name.bytes().fold(0_u32, |seed, byte| seed.wrapping_mul(31).wrapping_add(u32::from(byte)));
    (0..count as u32).map(move |index| {
        let mut bits = index.wrapping_add(seed).wrapping_mul(2_654_435_761);
        bits ^= bits >> 15;
        bits = bits.wrapping_mul(2_246_822_519);
        bits ^= bits >> 13;
        f64::from(bits >> 8) / f64::from(1 << 23) - 1.0
    })
}

/// The published config in its true width, with the weights of the script, as a file of diffusers.
pub(crate) fn of_true_width() -> Arc<Taesd> {
    let gpu = Gpu::dry(false);
    let scope = Scope::without_file(&gpu, darkroom::WeightType::F16);
    let config = TaesdConfig::parse("config.json", "{}").unwrap();
    TaesdDecoder::new(&scope, &config).unwrap();
    TaesdEncoder::new(&scope, &config).unwrap();
    let tensors = scope.catalogue().tensors;
    let parameters: usize = tensors.iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
    assert_eq!(parameters, 2_445_063, "of diffusers' AutoencoderTiny");
    let described: Vec<_> =
        tensors.iter().map(|(name, shape)| (name.as_str(), FileType::F16, shape.clone())).collect();
    let mut writer = SafetensorsWriter::new(Vec::new(), "true", &described, &[]).unwrap();
    for (name, shape) in &tensors {
        let quiet = name.ends_with("conv.4.weight") || name.ends_with("conv.4.bias");
        let gain = if quiet { 0.5 } else { 1.4 };
        let of_one = shape[1..].iter().product::<usize>();
        let fan_in = if shape.len() > 1 { of_one } else { 100 };
        for value in hashed(name, shape.iter().product()) {
            let value = half::f16::from_f64(gain * value / (fan_in as f64).sqrt());
            writer.write(&value.to_le_bytes()).unwrap();
        }
    }
    let source = MemorySource::new("true.safetensors", writer.finish().unwrap());
    block_on(Taesd::open(&source, "true.safetensors")).unwrap()
}

#[test]
fn the_gpu_is_diffusers() {
    let outputs = gpu::run(Device::Plain, |gpu| {
        ["small", "narrow"].map(|name| (name, both(gpu, &folder(name), name)))
    });
    for (name, [picture, latents]) in outputs {
        check(&format!("{name}.decode"), "picture", &picture);
        check(&format!("{name}.encode"), "latents", &latents);
    }
}

#[test]
fn the_cpu_is_diffusers() {
    let cases = cases();
    for (name, taesd) in
        [("small", folder("small")), ("narrow", folder("narrow")), ("true", of_true_width())]
    {
        let network = on_cpu(&taesd);
        let input = |what: &str| on_candle(cases.array(&format!("{name}.{what}")));
        let picture = network.decode(&input("decode.latents"));
        check(&format!("{name}.decode"), "picture", &values(&picture));
        let latents = network.encode(&input("encode.picture"));
        check(&format!("{name}.encode"), "latents", &values(&latents));
    }
}

#[test]
fn the_published_sizes_are_diffusers() {
    let [picture, latents] = gpu::run(Device::Plain, |gpu| both(gpu, &of_true_width(), "true"));
    check("true.decode", "picture", &picture);
    check("true.encode", "latents", &latents);
}

/// Activations in f16, and the kernels of a graphics card.
#[test]
fn other_types_and_kernels_are_near() {
    let pictures = gpu::run(Device::Hardware, |gpu| {
        let precisions = [Some(Precision::F32), gpu.has_f16().then_some(Precision::F16)];
        precisions
            .into_iter()
            .flatten()
            .map(|precision| {
                let latents = cases().array("narrow.decode.latents").image(gpu, precision);
                planes(&decoder(gpu, &folder("narrow")).decode(&latents), 3)
            })
            .collect::<Vec<_>>()
    });
    let want = cases().array("narrow.decode.picture").values;
    for (picture, most) in pictures.iter().zip([TOLERANCE, 1e-4]) {
        let error = nmse(picture, &want);
        println!("NMSE {error:.1e}");
        assert!(error <= most, "NMSE {error:.1e}");
    }
}

/// The files of madebyollin and of ComfyUI have the same weights under other names.
#[test]
fn every_layout_is_the_same_network() {
    let layouts = [
        file("narrow", "diffusion_pytorch_model.safetensors").unwrap(),
        folder("narrow"),
        file("theirs", "taesd_decoder.safetensors").unwrap(),
        file("theirs", "taesd_decoder.pth").unwrap(),
        folder("theirs"),
        file("theirs", "merged.safetensors").unwrap(),
    ];
    let config = TaesdConfig::of(&layouts[0]).unwrap();
    for taesd in &layouts {
        assert!(!taesd.is_xl());
        assert_eq!(TaesdConfig::of(taesd).unwrap(), config, "{taesd:?}");
    }
    let found: Vec<_> = layouts.iter().map(|taesd| (taesd.name(), taesd.file())).collect();
    assert_eq!(found[2], ("taesd_decoder", "taesd_decoder.safetensors"));
    assert_eq!(found[4], ("theirs", "taesd_decoder.safetensors"));
    let outputs = gpu::run(Device::Plain, move |gpu| {
        layouts.iter().map(|taesd| both(gpu, taesd, "narrow")).collect::<Vec<_>>()
    });
    for other in &outputs[1..] {
        assert_eq!(other, &outputs[0]);
    }
}

/// The last level is computed in bands of rows, with the same result.
#[test]
fn a_tall_picture_is_that_of_the_cpu() {
    let (h, w) = (37, 3);
    let latents = darkroom::diffusion::noise::Torch::new(7).randn(4 * h * w);
    let on_gpu = latents.clone();
    let picture = gpu::run(Device::Plain, move |gpu| {
        let values = darkroom::diffusion::noise::nchw_to_nhwc(&on_gpu, 4, h, w);
        let latents = Tensor::from_f32(gpu, &values, [1, h, w, 4], Precision::F32);
        planes(&decoder(gpu, &folder("narrow")).decode(&latents), 3)
    });
    let array = Array { shape: vec![1, 4, h, w], values: latents };
    let want = values(&on_cpu(&folder("narrow")).decode(&on_candle(array)));
    let most = picture.iter().zip(&want).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    println!("{most:.1e}");
    assert!(most < 1e-4, "{most}");
}

/// A file of f32 tensors of one number.
pub(crate) fn made_up(name: &str, tensors: &[(&str, &[usize])]) -> MemorySource {
    let described: Vec<_> =
        tensors.iter().map(|(name, shape)| (*name, FileType::F32, shape.to_vec())).collect();
    let mut writer = SafetensorsWriter::new(Vec::new(), name, &described, &[]).unwrap();
    for (_, shape) in tensors {
        for _ in 0..shape.iter().product() {
            writer.write(&0.5_f32.to_le_bytes()).unwrap();
        }
    }
    MemorySource::new(name, writer.finish().unwrap())
}

#[test]
fn what_is_no_taesd_is_refused_by_what_it_is() {
    let refused = |name: &str, tensors: &[(&str, &[usize])], what: &str| {
        let source = made_up(name, tensors);
        let opened = block_on(Taesd::open(&source, name));
        let error = opened.and_then(|taesd| TaesdConfig::of(&taesd)).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    };
    let conv: &[usize] = &[8, 8, 3, 3];
    refused("a", &[("0.weight", conv), ("1.conv.0.weight", conv)], "the encoder of a TAESD alone");
    refused("a", &[("decoder.up_blocks.0.x", &[4])], "it is a VAE alone");
    refused("a", &[("lora_unet_a.lora_up.weight", &[4, 4])], "it is a LoRA");
    refused("a", &[("3.weight", &[8, 8])], "no 3×3 convolution");
    refused("a", &[("9999.weight", conv)], "too many layers");
    refused("a", &[("2.conv.0.weight", conv), ("4.weight", conv)], "begins with a block");
    refused("a", &[("1.weight", conv)], "other layers");
    refused("a", &[("1.weight", &[6, 4, 3, 3]), ("2.weight", &[3, 6, 3, 3])], "multiple of four");
    refused("a", &[("1.bias", &[4])], "no convolutions");
    let json = |text: &str| TaesdConfig::parse("config.json", text).unwrap_err().to_string();
    for (text, what) in [
        (r#"{"_class_name": "AutoencoderKL"}"#, "AutoencoderTiny"),
        (r#"{"act_fn": "mish"}"#, "only relu, silu and gelu"),
        (r#"{"upsample_fn": "bilinear"}"#, "nearest"),
        (r#"{"scaling_factor": 0}"#, "not a positive number"),
        (r#"{"num_decoder_blocks": [1, 2]}"#, "2 entries for 4 levels"),
        (r#"{"num_decoder_blocks": [1, 2, 3, 400]}"#, "more than 64 blocks"),
        (r#"{"decoder_block_out_channels": [8, 8, 8, 12]}"#, "different widths"),
    ] {
        let error = json(text);
        assert!(error.contains(what), "{error}");
    }
}

/// The shapes of one for SDXL are the same: only names and a scale tell.
#[test]
fn one_for_sdxl_is_known_by_its_name_and_scale() {
    let bytes = std::fs::read(place("theirs/taesd_decoder.safetensors")).unwrap();
    let source = MemorySource::new("taesdxl_decoder.safetensors", bytes);
    assert!(block_on(Taesd::open(&source, "taesdxl_decoder.safetensors")).unwrap().is_xl());
    let mut bytes = std::fs::read(place("theirs/merged.safetensors")).unwrap();
    let scale = 0.18215_f32.to_le_bytes();
    let at = bytes.windows(4).rposition(|four| four == scale).unwrap();
    bytes[at..at + 4].copy_from_slice(&0.13025_f32.to_le_bytes());
    let source = MemorySource::new("a.safetensors", bytes);
    assert!(block_on(Taesd::open(&source, "a.safetensors")).unwrap().is_xl());
}
