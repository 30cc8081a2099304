//! `darkroom bench`: measures how fast the kernels are on this adapter, at the shapes of Stable
//! Diffusion v1.4 or in a model's UNet, compared with the adapter's peaks in the same run; and how
//! long whole pictures of a model take.

mod args;
mod compile;
mod model;
mod tables;

pub(crate) use args::BenchArgs;

use crate::disk::write;
use darkroom::gpu::{Gpu, Tuning, describe_adapters};
use darkroom::measure::{BenchOptions, Numerics, bench};
use darkroom::pipeline::{Control, SpeedReport, tune};
use darkroom::{Error, Result, WeightType};

/// Runs the command.
pub(crate) fn run(args: &BenchArgs) -> Result<()> {
    pollster::block_on(async {
        if args.adapters {
            describe_adapters().await.iter().for_each(|text| println!("{text}"));
            return Ok(());
        }
        if args.compile || args.compile_one.is_some() {
            return compile::run(args).await;
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
    let gpu = Gpu::open(&args.device()).await?;
    gpu.use_matrix_units(Numerics::probe(&gpu).await?.matrix_units);
    match args.tuning.as_deref() {
        None => {}
        Some("tuned") => drop(tune(&gpu, None, &Control::default()).await?),
        Some(text) => {
            let refused =
                |why| Error::Request { field: "tuning", reason: format!("{why}: `{text}`") };
            let tuning = Tuning::parse(text).ok_or_else(|| refused("names no kernels"))?;
            if tuning != tuning.within(gpu.matrix_units()) {
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
