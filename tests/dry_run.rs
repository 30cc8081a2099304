//! Stable Diffusion v1.4 as published, at 512×512, on a device that only adds up: every shape fits
//! the next, every dispatch keeps WebGPU's default limits, and what it costs is printed. What an
//! evaluation of its UNet costs is in `evaluation`.

use darkroom::gpu::Gpu;
use darkroom::models::clip::{TextConfig, TextEncoder};
use darkroom::models::sd_v1_4;
use darkroom::models::unet::{Unet, UnetConfig, UnetInput};
use darkroom::models::vae::{Encoder, VaeConfig, VaeDecoder};
use darkroom::nn::{Catalogue, Scope};
use darkroom::tensor::Tensor;
use darkroom::{Precision, WeightType};
use pollster::block_on;

mod evaluation;

/// Prompts of a run with guidance: without and with.
const BATCH: usize = 2;
const TOKENS: usize = 77;
const MIB: f64 = (1 << 20) as f64;

/// The three networks of v1.4 on a dry device.
struct Models {
    gpu: Gpu,
    text: TextEncoder,
    unet: Unet,
    vae: VaeDecoder,
    vae_encoder: Encoder,
    /// Of text encoder, UNet, VAE.
    catalogues: [Catalogue; 3],
}

impl Models {
    fn new(precision: Precision, weights: WeightType) -> Models {
        Models::on(Gpu::dry(precision == Precision::F16), weights)
    }

    fn on(gpu: Gpu, weights: WeightType) -> Models {
        let scopes: [Scope; 3] = std::array::from_fn(|_| Scope::without_file(&gpu, weights));
        let [text, unet, vae] = &scopes;
        let text_config = TextConfig::parse("text_encoder", sd_v1_4::TEXT_ENCODER).unwrap();
        let unet_config = UnetConfig::parse("unet", sd_v1_4::UNET).unwrap();
        let vae_config = VaeConfig::parse("vae", sd_v1_4::VAE).unwrap();
        Models {
            text: TextEncoder::new(text, &text_config).unwrap(),
            unet: Unet::new(unet, &unet_config).unwrap(),
            vae: VaeDecoder::new(vae, &vae_config).unwrap(),
            vae_encoder: Encoder::new(vae, &vae_config).unwrap(),
            catalogues: scopes.each_ref().map(Scope::catalogue),
            gpu,
        }
    }

    /// Runs one part and prints its cost: its result, and the MiB it needs beside what was there.
    /// An error here is a limit that was passed.
    fn part<T>(&self, name: &str, job: impl FnOnce() -> T) -> (T, f64) {
        self.gpu.trim();
        self.gpu.reset_stats();
        let before = self.gpu.stats().bytes_alive;
        let result = job();
        block_on(self.gpu.finish()).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let stats = self.gpu.stats();
        println!(
            "  {name:<22} {:>5} dispatches {:>9.1} GFLOP, peak {:>7.1} MiB of which {:>7.1} before",
            stats.dispatches,
            stats.flops as f64 / 1e9,
            stats.bytes_peak as f64 / MIB,
            before as f64 / MIB,
        );
        (result, (stats.bytes_peak - before) as f64 / MIB)
    }
}

/// The walk through all parts for latents of this size: the MiB that the UNet, the decoder and the
/// encoder need for their own tensors.
fn walk(models: &Models, precision: Precision, [height, width]: [usize; 2]) -> [f64; 3] {
    let Models { gpu, text, unet, vae, vae_encoder, .. } = models;
    let ids = vec![0; BATCH * TOKENS];
    let (context, _) = models.part("text encoder", || text.forward(&ids, precision));
    assert_eq!(context.shape().dims(), [BATCH, TOKENS, 768]);
    let (context, _) = models.part("keys and values", || unet.prepare(&context));
    let latents = Tensor::empty(gpu, [BATCH, height, width, 4], precision);
    let (eps, of_unet) = models.part("UNet, one evaluation", || {
        unet.forward(&UnetInput::new(&latents, 981.0, &context)).sample
    });
    assert_eq!(eps.shape(), latents.shape());
    drop((eps, latents, context));
    let latents = Tensor::empty(gpu, [1, height, width, 4], precision);
    let (picture, of_decoder) = models.part("VAE decoder", || vae.decode(&latents));
    assert_eq!(picture.shape().dims(), [1, 8 * height, 8 * width, 4]);
    let (posterior, of_encoder) = models.part("VAE encoder", || vae_encoder.forward(&picture));
    assert_eq!(posterior.mean.shape(), latents.shape());
    assert_eq!(posterior.logvar.shape(), latents.shape());
    [of_unet, of_decoder, of_encoder]
}

