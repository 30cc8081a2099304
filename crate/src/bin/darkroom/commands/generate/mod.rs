//! `darkroom generate`: a prompt to a PNG, and on wish every stage between as `.npy`; or a list of
//! requests to a folder of PNGs.

mod tuning_cache;

use crate::disk::{check_picture, create, read_picture, write};
use crate::jobs;
use crate::model_args::ModelArgs;
use clap::{Args, ValueEnum};
use darkroom::gpu::{Gpu, GpuOptions};
use darkroom::pipeline::{
    Control, Extras, Options, Picture, Pipeline, Progress, Request, Shortcuts, Witness, f32_only,
};
use darkroom::weights::npy;
use darkroom::{Error, Precision, Result, WeightType};
use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::BuildHasher;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;

/// Makes a picture from a prompt.
#[derive(Args)]
pub(crate) struct GenerateArgs {
    #[command(flatten)]
    model: ModelArgs,
    /// What to show.
    #[arg(long, required_unless_present = "jobs")]
    prompt: Option<String>,
    /// What to avoid.
    #[arg(long, default_value = "")]
    negative: String,
    /// Chooses the noise: a whole number below 2^64, or -1 for one by chance.
    #[arg(long, default_value = "0", value_parser = seed, allow_negative_numbers = true)]
    seed: u64,
    /// Steps of the sampler, 1 to 1000.
    #[arg(long, default_value_t = 20)]
    steps: u32,
    /// How strongly the prompt pulls; up to 1 means no guidance.
    #[arg(long, default_value_t = 7.5, allow_negative_numbers = true)]
    guidance: f64,
    /// ddim, pndm, lms, euler, euler_ancestral, heun, dpmpp_2m, dpmpp_2m_sde, unipc or lcm.
    #[arg(long, default_value = "ddim")]
    sampler: String,
    /// For ddim: 0 adds no noise, 1 as much as the reverse chain does.
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    eta: f64,
    /// Step over the noise levels of Karras et al., true or false; as in the files when left out.
    #[arg(long)]
    karras: Option<bool>,
    /// Which training times the sampler visits: leading, linspace or trailing; as in the files when
    /// left out.
    #[arg(long)]
    spacing: Option<String>,
    /// Which program's noise the seed chooses: torch, numpy or philox.
    #[arg(long, default_value = "torch")]
    rng: String,
    /// Pictures: of this seed and of those that follow it; several go to out-000.png and so on.
    #[arg(long, default_value_t = 1)]
    count: u32,
    /// What becomes of a prompt of more than 75 tokens: truncate cuts it off, chunks encodes it in
    /// pieces, as AUTOMATIC1111's web UI does.
    #[arg(long, default_value = "truncate")]
    long_prompt: String,
    /// Read (word:1.2), (word) and [word] in prompts as weights, as that web UI does.
    #[arg(long)]
    prompt_weights: bool,
    /// The text encoder's layer to use, counted from the last, as in that web UI: 1 is the last.
    #[arg(long, default_value_t = 1)]
    clip_skip: u32,
    /// Clean prompts as the original program does: plain quotes, HTML entities resolved, ….
    #[arg(long)]
    clean: bool,
    /// Begin with this picture, of any size, instead of noise alone.
    #[arg(long, value_name = "FILE.png")]
    init: Option<PathBuf>,
    /// How far from --init to go, 0 to 1: the share of the steps that are taken; 0.8 when left out.
    #[arg(long, allow_negative_numbers = true)]
    strength: Option<f64>,
    /// In pixels; the model's own size when left out.
    #[arg(long)]
    width: Option<u32>,
    /// In pixels; the model's own size when left out.
    #[arg(long)]
    height: Option<u32>,
    #[command(flatten, next_help_heading = "Faster, not exact")]
    shortcuts: ShortcutArgs,
    /// Where to compute: the graphics adapter, or, by an implementation of its own, the CPU.
    #[arg(long, value_enum, default_value = "gpu")]
    device: Device,
    /// How activations are stored; f16 needs an adapter with shader-f16.
    #[arg(long, default_value = "f32")]
    precision: Precision,
    /// How weights are stored: f32, f16, q8_0, q5_0 or q4_0; as in the files when left out.
    #[arg(long)]
    weights: Option<WeightType>,
    /// MB of graphics memory that all of it may take, where that is possible: parts of the model
    /// are then read again for each picture, and the picture is decoded in bands.
    #[arg(long, value_name = "MB")]
    memory: Option<u64>,
    /// Show pictures without asking the model's safety checker.
    #[arg(long)]
    no_safety: bool,
    /// Begin with these N(0, 1) numbers [1, 4, height/8, width/8] instead of the seed's.
    #[arg(long, value_name = "FILE.npy")]
    latents: Option<PathBuf>,
    /// Write every stage here as .npy, in the layout of diffusers.
    #[arg(long, value_name = "DIR")]
    dump: Option<PathBuf>,
    /// Part of the name of the graphics adapter to use, if there are several.
    #[arg(long)]
    adapter: Option<String>,
    /// Run the kernels that are fastest on this adapter: it is measured the first time, for about
    /// three seconds. Without it a run is reproducible, byte for byte.
    #[arg(long)]
    tune: bool,
    /// The picture to write.
    #[arg(long, value_name = "FILE.png", required_unless_present = "jobs")]
    out: Option<PathBuf>,
    /// Make a picture of every line: requests as JSON, what they leave out as given here.
    #[arg(long, value_name = "FILE.jsonl", requires = "out_dir")]
    #[arg(conflicts_with_all = ["out", "latents", "dump"])]
    jobs: Option<PathBuf>,
    /// Where the pictures of --jobs go; those already there are not made again.
    #[arg(long, value_name = "DIR", requires = "jobs")]
    out_dir: Option<PathBuf>,
}

