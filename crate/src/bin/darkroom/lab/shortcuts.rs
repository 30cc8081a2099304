//! `darkroom shortcuts`: prints what each shortcut saves and how much it changes pictures, compared
//! with the exact run, as Markdown. For comparison there are also variants with fewer steps, and
//! LCM's sampler.
//!
//! Work is counted by dry runs, so it is the same on every adapter. Time is measured: the variants
//! are interleaved, and the result is the fastest picture of each, because other load on the
//! machine affects it least.

use super::requests;
use crate::model_args::ModelArgs;
use clap::Args;
use darkroom::Result;
use darkroom::diffusion::{Plan, Sampler};
use darkroom::gpu::{Gpu, GpuOptions, Limits};
use darkroom::image::{Likeness, Rgba};
use darkroom::pipeline::{
    Control, Files, Kinds, Options, Pipeline, Request, Shortcuts, Stage, Workload,
};
use std::rc::Rc;
use std::time::Instant;

/// Prints what each shortcut saves, and how far its pictures are from the exact ones.
#[derive(Args)]
pub(crate) struct ShortcutsArgs {
    #[command(flatten)]
    model: ModelArgs,
    /// How many of the fixed requests to draw.
    #[arg(long, default_value_t = 16)]
    requests: usize,
    /// Steps of each picture, by ddim.
    #[arg(long, default_value_t = 20)]
    steps: u32,
    /// How strongly the prompt pulls.
    #[arg(long, default_value_t = 5.0)]
    guidance: f64,
    /// Only count the work, for which the weights need not be there and no graphics adapter is
    /// needed.
    #[arg(long)]
    counts: bool,
}

/// A variant: its name, and how its request differs from the exact one.
struct Way {
    name: String,
    change: Box<dyn Fn(&mut Request)>,
}

impl Way {
    fn new(name: impl Into<String>, change: impl Fn(&mut Request) + 'static) -> Way {
        Way { name: name.into(), change: Box::new(change) }
    }

    fn shortcuts(shortcuts: Shortcuts) -> Way {
        let Shortcuts { guidance_interval: [start, end], cache_interval, token_merging_ratio } =
            shortcuts;
        let mut parts = Vec::new();
        if [start, end] != Shortcuts::default().guidance_interval {
            parts.push(format!("guidance_interval {start} to {end}"));
        }
        if cache_interval > 1 {
            parts.push(format!("cache_interval {cache_interval}"));
        }
        if token_merging_ratio > 0.0 {
            parts.push(format!("token_merging_ratio {token_merging_ratio}"));
        }
        Way::new(parts.join(", "), move |request| request.shortcuts = shortcuts)
    }

    fn request(&self, i: usize, args: &ShortcutsArgs) -> Request {
        let mut request = requests::request(i, args.steps, args.guidance);
        (self.change)(&mut request);
        request
    }
}

/// All variants, the exact one first.
fn ways(args: &ShortcutsArgs) -> Vec<Way> {
    let guided = |start, end| {
        Way::shortcuts(Shortcuts { guidance_interval: [start, end], ..Shortcuts::default() })
    };
    let cached =
        |every| Way::shortcuts(Shortcuts { cache_interval: every, ..Shortcuts::default() });
    let merging = |token_merging_ratio| {
        Way::shortcuts(Shortcuts { token_merging_ratio, ..Shortcuts::default() })
    };
    let both = |start, end, cache_interval| {
        let guidance_interval = [start, end];
        Way::shortcuts(Shortcuts { guidance_interval, cache_interval, ..Shortcuts::default() })
    };
    let fewer = |share: f64| {
        let steps = (f64::from(args.steps) * share).round().max(1.0) as u32;
        Way::new(format!("{steps} steps"), move |request| request.steps = steps)
    };
    let lcm = |steps| {
        Way::new(format!("lcm, {steps} steps, guidance 1"), move |request| {
            (request.sampler, request.steps, request.guidance_scale) = ("lcm".into(), steps, 1.0);
        })
    };
    vec![
        Way::new("exact", |_| ()),
        guided(0.0, 0.8),
        guided(0.1, 0.8),
        guided(0.2, 0.8),
        guided(0.0, 0.5),
        cached(2),
        cached(3),
        cached(5),
        merging(0.25),
        merging(0.5),
        merging(0.75),
        both(0.0, 0.8, 2),
        both(0.0, 0.8, 3),
        fewer(0.75),
        fewer(0.5),
        fewer(0.25),
        lcm(8),
        lcm(4),
    ]
}

/// The work of the UNet for a picture.
#[derive(Default)]
struct Work {
    flops: u64,
    bytes: u64,
    dispatches: u64,
    /// The peak of memory in its stage.
    peak: u64,
}

