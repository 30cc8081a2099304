//! Stable Diffusion v1.4 as published, at 512×512, on a device that only adds up: every shape fits
//! the next, every dispatch keeps WebGPU's default limits, and what it costs is printed.
//!
//! The numbers are checked against sums made here from names and shapes alone: parameters, and the
//! floating-point operations of every matrix, convolution and attention of the UNet.

use darkroom::gpu::{Gpu, KernelStats};
use darkroom::models::clip::{TextConfig, TextEncoder};
use darkroom::models::sd_v1_4;
use darkroom::models::unet::{Cache, Unet, UnetConfig, UnetInput};
use darkroom::models::vae::{Encoder, VaeConfig, VaeDecoder};
use darkroom::nn::{Catalogue, Scope};
use darkroom::tensor::Tensor;
use darkroom::{Precision, WeightType};
use pollster::block_on;

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
        let gpu = Gpu::dry(precision == Precision::F16);
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

#[test]
fn evaluation_of_the_unet_costs_what_its_shapes_say() {
    let models = Models::new(Precision::F32, WeightType::F16);
    let context = Tensor::empty(&models.gpu, [1, TOKENS, 768], Precision::F32);
    let context = models.unet.prepare(&context);
    let latents = Tensor::empty(&models.gpu, [1, 64, 64, 4], Precision::F32);
    models.gpu.reset_stats();
    drop(models.unet.forward(&UnetInput::new(&latents, 1.0, &context)));
    let of = |name: &str, kernels: &[KernelStats]| -> u64 {
        kernels.iter().filter(|k| k.name.starts_with(name)).map(|k| k.flops).sum()
    };
    let kernels = models.gpu.kernel_stats();
    let counted = of("matmul", &kernels) + of("conv2d", &kernels) + of("attention", &kernels);
    let expected: usize = models.catalogues[1].tensors.iter().map(|(n, s)| flops(n, s, 64)).sum();
    println!("UNet, one picture, 64×64: {expected} FLOP");
    assert_eq!(counted, expected as u64);
    assert!((0.75e12..0.85e12).contains(&(expected as f64)), "about 0.8 TFLOP, as is known");
}

/// Whether a tensor is of the layers that are evaluated where deep features are cached.
fn is_outermost(name: &str) -> bool {
    let whole = ["conv_in", "conv_out", "conv_norm_out", "time_emb"];
    let first = ["resnets.0.", "attentions.0."].iter().any(|layer| name.contains(layer));
    match name.split_once("_blocks.") {
        None => whole.iter().any(|layer| name.contains(layer)),
        // The shifts of all resnets are one product.
        Some(_) if name.contains("time_emb_proj") => true,
        Some(("down", rest)) => rest.starts_with("0.") && first,
        Some((_, rest)) => rest.starts_with("3.") && !first,
    }
}

/// A cached evaluation is what its layers cost, and a half less than a quarter of the whole.
#[test]
fn cached_evaluation_of_the_unet_costs_what_its_shapes_say() {
    let models = Models::new(Precision::F32, WeightType::F16);
    let context = Tensor::empty(&models.gpu, [1, TOKENS, 768], Precision::F32);
    let context = models.unet.prepare(&context);
    let latents = Tensor::empty(&models.gpu, [1, 64, 64, 4], Precision::F32);
    let input = UnetInput::new(&latents, 1.0, &context);
    let kept = models.unet.forward(&UnetInput { cache: Cache::Keep, ..input });
    let deep = kept.deep.expect("it was to be kept");
    assert_eq!(deep.shape().dims(), [1, 64, 64, 320]);
    models.gpu.submit();
    models.gpu.reset_stats();
    let input = UnetInput::new(&latents, 1.0, &context);
    drop(models.unet.forward(&UnetInput { cache: Cache::Reuse(&deep), ..input }));
    models.gpu.submit();
    let kernels = models.gpu.kernel_stats();
    let products = ["matmul", "conv2d", "attention"];
    let of_products =
        kernels.iter().filter(|k| products.iter().any(|name| k.name.starts_with(name)));
    let counted: u64 = of_products.map(|k| k.flops).sum();
    let tensors = models.catalogues[1].tensors.iter();
    let expected = |wanted: fn(&str) -> bool| -> u64 {
        tensors.clone().filter(|(n, _)| wanted(n)).map(|(n, s)| flops(n, s, 64) as u64).sum()
    };
    let (cached, whole) = (expected(is_outermost), expected(|_| true));
    let dispatches = models.gpu.stats().dispatches;
    println!("cached: {cached} of {whole} FLOP, {dispatches} dispatches");
    assert_eq!(counted, cached);
    assert!(4 * cached < whole && dispatches <= 380 / 4, "{cached} of {whole}, {dispatches}");
}

/// The side at which a tensor of the UNet is applied, for latents of side `side`.
fn side_of(name: &str, side: usize) -> usize {
    let mut path = name.split('.');
    let (block, index) = (path.next().unwrap(), path.next().unwrap().parse().unwrap_or(0));
    match block {
        "down_blocks" if name.contains("downsamplers") => side >> (index + 1),
        "down_blocks" => side >> index,
        "mid_block" => side >> 3,
        "up_blocks" if name.contains("upsamplers") => side >> (2 - index),
        "up_blocks" => side >> (3 - index),
        _ => side,
    }
}

/// Whether it is applied once for a prompt, not at every evaluation.
fn is_of_prompt(name: &str) -> bool {
    name.contains("attn2.to_k") || name.contains("attn2.to_v")
}

