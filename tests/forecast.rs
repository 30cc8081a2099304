//! What v1.4 would cost here, told before it is fetched; and which model a picture says it is of.

use crate::harness::gpu::{Device, run};
use darkroom::gpu::{Gpu, GpuOptions};
use darkroom::image::png;
use darkroom::pipeline::{Forecast, Picture, Provenance, Request, Safety};
use darkroom::request::Applied;
use darkroom::weights::Manifest;
use pollster::block_on;
use std::path::Path;

/// The UNet's operations of an evaluation of two prompts at 512 × 512, as published profilers count
/// them (one picture: 0.4 T multiply-adds), twenty times.
const UNET_FLOPS: f64 = 20.0 * 2.0 * 2.0 * 0.4e12;

#[test]
fn v1_4_is_forecast_from_its_topology_and_from_kernels_timed_here() {
    let (forecast, has_f16) =
        run(Device::Plain, |gpu| (block_on(Forecast::of(gpu)).unwrap(), gpu.has_f16()));
    println!("{forecast:?}");
    // As published in f16, without the VAE's encoder and with what panels of 32 pad.
    assert!((2.0e9..2.2e9).contains(&(forecast.weight_bytes as f64)));
    let beside = (forecast.peak_bytes - forecast.weight_bytes) as f64;
    assert!((0.3e9..1.2e9).contains(&beside), "{beside} bytes beside the weights");
    assert_eq!(forecast.peak_bytes_f16.is_some(), has_f16);
    assert!(forecast.peak_bytes_f16.is_none_or(|bytes| bytes < forecast.peak_bytes));
    // BK-SDM-Tiny: tests/distilled.rs has the same peak of a checkpoint of its topology.
    let small = forecast.small;
    assert!((0.3e9..0.9e9).contains(&(small.peak_bytes as f64)), "{small:?}");
    let faster = forecast.seconds / small.seconds;
    assert!((1.3..6.0).contains(&faster), "{faster} times as fast");
    let flops = forecast.flops as f64;
    assert!((0.9..1.5).contains(&(flops / UNET_FLOPS)), "{flops:e} operations");
    // No adapter does more than 2000 TFLOP/s, and none that works less than 0.1 GFLOP/s.
    let rate = flops / forecast.seconds;
    assert!((1e8..2e15).contains(&rate), "{rate:e} operations a second");
}

#[test]
fn a_forecast_leaves_no_buffer() {
    let gpu = block_on(Gpu::open(&GpuOptions::default())).unwrap();
    block_on(Forecast::of(&gpu)).unwrap();
    gpu.trim();
    let stats = gpu.stats();
    assert_eq!((stats.buffers_alive, stats.bytes_alive), (0, 0));
}

#[test]
fn a_picture_says_which_model_drew_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("web/models/demo");
    let json = std::fs::read(folder.join("manifest.json")).unwrap();
    let manifest = Manifest::parse("manifest.json", &json).unwrap();
    let unet = manifest.file("unet/diffusion_pytorch_model.safetensors").unwrap();
    let model = Provenance::of(&manifest);
    assert_eq!(model.sha256, unet.sha256);
    assert_eq!(model.title, "The built-in model");
    let (width, height, rgba) = (1, 1, vec![255; 4]);
    let revision = Some("133a221b".to_owned());
    let model = Provenance { title: "Odd, named: 猫".into(), revision, ..model };
    let picture = |model| Picture {
        width,
        height,
        rgba: rgba.clone(),
        request: Request::default(),
        notices: vec![],
        safety: Safety::Missing,
        kernels: None,
        model,
        loras: vec![],
        decoder: None,
        embeddings: vec![],
        parts: vec![],
        controls: Vec::new(),
        upscaler: None,
        applied: Applied::default(),
        ended_early: None,
    };
    let file = png::decode("", &picture(Some(model.clone())).png().unwrap()).unwrap();
    let told: serde_json::Value =
        serde_json::from_str(file.text(png::DARKROOM_MODEL).unwrap()).unwrap();
    assert_eq!(told, serde_json::to_value(&model).unwrap());
    let parameters = picture(Some(model)).parameters();
    let hash = unet.sha256.as_ref().unwrap();
    assert_eq!(parameters.get("Model hash"), Some(&hash[..10]));
    assert_eq!(parameters.get("Model"), Some("Odd, named: 猫"));
    assert_eq!(parameters.get("Model revision"), Some("133a221b"));
    let plain = png::decode("", &picture(None).png().unwrap()).unwrap();
    assert_eq!(plain.text(png::DARKROOM_MODEL), None);
}
