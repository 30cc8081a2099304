//! What an evaluation of v1.4's UNet costs, checked against sums made here from names and shapes
//! alone: the floating-point operations of every matrix, convolution and attention, and the bytes
//! that must be moved.

use super::{BATCH, Models, TOKENS};
use darkroom::gpu::recording::Dispatch;
use darkroom::gpu::{Gpu, KernelStats, Limits};
use darkroom::models::unet::{Cache, Context, UnetInput};
use darkroom::tensor::Tensor;
use darkroom::{Precision, WeightType};

/// What an evaluation of so many pictures of 512×512 is given: the prompt's keys and values, and
/// latents.
fn inputs(models: &Models, batch: usize, precision: Precision) -> (Context, Tensor) {
    let context = Tensor::empty(&models.gpu, [batch, TOKENS, 768], precision);
    let latents = Tensor::empty(&models.gpu, [batch, 64, 64, 4], precision);
    (models.unet.prepare(&context), latents)
}

#[test]
fn evaluation_of_the_unet_costs_what_its_shapes_say() {
    let models = Models::new(Precision::F32, WeightType::F16);
    let (context, latents) = inputs(&models, 1, Precision::F32);
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
    let (context, latents) = inputs(&models, 1, Precision::F32);
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
    // Of workgroup memory, WebGPU's default and what most graphics cards offer.
    let [lean, roomy] = [16 << 10, 32 << 10];
    for (precision, weights, workgroup) in [
        (Precision::F32, WeightType::F16, lean),
        (Precision::F16, WeightType::F16, lean),
        (Precision::F32, WeightType::F32, lean),
        (Precision::F32, WeightType::F16, roomy),
        (Precision::F16, WeightType::F16, roomy),
    ] {
        let limits = Limits { workgroup, ..Limits::default() };
        let models = Models::on(Gpu::dry_within(limits, precision == Precision::F16), weights);
        let (context, latents) = inputs(&models, BATCH, precision);
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
            "activations {precision:?}, weights {weights:?}, {workgroup} bytes of a workgroup: \
             {} dispatches, {} submit, {:.0} MB moved, {ratio:.2} times the least; \
             {:.0} MB of loads and stores",
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
        let (traffic, most) = (stats.bytes_traffic, if workgroup == lean { 85 } else { 75 });
        assert!(weights == WeightType::F32 || traffic <= most * 1_000_000_000, "{traffic} bytes");
    }
}

/// A card is full of workgroups: every product above a GFLOP has 256 and more, slices counted and
/// bands of rows together, with narrow workgroups and with wide ones. Two have fewer: the
/// convolution that halves 64×64 has as few outputs as a VAE's layers, which are never cut into
/// slices, and the queries, keys and values at 8×8 have too few inputs for four.
#[test]
fn every_large_product_of_an_evaluation_fills_a_card() {
    const GROUPS_MIN: u32 = 256;
    for workgroup in [16 << 10, 32 << 10] {
        let limits = Limits { workgroup, ..Limits::default() };
        let models = Models::on(Gpu::dry_within(limits, false), WeightType::F16);
        let (context, latents) = inputs(&models, BATCH, Precision::F32);
        models.gpu.take_recording();
        drop(models.unet.forward(&UnetInput::new(&latents, 1.0, &context)));
        let recorded = models.gpu.take_recording().dispatches;
        let is_product = |name: &str| ["matmul", "conv2d"].contains(&name);
        let products: Vec<&Dispatch> =
            recorded.iter().filter(|dispatch| is_product(dispatch.kernel.name())).collect();
        // Bands follow each other, and have the same weights.
        let of_one = |a: &&Dispatch, b: &&Dispatch| a.bindings[1] == b.bindings[1];
        let sizes = products.chunk_by(of_one).map(|bands| {
            let flops: u64 = bands.iter().map(|band| band.flops).sum();
            let groups = bands.iter().map(|band| band.groups.iter().product::<u32>());
            (flops, groups.sum::<u32>())
        });
        let large: Vec<u32> =
            sizes.filter(|(flops, _)| *flops > 1_000_000_000).map(|(_, groups)| groups).collect();
        let few: Vec<u32> = large.iter().copied().filter(|groups| *groups < GROUPS_MIN).collect();
        println!("{workgroup} bytes: {} products, of them with fewer: {few:?}", large.len());
        assert!(large.len() > 150, "{large:?}");
        assert_eq!(few, [160, 240]);
    }
}
