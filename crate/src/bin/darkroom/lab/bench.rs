//! `darkroom bench`: measures how fast the kernels are on this adapter, at the shapes of Stable
//! Diffusion v1.4 or in a model's UNet, compared with the adapter's peaks in the same run.

use clap::Args;
use darkroom::gpu::{Gpu, GpuOptions, Tuning};
use darkroom::measure::{BenchOptions, Peaks, bench};
use darkroom::pipeline::{Control, Options, Pipeline, Profile, tune};
use darkroom::weights::FileSource;
use darkroom::{Error, Result};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Measures the kernels.
#[derive(Args)]
pub(crate) struct BenchArgs {
    /// Part of the adapter's name, where there are several.
    #[arg(long)]
    adapter: Option<String>,
    /// Kernels as for a real GPU, also on a software adapter.
    #[arg(long)]
    hardware_tiles: bool,
    /// Kernels by name, such as "matmul=shared conv2d=direct8", or "tuned" for the fastest.
    #[arg(long)]
    tuning: Option<String>,
    /// Instead of single ops, an evaluation of this model's UNet, by kernel: a folder or a
    /// checkpoint file.
    #[arg(long, value_name = "PATH")]
    model: Option<PathBuf>,
    /// With --model, width and height of the picture in pixels; the model's own without it.
    #[arg(long, value_name = "WxH", value_parser = super::memory::size)]
    size: Option<[u32; 2]>,
    /// With --model, prints every dispatch.
    #[arg(long)]
    each: bool,
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
pub(crate) fn run(args: &BenchArgs) -> Result<()> {
    pollster::block_on(async {
        let software = args.hardware_tiles.then_some(false);
        let options = GpuOptions { adapter: args.adapter.clone(), software, ..Default::default() };
        let gpu = Gpu::open(&options).await?;
        match args.tuning.as_deref() {
            None => {}
            Some("tuned") => drop(tune(&gpu, None, &Control::default()).await?),
            Some(text) => gpu.set_tuning(Tuning::parse(text).ok_or_else(|| Error::Request {
                field: "tuning",
                reason: format!("names no kernels: `{text}`"),
            })?),
        }
        let info = gpu.info();
        println!("{} ({}), {}\n", info.name, info.backend, gpu.tuning());
        if let Some(model) = &args.model {
            return evaluation(args, &gpu, model).await;
        }
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
        println!();
        print_peaks(peaks);
        Ok(())
    })
}

/// Measures an evaluation of a model's UNet.
async fn evaluation(args: &BenchArgs, gpu: &Gpu, model: &Path) -> Result<()> {
    let (source, control) = (Rc::new(FileSource::open(model)), Control::default());
    let options = Options { safety: false, reproducible: false, ..Options::default() };
    let pipeline = Pipeline::open(gpu, source, &options, &control).await?;
    let own = pipeline.describe();
    let size = args.size.unwrap_or([own.width, own.height]);
    let profile = pipeline.profile(size, args.runs, &control).await?;
    if args.each {
        for timed in &profile.dispatches {
            println!(
                "{:24}{:>16}{:>10.3} ms{:>10.2} GFLOP/s{:>9.2} GB/s",
                timed.kernel,
                timed.groups.map(|n| n.to_string()).join("×"),
                timed.seconds * 1e3,
                timed.flops as f64 / timed.seconds / 1e9,
                timed.bytes as f64 / timed.seconds / 1e9
            );
        }
    }
    print_profile(&profile);
    Ok(())
}

fn print_profile(profile: &Profile) {
    let head = ["dispatches", "ms", "GFLOP", "MB", "of peak", "of copy"];
    println!("{:24}{}", "kernel", head.map(|name| format!("{name:>11}")).concat());
    for kernel in &profile.kernels {
        println!(
            "{:24}{:>11}{:>11.2}{:>11.2}{:>11.1}{:>10.1}%{:>10.1}%",
            kernel.kernel,
            kernel.dispatches,
            kernel.seconds * 1e3,
            kernel.gflop,
            kernel.mb,
            100.0 * kernel.of_peak,
            100.0 * kernel.of_copy
        );
    }
    let sum: f64 = profile.kernels.iter().map(|kernel| kernel.seconds).sum();
    let clock = if profile.by_device_clock { "the device's clock" } else { "the wall clock" };
    println!("\nby {clock}, all kernels {:.1} ms", 1e3 * sum);
    let [width, height] = profile.size;
    println!("an evaluation for {width}×{height}: {:.1} ms", 1e3 * profile.seconds);
    print_peaks(profile.peaks);
}

fn print_peaks(Peaks { gflops, gbps }: Peaks) {
    println!("peaks: {gflops:.1} GFLOP/s of multiply-adds, {gbps:.1} GB/s of a copy");
}