impl Work {
    async fn of(files: &Files, request: &Request) -> Result<Work> {
        let sampler: Sampler = request.sampler.parse()?;
        let plan = sampler.plan(&files.schedule, request.steps as usize)?;
        let plan: Plan = request.shortcuts.apply(plan, &files.schedule);
        let description = files.describe();
        let load = Workload {
            size: request.size(&description.allowed()),
            prompts: files.prompts(request),
            chunks: 1,
            pictures: 1,
            kinds: Kinds::of(&plan),
            begins: false,
        };
        let dry = files.dry_run(&Options::default(), Limits::default(), load).await?;
        let denoising = dry.peaks.iter().find(|(stage, _)| *stage == Stage::Denoising);
        let (_, held) = denoising.expect("a run denoises");
        let mut work = Work { peak: held.total(), ..Work::default() };
        for evaluation in &plan.evaluations {
            let phase = dry.evaluation(evaluation.kind).expect("the load has the plan's kinds");
            work.flops += phase.stats.flops;
            work.bytes += phase.stats.bytes_moved;
            work.dispatches += phase.stats.dispatches;
        }
        Ok(work)
    }
}

/// The measurements of a variant's pictures.
#[derive(Default)]
struct Drawn {
    seconds: Vec<f64>,
    /// In dB; infinite for a picture that equals the exact one.
    psnr: Vec<f64>,
    ssim: Vec<f64>,
}

/// Runs the command.
pub(crate) fn run(args: &ShortcutsArgs) -> Result<()> {
    pollster::block_on(async {
        let files = Files::open(&args.model.source()).await?;
        let ways = ways(args);
        let mut works = Vec::new();
        for way in &ways {
            works.push(Work::of(&files, &way.request(0, args)).await?);
        }
        if args.counts {
            print_counts(&ways, &works);
            return Ok(());
        }
        let drawn = draw(args, &ways).await?;
        print_losses(&ways, &works, &drawn);
        Ok(())
    })
}

/// Makes the pictures of all requests, each in all variants. The first request runs once more
/// before, to compile the kernels.
async fn draw(args: &ShortcutsArgs, ways: &[Way]) -> Result<Vec<Drawn>> {
    let gpu = Gpu::open(&GpuOptions::default()).await?;
    let options = Options { safety: false, ..Options::default() };
    let control = Control::default();
    let source = Rc::new(args.model.source());
    let pipeline = Pipeline::open(&gpu, source, &options, &control).await?;
    for way in ways {
        pipeline.generate(&way.request(0, args), &control).await?;
    }
    let mut drawn: Vec<Drawn> = ways.iter().map(|_| Drawn::default()).collect();
    for i in 0..args.requests {
        let mut exact = None;
        for (way, drawn) in ways.iter().zip(&mut drawn) {
            let start = Instant::now();
            let picture = pipeline.generate(&way.request(i, args), &control).await?;
            drawn.seconds.push(start.elapsed().as_secs_f64());
            let picture = Rgba::new(picture.width, picture.height, picture.rgba);
            let exact = exact.get_or_insert_with(|| picture.clone());
            let likeness = Likeness::of(&picture, exact).expect("pictures of one size");
            drawn.psnr.push(likeness.psnr.unwrap_or(f64::INFINITY));
            drawn.ssim.extend(likeness.ssim);
        }
        eprintln!("{} of {} drawn", i + 1, args.requests);
    }
    Ok(drawn)
}

fn print_losses(ways: &[Way], works: &[Work], drawn: &[Drawn]) {
    println!("| way | PSNR, median | worst | SSIM, median | work | time | seconds, the quickest |");
    println!("|---|---:|---:|---:|---:|---:|---:|");
    for ((way, work), row) in ways.iter().zip(works).zip(drawn) {
        println!(
            "| {} | {} | {} | {:.3} | {:.2} | {:.2} | {:.2} |",
            way.name,
            decibel(part(&row.psnr, 0.5)),
            decibel(part(&row.psnr, 0.0)),
            part(&row.ssim, 0.5),
            work.flops as f64 / works[0].flops as f64,
            part(&row.seconds, 0.0) / part(&drawn[0].seconds, 0.0),
            part(&row.seconds, 0.0),
        );
    }
}

fn print_counts(ways: &[Way], works: &[Work]) {
    println!("| way | GFLOP | work | GB moved | dispatches | peak MB |");
    println!("|---|---:|---:|---:|---:|---:|");
    for (way, work) in ways.iter().zip(works) {
        println!(
            "| {} | {:.0} | {:.2} | {:.1} | {} | {:.1} |",
            way.name,
            work.flops as f64 / 1e9,
            work.flops as f64 / works[0].flops as f64,
            work.bytes as f64 / 1e9,
            work.dispatches,
            work.peak as f64 / 1e6,
        );
    }
}

/// The quantile `share` of the values, by the nearest rank.
fn part(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len().saturating_sub(1) as f64 * share).round() as usize;
    sorted.get(rank).copied().unwrap_or(f64::NAN)
}

/// The PSNR of equal pictures is infinite.
fn decibel(value: f64) -> String {
    if value.is_finite() { format!("{value:.1}") } else { "equal".into() }
}
