//! The VAE's decoder in bands of rows: the picture of the whole decoder, and memory for little more
//! than the last level's output.

use crate::harness::golden;
use crate::harness::gpu::{self, Device};
use crate::made_up::tiny;
use darkroom::diffusion::noise::Torch;
use darkroom::gpu::{Gpu, Stats};
use darkroom::models::sd_v1_4;
use darkroom::models::vae::{VaeConfig, VaeDecoder};
use darkroom::nn::{Loader, Scope};
use darkroom::tensor::Tensor;
use darkroom::weights::{Archive, FileSource, read_all};
use darkroom::{Precision, WeightType};
use pollster::block_on;
use std::path::Path;
use std::rc::Rc;

/// Of a picture in −1…1.
const STEP: f32 = 2.0 / 255.0;

/// The VAE of a model.
fn open(gpu: &Gpu, model: &Path) -> VaeDecoder {
    let source = FileSource::new(model);
    let json = block_on(read_all(&source, "vae/config.json", 1 << 20)).unwrap();
    let config = VaeConfig::parse("vae", std::str::from_utf8(&json).unwrap()).unwrap();
    let file = "vae/diffusion_pytorch_model.safetensors";
    let scope = Scope::open(gpu, Rc::new(block_on(Archive::open(&source, file)).unwrap()), None);
    let vae = VaeDecoder::new(&scope, &config).unwrap();
    block_on(Loader::new(&scope).run(&source, &mut |_, _| Ok(()))).unwrap();
    vae
}

/// The largest difference, in 255ths of the range of a picture.
fn difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let most = a.iter().zip(b).map(|(a, b)| (a.clamp(-1.0, 1.0) - b.clamp(-1.0, 1.0)).abs());
    most.fold(0.0, f32::max) / STEP
}

/// Compares the pictures of latents of this size in bands with the whole decoder's.
fn check(gpu: &Gpu, model: &Path, [h, w]: [usize; 2], precision: Precision, rows: &[usize]) {
    let vae = open(gpu, model);
    let numbers = Torch::new(3).randn(h * w * 4);
    let latents = Tensor::from_f32(gpu, &numbers, [1, h, w, 4], precision);
    let whole = block_on(vae.decode(&latents).to_f32()).unwrap();
    for &rows in rows {
        let picture = block_on(vae.decode_in_bands(&latents, rows, &|| Ok(()))).unwrap();
        let banded = block_on(picture.to_f32()).unwrap();
        let most = difference(&whole, &banded);
        println!("{h}×{w} {precision:?}, bands of {rows}: {most:.4}/255");
        assert!(most <= 1.0, "{most}/255");
    }
    // What a tile's own statistics would make of it.
    let half = h / 2 * w * 4;
    let upper = Tensor::from_f32(gpu, &numbers[..half], [1, h / 2, w, 4], precision);
    let tile = block_on(vae.decode(&upper).to_f32()).unwrap();
    let inner = tile.len() / 2;
    let most = difference(&whole[..inner], &tile[..inner]);
    println!("{h}×{w}, a tile alone: {most:.1}/255");
    assert!(most > 2.0, "the statistics do not matter: {most}/255");
}

#[test]
fn a_picture_in_bands_is_that_of_the_whole_decoder() {
    gpu::run(Device::Plain, |gpu| {
        check(gpu, tiny(), [8, 8], Precision::F32, &[2, 8, 24]);
        // a size whose bands do not come out even
        check(gpu, tiny(), [9, 13], Precision::F32, &[7]);
    });
    gpu::run(Device::Hardware, |gpu| {
        check(gpu, tiny(), [9, 13], Precision::F32, &[7]);
        if gpu.has_f16() {
            check(gpu, tiny(), [8, 12], Precision::F16, &[8]);
        }
    });
}

#[test]
fn a_picture_of_the_built_in_model_in_bands() {
    gpu::run(Device::Plain, |gpu| {
        let model = golden::path("web/models/demo");
        check(gpu, &model, [16, 16], Precision::F32, &[16]);
    });
}

/// What the decoder of v1.4 takes in bands beside its weights, on a device that only adds up.
fn cost(precision: Precision, [h, w]: [usize; 2], rows: usize) -> (u64, Stats) {
    let gpu = Gpu::dry(precision == Precision::F16);
    let config = VaeConfig::parse("vae", sd_v1_4::VAE).unwrap();
    let vae = VaeDecoder::new(&Scope::without_file(&gpu, WeightType::F16), &config).unwrap();
    let latents = Tensor::empty(&gpu, [1, h, w, 4], precision);
    gpu.reset_stats();
    let before = gpu.stats().bytes_alive;
    let picture = block_on(vae.decode_in_bands(&latents, rows, &|| Ok(())));
    let picture = picture.unwrap_or_else(|fault| panic!("{h}×{w}: {fault}"));
    assert_eq!(picture.shape().dims(), [1, 8 * h, 8 * w, 4]);
    (gpu.stats().bytes_peak - before, gpu.stats())
}

#[test]
fn v1_4_in_bands_takes_little_more_than_its_last_level() {
    for precision in [Precision::F32, Precision::F16] {
        for (size, rows) in [([64, 64], 8), ([64, 64], 32), ([96, 64], 16), ([128, 128], 16)] {
            let (bytes, stats) = cost(precision, size, rows);
            let last = (64 * size[0] * size[1] * 128 * precision.bytes()) as u64;
            println!(
                "latents {size:?} {precision:?}, bands of {rows}: {:.1} MB, of which the last \
                 level's output {:.1}; {:.0} GFLOP, {} dispatches",
                bytes as f64 / 1e6,
                last as f64 / 1e6,
                stats.flops as f64 / 1e9,
                stats.dispatches
            );
            let strips = (8 * size[1] * 256 * precision.bytes() * (rows + 8)) as u64;
            assert!(bytes <= last + 5 * strips, "{bytes} bytes");
        }
    }
}
