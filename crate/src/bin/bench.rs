//! `darkroom bench`: how fast the kernels are on this adapter, at the shapes of Stable Diffusion
//! v1.4, beside the adapter's own peaks measured in the same run.

use clap::Args;
use darkroom::gpu::{Gpu, GpuOptions, Tuning};
use darkroom::pipeline::bench::{BenchOptions, bench};
use darkroom::pipeline::tuner;
use darkroom::{Error, Result};

/// Measures the kernels.
#[derive(Args)]
pub struct BenchArgs {
    /// Part of the adapter's name, where there are several.
    #[arg(long)]
    adapter: Option<String>,
    /// Kernels as for a real GPU, also on a software adapter.
    #[arg(long)]
    hardware_tiles: bool,
    /// Kernels by name, such as "matmul=shared conv2d=direct8", or "tuned" for the fastest.
    #[arg(long)]
    tuning: Option<String>,
    /// Only ops whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// Runs of each, of which the median counts.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Rows of the largest shapes are divided by this: a software adapter is a thousand times
    /// slower than a graphics card.
    #[arg(long, default_value_t = 1)]
    divide: usize,
}

/// Runs the command.
pub fn run(args: &BenchArgs) -> Result<()> {
    pollster::block_on(async {
        let software = args.hardware_tiles.then_some(false);
        let options = GpuOptions { adapter: args.adapter.clone(), software, ..Default::default() };
        let gpu = Gpu::open(&options).await?;
        match args.tuning.as_deref() {
            None => {}
            Some("tuned") => drop(tuner::tune(&gpu, None).await?),
            Some(text) => gpu.set_tuning(Tuning::parse(text).ok_or_else(|| Error::Request {
                field: "tuning",
                reason: format!("names no kernels: `{text}`"),
            })?),
        }
        let info = gpu.info();
        println!("{} ({}), {}\n", info.name, info.backend, gpu.tuning());
        println!(
            "{:44}{:>10}{:>10}{:>9}{:>9}{:>9}",
            "", "ms", "GFLOP/s", "of peak", "GB/s", "of copy"
        );
        let options =
            BenchOptions { only: args.only.clone(), runs: args.runs, divide: args.divide };
        let peaks = bench(&gpu, &options, &mut |figure| {
            println!(
                "{:44}{:>10.2}{:>10.2}{:>8.1}%{:>9.2}{:>8.1}%",
                figure.name,
                figure.seconds * 1e3,
                figure.gflops,
                100.0 * figure.of_peak,
                figure.gbps,
                100.0 * figure.of_copy
            );
        })
        .await?;
        println!(
            "\npeaks: {:.1} GFLOP/s of multiply-adds, {:.1} GB/s of a copy",
            peaks.gflops, peaks.gbps
        );
        Ok(())
    })
}
