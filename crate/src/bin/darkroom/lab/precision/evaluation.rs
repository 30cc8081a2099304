//! One evaluation of a UNet, `NMSE = Σ(a−b)² / Σb²` of its prediction against f32's, for models
//! that are too large for many pictures. Only the UNet is loaded, once for each row.

use super::args::{EXACT, PrecisionArgs, cells};
use darkroom::diffusion::noise::Torch;
use darkroom::gpu::Gpu;
use darkroom::models::unet::{Unet, UnetConfig, UnetInput};
use darkroom::nn::{Loader, Scope};
use darkroom::pipeline::Options;
use darkroom::tensor::Tensor;
use darkroom::weights::{Archive, read_all};
use darkroom::{Error, Result};
use std::rc::Rc;

/// The seed of the fixed inputs.
const SEED: u64 = 1;
/// A timestep in the middle.
const TIMESTEP: f64 = 500.0;
/// Tokens of CLIP's contexts.
const TOKENS: usize = 77;
/// The longest config.
const CONFIG_BYTES_MAX: u64 = 1 << 20;

/// Prints the table.
pub(super) async fn run(args: &PrecisionArgs, gpu: &Gpu, side: usize) -> Result<()> {
    let (exact, bytes) = evaluate(args, gpu, &EXACT, side).await?;
    println!(
        "One evaluation of the UNet, latents of {side}×{side}, timestep {TIMESTEP}, normal latents \
         and context of seed {SEED}; NMSE against f32 weights and activations.\n"
    );
    println!("| weights | activations | MB of the UNet's weights | NMSE |");
    println!("|---|---|---:|---:|");
    println!("{} {:.1} | |", cells(&EXACT), bytes as f64 / 1e6);
    for options in args.rows(gpu) {
        let (eps, bytes) = evaluate(args, gpu, &options, side).await?;
        let nmse = nmse(&eps, &exact);
        println!("{} {:.1} | {nmse:.1e} |", cells(&options), bytes as f64 / 1e6);
    }
    Ok(())
}

/// The prediction, and the bytes of the weights.
async fn evaluate(
    args: &PrecisionArgs,
    gpu: &Gpu,
    options: &Options,
    side: usize,
) -> Result<(Vec<f32>, u64)> {
    let source = args.model.source();
    let file = "unet/config.json";
    let json = read_all(&source, file, CONFIG_BYTES_MAX).await?;
    let config = UnetConfig::parse(file, &String::from_utf8_lossy(&json))?;
    let archive = Archive::open(&source, "unet/diffusion_pytorch_model.safetensors").await?;
    gpu.trim();
    let before = gpu.stats().bytes_alive;
    let scope = Scope::open(gpu, Rc::new(archive), options.weights);
    let unet = Unet::new(&scope, &config)?;
    let bytes = gpu.stats().bytes_alive - before;
    Loader::new(&scope).run(&source, &mut |_, _| Ok(())).await?;

    let c = config.in_channels;
    if !c.is_multiple_of(4) || side == 0 {
        let reason = "must be positive, and the model's latents of a multiple of four channels";
        return Err(Error::Request { field: "side", reason: reason.into() });
    }
    let mut noise = Torch::new(SEED);
    let mut normal = |shape: [usize; 3]| {
        let values = noise.randn(shape.iter().product());
        Tensor::from_f32(gpu, &values, shape, options.precision)
    };
    let latents = normal([side, side, c]).reshape([1, side, side, c]);
    let context = unet.prepare(&normal([1, TOKENS, config.cross_attention_dim]));
    let eps = unet.forward(&UnetInput::new(&latents, TIMESTEP, &context)).sample.to_f32().await?;
    Ok((eps, bytes))
}

fn nmse(got: &[f32], want: &[f32]) -> f64 {
    let noise = got.iter().zip(want).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
    noise / want.iter().map(|b| f64::from(*b).powi(2)).sum::<f64>()
}