/// What may be left out of a run; the picture is then another than the exact one.
#[derive(Args)]
struct ShortcutArgs {
    /// Guide on a part of the way only, from noise alone (0) to the picture (1), as in 0.2,0.8;
    /// elsewhere a step is half the work.
    #[arg(long, value_name = "START,END", default_value = "0,1", value_parser = interval)]
    guidance_interval: [f64; 2],
    /// Evaluate the UNet whole every so many times only, and of the others its outermost layers.
    #[arg(long, default_value_t = 1)]
    cache_interval: u32,
    /// Merge this share of the tokens of the highest resolution, 0 to 0.75, into others that are
    /// like them before they attend to each other.
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    token_merging_ratio: f64,
}

impl ShortcutArgs {
    fn shortcuts(&self) -> Shortcuts {
        let ShortcutArgs { guidance_interval, cache_interval, token_merging_ratio } = *self;
        Shortcuts { guidance_interval, cache_interval, token_merging_ratio }
    }
}

/// A seed; -1 is any.
fn seed(text: &str) -> Result<u64, String> {
    if text == "-1" {
        // The standard library's own chance, of which each map has its own.
        return Ok(RandomState::new().hash_one(0));
    }
    text.parse()
        .map_err(|_| format!("`{text}` is neither a whole number from 0 to {} nor -1", u64::MAX))
}

fn interval(text: &str) -> Result<[f64; 2], String> {
    let ends = text.split_once(',').map(|(start, end)| [start.trim(), end.trim()].map(str::parse));
    match ends {
        Some([Ok(start), Ok(end)]) => Ok([start, end]),
        _ => Err(format!("`{text}` is not of the form 0.2,0.8")),
    }
}

/// Where to compute.
#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum Device {
    Gpu,
    Cpu,
}

impl GenerateArgs {
    fn request(&self) -> Request {
        Request {
            prompt: self.prompt.clone().unwrap_or_default(),
            negative_prompt: self.negative.clone(),
            seed: self.seed,
            count: self.count,
            steps: self.steps,
            guidance_scale: self.guidance,
            sampler: self.sampler.clone(),
            eta: self.eta,
            karras: self.karras,
            spacing: self.spacing.clone(),
            rng: self.rng.clone(),
            clip_skip: self.clip_skip,
            long_prompt: self.long_prompt.clone(),
            prompt_weights: self.prompt_weights,
            clean: self.clean,
            strength: self.strength,
            width: self.width,
            height: self.height,
            shortcuts: self.shortcuts.shortcuts(),
        }
    }
}

/// Runs the command.
pub(crate) fn run(args: &GenerateArgs) -> Result<ExitCode> {
    pollster::block_on(async {
        match (&args.jobs, &args.out_dir, &args.out) {
            (Some(list), Some(folder), _) => many(args, list, folder).await,
            (_, _, Some(out)) => some(args, out).await,
            _ => unreachable!("clap asks for --out, or for --jobs and --out-dir"),
        }
    })
}

/// The pictures of the command line's request.
async fn some(args: &GenerateArgs, out: &Path) -> Result<ExitCode> {
    if args.count > 1 && (args.latents.is_some() || args.dump.is_some()) {
        let reason = "must be 1 with --latents and with --dump".to_string();
        return Err(Error::Request { field: "count", reason });
    }
    let places = (0..args.count.clamp(1, 2)).map(|index| numbered(args, out, index));
    places.into_iter().try_for_each(|place| check_picture(&place))?;
    let latents = args.latents.as_deref().map(read_latents).transpose()?;
    let initial = args.init.as_deref().map(read_picture).transpose()?;
    let dump = args.dump.as_deref().map(Dump::new).transpose()?;
    let control = Control { on_progress: Box::new(report), ..Control::default() };
    let pipeline = open(args, &control).await?;
    let witness = dump.as_ref().map(|dump| dump as &dyn Witness);
    let (initial, latents) = (initial.as_ref(), latents.as_ref());
    let extras = Extras { initial, latents, witness, ..Extras::default() };
    let mut receive = |index: u32, picture: Picture| {
        write(&numbered(args, out, index), &picture.png()?)?;
        end_line();
        eprintln!("Safety checker: {}", picture.safety.text());
        Ok(())
    };
    let done = pipeline.generate_each(&args.request(), &control, &extras, &mut receive).await;
    end_line();
    done.map(|()| ExitCode::SUCCESS)
}

