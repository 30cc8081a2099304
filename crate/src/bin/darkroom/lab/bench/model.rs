//! A model's UNet by kernel, and its pictures by stage.

use super::args::BenchArgs;
use super::tables;
use darkroom::Result;
use darkroom::gpu::Gpu;
use darkroom::pipeline::{Control, Options, PictureTime, Pipeline, Progress, Request, SpeedReport};
use darkroom::weights::FileSource;
use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;
use std::time::Instant;

/// Pictures of each size; the first one compiles what has not run yet.
const PICTURES: usize = 2;

/// Measures evaluations of a model's UNet, and pictures where they are asked for; `save` is called
/// after each.
pub(super) async fn measure(
    args: &BenchArgs,
    gpu: &Gpu,
    model: &Path,
    report: &mut SpeedReport,
    save: &mut dyn FnMut(&SpeedReport) -> Result<()>,
) -> Result<()> {
    let (source, control) = (Rc::new(FileSource::open(model)), Control::default());
    let options = Options {
        precision: args.precision,
        weights: args.weights,
        memory: args.memory.map(|megabytes| megabytes * 1_000_000),
        safety: false,
        reproducible: false,
        ..Options::default()
    };
    let start = Instant::now();
    let pipeline = Pipeline::open(gpu, source, &options, &control).await?;
    let open_seconds = start.elapsed().as_secs_f64();
    println!("opened in {open_seconds:.1} s\n");
    report.open_seconds = Some(open_seconds);
    report.model = Some(model.display().to_string());
    let own = pipeline.describe();
    let sizes = match args.size.as_slice() {
        [] => &[[own.width, own.height]],
        sizes => sizes,
    };
    for &size in sizes {
        let profile = pipeline.profile(size, args.runs, &control).await?;
        if args.each {
            profile.dispatches.iter().for_each(tables::print_dispatch);
        }
        tables::print_profile(&profile);
        report.peaks = Some(profile.peaks);
        report.evaluations.push(profile);
        save(report)?;
    }
    for &size in sizes {
        for _ in 0..args.picture.map_or(0, |_| PICTURES) {
            let time = picture(&pipeline, size, args.picture.unwrap_or_default()).await?;
            tables::print_picture(&time);
            report.pictures.push(time);
            save(report)?;
        }
    }
    Ok(())
}

/// Draws a picture of a size, and times its stages.
async fn picture(pipeline: &Pipeline, size: [u32; 2], steps: u32) -> Result<PictureTime> {
    let start = Instant::now();
    let [first, decoding] = [const { Cell::new(0.0) }; 2].map(Rc::new);
    let times = (first.clone(), decoding.clone());
    let on_progress = move |progress: &Progress| match progress {
        Progress::Step { step: 0, .. } => times.0.set(start.elapsed().as_secs_f64()),
        Progress::Decoding => times.1.set(start.elapsed().as_secs_f64()),
        _ => {}
    };
    let control = Control { on_progress: Box::new(on_progress), ..Control::default() };
    let [width, height] = size.map(Some);
    let prompt = "a photograph of an astronaut riding a horse".to_string();
    let request = Request { prompt, width, height, steps, ..Request::default() };
    drop(pipeline.generate(&request, &control).await?);
    let seconds = start.elapsed().as_secs_f64();
    Ok(PictureTime {
        size,
        steps,
        seconds,
        before_seconds: first.get(),
        steps_seconds: decoding.get() - first.get(),
        decoding_seconds: seconds - decoding.get(),
        bytes_peak: pipeline.bytes_peak().unwrap_or(0),
    })
}