/// What a weight of the UNet costs for one picture with latents of side `side`: two operations for
/// each number and each place where it is applied; attention's products are booked on `to_q`.
fn flops(name: &str, shape: &[usize], side: usize) -> usize {
    if shape.len() < 2 {
        return 0;
    }
    let side = side_of(name, side);
    let places = match () {
        () if is_of_prompt(name) => 0,
        () if name.contains("time_emb") => 1,
        () => side * side,
    };
    let numbers: usize = shape.iter().product();
    let keys = match () {
        () if name.ends_with("attn1.to_q.weight") => side * side,
        () if name.ends_with("attn2.to_q.weight") => TOKENS,
        () => 0,
    };
    2 * numbers * places + 4 * side * side * keys * shape[0]
}

/// The bytes that an evaluation must move for a weight of the UNet: the weight once, and the tensor
/// that its layer makes written once and read once, what is done element by element being part of
/// the layer. Layers are convolutions, linears, norms and attentions (booked on `to_q`); a gated
/// linear unit is one with the linear before it, a concat one with what reads it.
fn bytes_at_least(name: &str, shape: &[usize], side: usize, types: [usize; 2]) -> usize {
    let [activation, weight] = types;
    let (numbers, n) = (shape.iter().product::<usize>(), shape[0]);
    let side = side_of(name, side);
    let places = BATCH * if name.contains("time_emb") { 1 } else { side * side };
    let made = |channels: usize| 2 * activation * places * channels;
    match () {
        // keys and values of the prompt are there, and read
        () if is_of_prompt(name) => BATCH * TOKENS * n * activation,
        () if shape.len() == 1 && name.contains("norm") && name.ends_with("weight") => {
            4 * numbers + made(n)
        }
        () if shape.len() == 1 => 4 * numbers,
        () if name.contains("ff.net.0.proj") => weight * numbers + made(n / 2),
        () if name.contains("to_q") => weight * numbers + 2 * made(n),
        () => weight * numbers + made(n),
    }
}

/// GFLOP/s of f32 and GB/s of memory: Apple's M1 with eight cores (Apple: 2.6 TFLOPS; LPDDR4X-4266
/// on 128 bits), NVIDIA's RTX 3060 (3584 cores × 2 × 1.777 GHz; 15 Gbit/s on 192 bits), and the
/// Adreno 740 of a phone (1024 units, 3.7 TFLOPS; LPDDR5X-4200 on 64 bits).
const PEAKS: [(&str, f64, f64); 3] =
    [("M1", 2600.0, 68.2), ("RTX 3060", 12_740.0, 360.0), ("Adreno 740", 3700.0, 64.0)];

/// The counts by kernel, and how long each GPU would take at the least: as long as its arithmetic
/// or its memory needs at their peaks.
fn print_families(kernels: &[KernelStats]) {
    let mut sums = [0.0; PEAKS.len()];
    for k in kernels {
        let least = PEAKS.map(|(_, gflops, gbytes)| {
            (k.flops as f64 / gflops).max(k.bytes as f64 / gbytes) / 1e6
        });
        println!(
            "  {:<18} {:>4} {:>9.2} GFLOP {:>9.1} MB {:>10.1} MB   {:>8.2} {:>8.2} {:>8.2} ms",
            k.name,
            k.dispatches,
            k.flops as f64 / 1e9,
            k.bytes as f64 / 1e6,
            k.traffic as f64 / 1e6,
            least[0],
            least[1],
            least[2]
        );
        sums.iter_mut().zip(least).for_each(|(sum, ms)| *sum += ms);
    }
    for ((name, ..), ms) in PEAKS.iter().zip(sums) {
        println!("  at the least {ms:.0} ms on {name}");
    }
}

#[test]
fn evaluation_of_the_unet_keeps_its_budget() {
    for (precision, weights) in [
        (Precision::F32, WeightType::F16),
        (Precision::F16, WeightType::F16),
        (Precision::F32, WeightType::F32),
    ] {
        let models = Models::new(precision, weights);
        let context = Tensor::empty(&models.gpu, [BATCH, TOKENS, 768], precision);
        let context = models.unet.prepare(&context);
        let latents = Tensor::empty(&models.gpu, [BATCH, 64, 64, 4], precision);
        models.gpu.submit();
        models.gpu.reset_stats();
        drop(models.unet.forward(&UnetInput::new(&latents, 1.0, &context)));
        models.gpu.submit();
        let (stats, kernels) = (models.gpu.stats(), models.gpu.kernel_stats());
        let types = [precision.bytes(), weights.bytes(1)];
        let tensors = &models.catalogues[1].tensors;
        let least: usize = tensors.iter().map(|(n, s)| bytes_at_least(n, s, 64, types)).sum();
        let ratio = stats.bytes_moved as f64 / least as f64;
        println!(
            "activations {precision:?}, weights {weights:?}: {} dispatches, {} submit, \
             {:.0} MB moved, {ratio:.2} times the least; {:.0} MB of loads and stores",
            stats.dispatches,
            stats.submits,
            stats.bytes_moved as f64 / 1e6,
            stats.bytes_traffic as f64 / 1e6,
        );
        print_families(&kernels);
        assert!(stats.dispatches <= 560, "{} dispatches", stats.dispatches);
        assert_eq!(stats.submits, 1);
        assert!(ratio <= 1.5, "{ratio:.3} times the least");
        // 140 GB with tiles whose blocks read each weight for 32 rows, 88 GB where each four
        // queries of attention read the values of wide heads.
        let traffic = stats.bytes_traffic;
        assert!(weights == WeightType::F32 || traffic <= 85_000_000_000, "{traffic} bytes");
    }
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
