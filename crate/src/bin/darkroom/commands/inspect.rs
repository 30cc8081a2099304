//! `darkroom inspect`: prints what a model is and, from a dry run, what a picture costs.

use crate::model_args::ModelArgs;
use crate::part_args::PartArgs;
use crate::request_args::{RequestArgs, Size};
use clap::Args;
use darkroom::gpu::Limits;
use darkroom::pipeline::{
    Description, Files, Kinds, MadeFor, Options, Part, PartCost, Residency, SafetyFiles, Workload,
};
use darkroom::weights::{Source, check_for_zeros};
use darkroom::{Precision, Result, WeightType};

/// Prints what a model is, and what a picture would cost.
#[derive(Args)]
pub(crate) struct InspectArgs {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    parts: PartArgs,
    #[command(flatten)]
    size: RequestArgs<Size>,
    /// How activations would be stored.
    #[arg(long, default_value = "f32")]
    precision: Precision,
    /// How weights would be stored: f32, f16, q8_0, q5_0 or q4_0; as in the files when left out.
    #[arg(long)]
    weights: Option<WeightType>,
    /// Also list the kernels of each phase.
    #[arg(long)]
    kernels: bool,
}

/// Opens the model's headers, and checks samples of its values for unfinished downloads.
async fn open(source: &dyn Source) -> Result<Files> {
    let files = Files::open(source).await?;
    for (_, archive) in files.archives() {
        check_for_zeros(source, archive).await?;
    }
    Ok(files)
}

/// Runs the command.
pub(crate) fn run(args: &InspectArgs) -> Result<()> {
    pollster::block_on(async {
        let source = args.parts.with(args.model.source());
        let files = open(&source).await?;
        let tokenizer = files.tokenizer(&source).await?;
        let description = files.describe();
        let request = args.size.request()?;
        request.validate(&description.allowed())?;
        let [width, height] = request.size(&description.allowed());

        print_parts(&files, tokenizer.length());
        println!("parameters    {}", thousands(description.parameters));
        print_samplers(&description);

        let (precision, weights) = (args.precision, args.weights);
        let options = Options { precision, weights, ..Options::default() };
        let limits = Limits::default();
        let size = [width, height];
        let (prompts, kinds) = (files.prompts(&request), Kinds::EXACT);
        let load = Workload { size, prompts, chunks: 1, pictures: 1, kinds, begins: false };
        let dry = files.dry_run(&options, limits, load).await?;
        println!("weights       {} on the GPU", megabytes(dry.weight_bytes));
        println!("residency     {}", text_of(dry.residency));
        let checker = match SafetyFiles::open(&source).await? {
            Some(checker) => Some(checker.dry_run(weights, limits).await?),
            None => None,
        };
        match &checker {
            Some((bytes, _)) => println!("safety        a checker, {} more", megabytes(*bytes)),
            None => println!("safety        this model has no checker"),
        }
        println!(
            "\n{width}×{height}, {} activations, with guidance, within WebGPU's default limits:",
            options.precision
        );
        println!(
            "{:24}{:>12}{:>12}{:>12}{:>14}{:>18}{:>12}{:>12}{:>12}",
            "",
            "dispatches",
            "GFLOP",
            "MB moved",
            "MB of loads",
            "peak bytes",
            "weights",
            "activations",
            "staging MB"
        );
        for cost in dry.costs.iter().chain(checker.iter().map(|(_, cost)| cost)) {
            print_cost(cost, args.kernels);
        }
        Ok(())
    })
}

/// Prints the sizes of the networks; the tokenizer makes so many tokens of a prompt.
fn print_parts(files: &Files, tokens: usize) {
    let text = &files.text_encoder;
    println!(
        "text encoder  {} layers of {}, {} heads, {} tokens of {}",
        text.encoder.num_hidden_layers,
        text.encoder.hidden_size,
        text.encoder.num_attention_heads,
        tokens,
        text.vocab_size
    );
    let levels: Vec<_> = files.unet.levels.iter().map(|level| level.channels).collect();
    let middle = if files.unet.mid_block { "" } else { ", no middle" };
    println!(
        "UNet          levels of {levels:?}{middle}, context of {}",
        files.unet.cross_attention_dim
    );
    println!(
        "VAE           levels of {:?}, {} latent channels, {} pixels per latent",
        files.vae.block_out_channels,
        files.vae.latent_channels,
        files.vae.factor()
    );
}

/// Prints the samplers, and what the model was made for.
fn print_samplers(description: &Description) {
    println!("samplers      {}", description.samplers.join(", "));
    if let Some(MadeFor { sampler, steps, guidance_scale }) = description.made_for {
        println!("made for      {sampler}, {steps} steps, a guidance scale of {guidance_scale}");
    }
}

/// Prints a row of the table. "MB moved" counts each bound byte once for each dispatch. "MB of
/// loads" counts all bytes that invocations load and store: more than that where tiles overlap.
fn print_cost(PartCost { name, stats, kernels }: &PartCost, with_kernels: bool) {
    let giga = |flops: u64| format!("{:.2}", flops as f64 / 1e9);
    let mega = |bytes: u64| format!("{:.1}", bytes as f64 / 1e6);
    println!(
        "{name:24}{:>12}{:>12}{:>12}{:>14}{:>18}{:>12}{:>12}{:>12}",
        stats.dispatches,
        giga(stats.flops),
        mega(stats.bytes_moved),
        mega(stats.bytes_traffic),
        thousands(stats.bytes_peak),
        mega(stats.peak.weights),
        mega(stats.peak.activations),
        mega(stats.peak.staging)
    );
    for kernel in kernels.iter().filter(|_| with_kernels) {
        println!(
            "    {:20}{:>12}{:>12}{:>12}{:>14}",
            kernel.name,
            kernel.dispatches,
            giga(kernel.flops),
            mega(kernel.bytes),
            mega(kernel.traffic)
        );
    }
}

/// The residency in words.
pub(crate) fn text_of(Residency { kept, bands, taesd }: Residency) -> String {
    let title = |part: Part| match part {
        Part::TextEncoder => "text encoder",
        Part::Unet => "UNet",
        Part::Vae => "VAE",
        other => other.name(),
    };
    let names: Vec<_> = kept.iter().map(title).collect();
    let kept = if names.is_empty() { "nothing".into() } else { names.join(", ") };
    match bands {
        _ if taesd => format!("{kept} kept; decoded by the TAESD"),
        Some(rows) => format!("{kept} kept; decoded in bands of {rows} rows"),
        None => format!("{kept} kept; decoded whole"),
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// Digits in groups of three.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}