#[test]
fn v1_4_at_512_keeps_the_default_limits() {
    for precision in [Precision::F32, Precision::F16] {
        for weights in [WeightType::F32, WeightType::F16] {
            println!("activations {precision:?}, weights {weights:?}:");
            let mib = walk(&Models::new(precision, weights), precision, [64, 64]);
            // The decoder's lower bound is 640 in f32: a tensor of 256 channels, its norm, and the
            // convolution of it to 128.
            let budget = [340.0, 780.0, 580.0].map(|mib| mib * precision.bytes() as f64 / 4.0);
            assert!(mib.iter().zip(budget).all(|(mib, most)| *mib <= most), "{mib:?} MiB");
        }
    }
}

/// Quantised weights take what their blocks take, and the same memory beside.
#[test]
fn v1_4_with_quantised_weights() {
    let unet_bytes = |weights| {
        let gpu = Gpu::dry(false);
        let config = UnetConfig::parse("unet", sd_v1_4::UNET).unwrap();
        let unet = Unet::new(&Scope::without_file(&gpu, weights), &config).unwrap();
        let bytes = gpu.stats().bytes_alive as f64;
        drop(unet);
        println!("UNet, {weights} weights: {:.1} MB", bytes / 1e6);
        bytes
    };
    // The sizes of the groups, from the shapes: bits of a weight on average.
    let whole = unet_bytes(WeightType::F16);
    for (weights, bits) in
        [(WeightType::Q8_0, 8.518), (WeightType::Q5_0, 6.367), (WeightType::Q4_0, 5.187)]
    {
        let share = 16.0 * unet_bytes(weights) / whole;
        assert!((share - bits).abs() < 0.05, "{weights}: {share:.3} bits");
        let mib = walk(&Models::new(Precision::F32, weights), Precision::F32, [64, 64]);
        assert!(mib[0] <= 340.0 && mib[1] <= 780.0, "{mib:?} MiB");
    }
}

#[test]
fn v1_4_at_other_sizes_keeps_the_default_limits() {
    for (precision, size) in [
        (Precision::F32, [8, 8]),
        (Precision::F32, [9, 13]),
        (Precision::F32, [65, 57]),
        (Precision::F16, [96, 64]),
    ] {
        println!("latents {size:?}, activations {precision:?}:");
        walk(&Models::new(precision, WeightType::F16), precision, size);
    }
}

#[test]
fn a_size_that_does_not_fit_is_an_error() {
    let Models { gpu, vae, .. } = Models::new(Precision::F32, WeightType::F16);
    let latents = Tensor::empty(&gpu, [1, 96, 64, 4], Precision::F32);
    drop(vae.decode(&latents));
    let fault = block_on(gpu.finish()).unwrap_err();
    assert_eq!(fault.kind(), "gpu_limit", "512×768×256 in f32 is larger than a buffer: {fault}");
}

#[test]
fn v1_4_has_its_published_number_of_parameters() {
    let models = Models::new(Precision::F32, WeightType::F16);
    let [text, unet, vae] = &models.catalogues;
    assert_eq!(text.parameters(), 123_060_480);
    assert_eq!(unet.parameters(), 859_520_964);
    assert_eq!(vae.parameters(), 83_653_863);
    assert_eq!(unet.tensors.len(), 686);
    assert_eq!(vae.tensors.len(), 248);
    assert_eq!(text.tensors.len(), 196);
}

/// What a driver waits for at a stretch: no dispatch of any network is longer than a quarter of a
/// second on a card that does 0.1 TFLOP/s, the careful guess for one that was not measured.
#[test]
fn no_dispatch_of_v1_4_is_long() {
    const MOST: u64 = 25_000_000_000;
    let models = Models::new(Precision::F32, WeightType::F16);
    let Models { gpu, text, unet, vae, vae_encoder, .. } = &models;
    assert_eq!(gpu.dispatch_max(), MOST);
    let longest = |name: &str, job: &dyn Fn()| {
        gpu.reset_stats();
        job();
        let stats = gpu.stats();
        let [all, most] = [stats.flops, stats.flops_largest];
        println!(
            "{name}: {} dispatches, {:.0} GFLOP, the largest {:.1}",
            stats.dispatches,
            all as f64 / 1e9,
            most as f64 / 1e9
        );
        assert!(most <= MOST && 2 * most > all / stats.dispatches, "{name}: {most}");
    };
    for side in [64, 96] {
        let image = |batch, side| Tensor::empty(gpu, [batch, side, side, 4], Precision::F32);
        longest("text encoder", &|| drop(text.forward(&vec![0; BATCH * TOKENS], Precision::F32)));
        longest("UNet", &|| {
            let context = Tensor::empty(gpu, [BATCH, TOKENS, 768], Precision::F32);
            let context = unet.prepare(&context);
            drop(unet.forward(&UnetInput::new(&image(BATCH, side), 1.0, &context)));
        });
        longest("VAE decoder", &|| drop(vae.decode(&image(1, side))));
        longest("VAE encoder", &|| drop(vae_encoder.forward(&image(1, 8 * side))));
    }
}
