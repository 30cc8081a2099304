//! `darkroom bench`: measures how fast the kernels are on this adapter, at the shapes of Stable
//! Diffusion v1.4 or in a model's UNet, compared with the adapter's peaks in the same run; and how
//! long whole pictures of a model take.

mod model;
mod tables;

use crate::adapter_args::AdapterArgs;
use crate::disk::write;
use clap::Args;
use darkroom::gpu::{Gpu, GpuOptions, Tuning, describe_adapters};
use darkroom::measure::{BenchOptions, Numerics, bench};
use darkroom::pipeline::{Control, SpeedReport, tune};
use darkroom::{Error, Precision, Result, WeightType};
use std::path::PathBuf;

/// Measures the kernels.
#[derive(Args)]
pub(crate) struct BenchArgs {
    /// Only prints what the adapters of this machine say of themselves.
    #[arg(long)]
    adapters: bool,
    #[command(flatten)]
    adapter: AdapterArgs,
    /// Kernels as for a real GPU, also on a software adapter.
    #[arg(long)]
    hardware_tiles: bool,
    /// Kernels by name, such as "matmul=shared conv2d=direct8", or "tuned" for the fastest.
    #[arg(long)]
    tuning: Option<String>,
    /// How activations are stored; f16 needs an adapter with shader-f16.
    #[arg(long, default_value = "f32")]
    precision: Precision,
    /// How weights are stored: f32, f16, q8_0, q5_0 or q4_0. When left out, f16, and those of
    /// --model as in its files.
    #[arg(long)]
    weights: Option<WeightType>,
    /// Instead of single ops, an evaluation of this model's UNet, by kernel: a folder or a
    /// checkpoint file.
    #[arg(long, value_name = "PATH")]
    model: Option<PathBuf>,
    /// With --model, width and height of the picture in pixels, or several; the model's own without
    /// it.
    #[arg(long, value_name = "WxH", value_delimiter = ',', value_parser = super::memory::size)]
    size: Vec<[u32; 2]>,
    /// With --model, prints every dispatch.
    #[arg(long)]
    each: bool,
    /// With --model, also times two pictures of so many steps of each size; the first one compiles.
    #[arg(long, value_name = "STEPS")]
    picture: Option<u32>,
    /// With --model, MB of graphics memory that all of it may take.
    #[arg(long, value_name = "MB")]
    memory: Option<u64>,
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
    /// Also writes all figures here.
    #[arg(long, value_name = "FILE.json")]
    json: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(args: &BenchArgs) -> Result<()> {
    pollster::block_on(async {
        if args.adapters {
            describe_adapters().await.iter().for_each(|text| println!("{text}"));
            return Ok(());
        }
        let gpu = open(args).await?;
        let info = gpu.info();
        println!("{} ({}), {}", info.name, info.backend, gpu.tuning());
        let weights = args.weights.map_or("", WeightType::name);
        println!("{}, activations {}, weights {weights}\n", info.driver, args.precision);
        let mut report = SpeedReport::new(&gpu, args.precision, args.weights);
        let mut save = |report: &SpeedReport| match &args.json {
            None => Ok(()),
            Some(path) => {
                let json = serde_json::to_string_pretty(report).expect("numbers and texts");
                write(path, format!("{json}\n").as_bytes())
            }
        };
        match &args.model {
            Some(model) => model::measure(args, &gpu, model, &mut report, &mut save).await,
            None => ops(args, &gpu, &mut report, &mut save).await,
        }
    })
}

async fn open(args: &BenchArgs) -> Result<Gpu> {
    let software = args.hardware_tiles.then_some(false);
    let options = GpuOptions { software, ..args.adapter.options() };
    let gpu = Gpu::open(&options).await?;
    gpu.use_matrix_units(Numerics::probe(&gpu).await?.has_matrix_units);
    match args.tuning.as_deref() {
        None => {}
        Some("tuned") => drop(tune(&gpu, None, &Control::default()).await?),
        Some(text) => {
            let refused =
                |why| Error::Request { field: "tuning", reason: format!("{why}: `{text}`") };
            let tuning = Tuning::parse(text).ok_or_else(|| refused("names no kernels"))?;
            if tuning != tuning.off_matrix_units() && !gpu.uses_matrix_units() {
                return Err(refused("asks for matrix units, which are not used here"));
            }
            gpu.set_tuning(tuning);
        }
    }
    Ok(gpu)
}

/// Measures single ops; `save` is called after each.
async fn ops(
    args: &BenchArgs,
    gpu: &Gpu,
    report: &mut SpeedReport,
    save: &mut dyn FnMut(&SpeedReport) -> Result<()>,
) -> Result<()> {
    let options = BenchOptions {
        only: args.only.clone(),
        runs: args.runs,
        divide: args.divide,
        precision: args.precision,
        weights: args.weights.unwrap_or(WeightType::F16),
    };
    report.weights = Some(options.weights.name());
    tables::print_head();
    let mut saved = Ok(());
    let peaks = bench(gpu, &options, &mut |figure| {
        tables::print_figure(figure);
        report.ops.push(figure.clone());
        if saved.is_ok() {
            saved = save(report);
        }
    })
    .await?;
    report.peaks = Some(peaks);
    println!();
    tables::print_peaks(peaks);
    saved.and_then(|()| save(report))
}