/// Where a picture goes: several have numbers in their names.
fn numbered(args: &GenerateArgs, out: &Path, index: u32) -> PathBuf {
    if args.count <= 1 {
        return out.to_owned();
    }
    let stem = out.file_stem().unwrap_or_default().to_string_lossy();
    out.with_file_name(format!("{stem}-{index:03}.png"))
}

async fn many(args: &GenerateArgs, list: &Path, folder: &Path) -> Result<ExitCode> {
    let jobs = jobs::prepare(list, folder, (&args.request(), args.init.as_deref()))?;
    let control = Control { on_progress: Box::new(report), ..Control::default() };
    let pipeline = open(args, &control).await?;
    end_line();
    let failed = jobs::run(&pipeline, &control, &jobs, folder).await?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn open(args: &GenerateArgs, control: &Control) -> Result<Pipeline> {
    let source = Rc::new(args.model.source());
    if args.device == Device::Cpu {
        if args.precision != Precision::F32 || args.weights.is_some_and(|w| w != WeightType::F32) {
            return Err(f32_only());
        }
        return Pipeline::open_on_cpu(source, !args.no_safety, control).await;
    }
    let gpu_options = GpuOptions { adapter: args.adapter.clone(), ..GpuOptions::default() };
    let gpu = Gpu::open(&gpu_options).await.map_err(|error| match error {
        Error::NoAdapter { reason } => Error::NoAdapter {
            reason: format!("{reason}; with --device cpu the CPU computes, slowly"),
        },
        other => other,
    })?;
    eprintln!("Graphics adapter: {}", gpu.info().name);
    if args.tune {
        tuning_cache::tune(&gpu, control).await?;
    }
    let GenerateArgs { precision, weights, .. } = *args;
    let memory = args.memory.map(|megabytes| megabytes * 1_000_000);
    let (safety, reproducible) = (!args.no_safety, !args.tune);
    let options =
        Options { precision, weights, safety, memory, reproducible, ..Options::default() };
    Pipeline::open(&gpu, source, &options, control).await
}

/// Prints an event; on a terminal, steps and loading overwrite one line.
pub(crate) fn report(progress: &Progress) {
    let line = match progress {
        Progress::Loading { part, bytes_done, bytes_total } => {
            format!("Loading {part}: {} of {} MB", bytes_done >> 20, bytes_total >> 20)
        }
        Progress::Tuning { done, total } => format!("Measuring kernels: {done} of {total}"),
        Progress::Compiling { done, total } => format!("Compiling kernels: {done} of {total}"),
        Progress::Notice { text } => {
            end_line();
            eprintln!("{text}");
            return;
        }
        Progress::Step { step, steps } => format!("Step {step} of {steps}"),
        Progress::Decoding => "Decoding".to_string(),
        Progress::Check(_)
        | Progress::Latents { .. }
        | Progress::Preview { .. }
        | Progress::Paused
        | Progress::Resumed => return,
    };
    let mut stderr = std::io::stderr();
    if stderr.is_terminal() {
        // The rest of a longer line before is wiped out. A terminal that is gone is no fault.
        let _ = write!(stderr, "\r{line}\x1b[K");
        let _ = stderr.flush();
    }
}

pub(crate) fn end_line() {
    if std::io::stderr().is_terminal() {
        eprintln!();
    }
}

fn read_latents(path: &Path) -> Result<npy::Array> {
    let shown = path.display().to_string();
    let bytes = fs::read(path)
        .map_err(|e| Error::NotFound { path: shown.clone(), reason: e.to_string() })?;
    npy::read(&shown, &bytes)
}

/// Every stage as a file in a folder.
struct Dump(PathBuf);

impl Dump {
    fn new(folder: &Path) -> Result<Dump> {
        create(folder)?;
        Ok(Dump(folder.to_path_buf()))
    }
}

impl Witness for Dump {
    fn ids(&self, ids: &[u32], shape: [usize; 2]) -> Result<()> {
        let ids: Vec<i64> = ids.iter().map(|id| i64::from(*id)).collect();
        write(&self.0.join("ids.npy"), &npy::write_i64(&shape, &ids))
    }

    fn numbers(&self, name: &str, shape: &[usize], values: &[f32]) -> Result<()> {
        write(&self.0.join(format!("{name}.npy")), &npy::write_f32(shape, values))
    }
}
