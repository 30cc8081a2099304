//! `darkroom memory`: prints, from dry runs, the peak of memory in each stage of a run, for every
//! type of weights and activations and several sizes.

use crate::commands::inspect::text_of;
use crate::model_args::ModelArgs;
use clap::Args;
use darkroom::gpu::Limits;
use darkroom::pipeline::{Files, Kinds, Options, Workload};
use darkroom::{Precision, Result, WeightType};

/// Prints the tables.
#[derive(Args)]
pub(crate) struct MemoryArgs {
    #[command(flatten)]
    model: ModelArgs,
    /// Width and height in pixels, such as 512x768; may be given several times.
    #[arg(long, value_name = "WxH", value_parser = size)]
    #[arg(default_values = ["512x512", "512x768", "768x768", "1024x1024"])]
    size: Vec<[u32; 2]>,
    /// MB that all of it may take, where that is possible.
    #[arg(long, value_name = "MB")]
    memory: Option<u64>,
}

/// Width and height of text such as 512x768.
pub(crate) fn size(text: &str) -> std::result::Result<[u32; 2], String> {
    let sides = text.split_once('x').map(|(width, height)| [width, height].map(str::parse));
    match sides {
        Some([Ok(width), Ok(height)]) => Ok([width, height]),
        _ => Err(format!("{text} is no size such as 512x768")),
    }
}

/// The types of weights that fit in a browser's memory.
const WEIGHTS: [WeightType; 4] =
    [WeightType::F16, WeightType::Q8_0, WeightType::Q5_0, WeightType::Q4_0];

const HEAD: &str = "| weights | activations | loading | text | UNet | decode | most | of it: \
    weights, activations, staging | |";

/// Runs the command.
pub(crate) fn run(args: &MemoryArgs) -> Result<()> {
    pollster::block_on(async {
        let files = Files::open(&args.model.source()).await?;
        for size in &args.size {
            println!("\n### {}×{}\n", size[0], size[1]);
            println!("{HEAD}");
            println!("|---|---|---:|---:|---:|---:|---:|---|---|");
            for weights in WEIGHTS {
                for precision in [Precision::F32, Precision::F16] {
                    row(args, &files, *size, (weights, precision)).await?;
                }
            }
        }
        Ok(())
    })
}

/// Prints the row of one combination of types.
async fn row(
    args: &MemoryArgs,
    files: &Files,
    size: [u32; 2],
    (weights, precision): (WeightType, Precision),
) -> Result<()> {
    let memory = args.memory.map(|megabytes| megabytes * 1_000_000);
    let options = Options { precision, weights: Some(weights), memory, ..Options::default() };
    let load =
        Workload { size, prompts: 2, chunks: 1, pictures: 1, kinds: Kinds::EXACT, begins: false };
    let dry = files.dry_run(&options, Limits::default(), load).await?;
    let mega = |bytes: u64| format!("{:.1}", bytes as f64 / 1e6);
    let stages = dry.peaks.iter().map(|(_, held)| mega(held.total()));
    let most = dry.peak();
    println!(
        "| {weights} | {precision} | {} | **{}** | {} + {} + {} | {} |",
        stages.collect::<Vec<_>>().join(" | "),
        mega(most.total()),
        mega(most.weights),
        mega(most.activations),
        mega(most.staging),
        text_of(dry.residency)
    );
    Ok(())
}
