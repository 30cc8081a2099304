//! `darkroom generate`: makes a PNG from a prompt, on request with every stage as `.npy`; or a
//! folder of PNGs from a list of requests.

mod tuning_cache;

use crate::adapter_args::AdapterArgs;
use crate::control_args::{ControlArgs, ControlFiles};
use crate::disk::{check_picture, create, write};
use crate::embedding_args::EmbeddingArgs;
use crate::interrupt::Interrupt;
use crate::jobs::{self, About, JobsArgs, Limits, Tools};
use crate::lora_args::LoraArgs;
use crate::model_args::ModelArgs;
use crate::part_args::PartArgs;
use crate::progress::{Reporter, end_line};
use crate::request_args::{All, RequestArgs};
use crate::start_args::StartArgs;
use crate::taesd_args::TaesdArgs;
use crate::upscaler_args::UpscalerArgs;
use clap::{Args, ValueEnum};
use darkroom::measure;
use darkroom::pipeline::{
    Control, Extras, Observer, Options, Picture, Pipeline, Progress, Request, Upscaler,
    UpscalerOptions, f32_only,
};
use darkroom::weights::npy;
use darkroom::{Error, Precision, Result, WeightType};
use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;

/// Makes a picture from a prompt.
#[derive(Args)]
#[command(mut_arg("prompt", |prompt| prompt.required_unless_present("jobs")))]
pub(crate) struct GenerateArgs {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    parts: PartArgs,
    #[command(flatten)]
    request: RequestArgs<All>,
    #[command(flatten)]
    loras: LoraArgs,
    #[command(flatten)]
    embeddings: EmbeddingArgs,
    #[command(flatten)]
    taesd: TaesdArgs,
    #[command(flatten)]
    start: StartArgs,
    #[command(flatten)]
    controls: ControlArgs,
    #[command(flatten)]
    upscaler: UpscalerArgs,
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
    #[command(flatten)]
    adapter: AdapterArgs,
    /// Run the kernels that are fastest on this adapter: it is measured the first time, for about
    /// three seconds. Without it a run is reproducible, byte for byte.
    #[arg(long)]
    tune: bool,
    /// The picture to write.
    #[arg(long, value_name = "FILE.png", required_unless_present = "jobs")]
    out: Option<PathBuf>,
    #[command(flatten)]
    jobs: JobsArgs,
    /// How progress is written on standard error: for people, or as lines of JSON.
    #[arg(long, value_enum, default_value = "text")]
    progress: Reporter,
}

/// Where to compute.
#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum Device {
    Gpu,
    Cpu,
}

/// Runs the command.
pub(crate) fn run(args: &GenerateArgs) -> Result<ExitCode> {
    pollster::block_on(async {
        match &args.out {
            Some(out) => some(args, out).await,
            None => many(args).await,
        }
    })
}

/// The pictures of the command line's request.
async fn some(args: &GenerateArgs, out: &Path) -> Result<ExitCode> {
    let mut request = args.request.request()?;
    if request.count > 1 && (args.latents.is_some() || args.dump.is_some()) {
        let reason = "must be 1 with --latents and with --dump".to_string();
        return Err(Error::Request { field: "count", reason });
    }
    let places = (0..request.count.clamp(1, 2)).map(|index| numbered(&request, out, index));
    places.into_iter().try_for_each(|place| check_picture(&place))?;
    let latents = args.latents.as_deref().map(read_latents).transpose()?;
    args.upscaler.choose(&mut request);
    args.upscaler.check(&request)?;
    let pictures = args.start.read(&mut request)?;
    let controls = &ControlFiles::default().open(args.controls.specs()).await?;
    let dump = args.dump.as_deref().map(Dump::new).transpose()?;
    let reporter = args.progress;
    let on_progress = Box::new(move |progress: &Progress| reporter.event(progress));
    let control = Control { on_progress, ..Control::default() };
    let Opened { pipeline, upscaler, .. } = open(args, &control).await?;
    let observer = dump.as_ref().map(|dump| dump as &dyn Observer);
    let (latents, upscaler) = (latents.as_ref(), upscaler.as_deref());
    let extras = Extras { latents, upscaler, observer, controls, ..pictures.extras() };
    let mut receive = |index: u32, picture: Picture| {
        write(&numbered(&request, out, index), &picture.png()?)?;
        end_line();
        reporter.say(&format!("Safety checker: {}", picture.safety.text()));
        Ok(())
    };
    let done = pipeline.generate_each(&request, &control, &extras, &mut receive).await;
    end_line();
    done.map(|()| ExitCode::SUCCESS)
}

/// The path of a picture; if there are several, it has a number.
fn numbered(request: &Request, out: &Path, index: u32) -> PathBuf {
    if request.count <= 1 {
        return out.to_owned();
    }
    let stem = out.file_stem().unwrap_or_default().to_string_lossy();
    out.with_file_name(format!("{stem}-{index:03}.png"))
}

/// The pictures of a list.
async fn many(args: &GenerateArgs) -> Result<ExitCode> {
    let mut request = args.request.request()?;
    args.upscaler.choose(&mut request);
    let Some(mut prepared) = jobs::prepare(&args.jobs, (&request, &args.start.files()))? else {
        unreachable!("clap asks for --out, or for --jobs and --out-dir");
    };
    let interrupt = Interrupt::watch().map_err(|fault| Error::Source {
        path: "A signal handler".to_owned(),
        reason: fault.to_string(),
    })?;
    let limits = Rc::new(Limits::new(interrupt, args.jobs.max_pictures, args.jobs.time_limit));
    let control = limited(args.progress, &limits);
    let opened = match open(args, &control).await {
        // There is no picture yet that could be lost.
        Err(Error::Cancelled) => return Ok(prepared.end(&limits, args.progress).into()),
        other => other?,
    };
    let Opened { pipeline, upscaler, adapter } = &opened;
    for job in prepared.list.lines.iter_mut().filter_map(|line| line.job.as_mut().ok()) {
        job.controls.get_or_insert_with(|| args.controls.specs().to_vec());
        job.upscaler.clone_from(upscaler);
    }
    end_line();
    let about = About {
        model: serde_json::to_value(pipeline.provenance()).expect("a name is plain data"),
        adapter: adapter.clone(),
        version: env!("CARGO_PKG_VERSION"),
        shard: prepared.shard.to_string(),
        list: prepared.list.sha256.clone(),
    };
    let tools =
        Tools { pipeline, control: &control, limits: &limits, reporter: args.progress, about };
    prepared.run(&tools).await.map(ExitCode::from)
}

/// What ends the picture in work at a limit.
fn limited(reporter: Reporter, limits: &Rc<Limits>) -> Control {
    let cancel = Rc::new(Cell::new(false));
    let (limits, ends) = (limits.clone(), cancel.clone());
    let on_progress = Box::new(move |progress: &Progress| {
        reporter.event(progress);
        if limits.within().is_some() {
            ends.set(true);
        }
    });
    Control { on_progress, cancel, ..Control::default() }
}

/// What a picture is made with.
struct Opened {
    pipeline: Pipeline,
    upscaler: Option<Rc<Upscaler>>,
    /// The graphics adapter, or `cpu`.
    adapter: String,
}

/// The model, and the upscaler beside it.
async fn open(args: &GenerateArgs, control: &Control) -> Result<Opened> {
    let source = Rc::new(args.parts.with(args.model.source()));
    let loras = args.loras.open().await?;
    let taesd = args.taesd.open().await?;
    let embeddings = args.embeddings.open().await?;
    if args.device == Device::Cpu {
        if args.precision != Precision::F32 || args.weights.is_some_and(|w| w != WeightType::F32) {
            return Err(f32_only());
        }
        let safety = !args.no_safety;
        let options = Options { safety, loras, embeddings, taesd, ..Options::default() };
        let pipeline = Pipeline::open_on_cpu(source, &options, control).await?;
        let upscaler = args.upscaler.open(&pipeline, UpscalerOptions::default(), control).await?;
        return Ok(Opened { pipeline, upscaler, adapter: "cpu".to_owned() });
    }
    let gpu = measure::open(&args.adapter.options()).await.map_err(|error| match error {
        Error::NoAdapter { reason } => Error::NoAdapter {
            reason: format!("{reason}; with --device cpu the CPU computes, slowly"),
        },
        other => other,
    })?;
    let adapter = gpu.info().name.clone();
    args.progress.say(&format!("Graphics adapter: {adapter}"));
    if args.tune {
        tuning_cache::tune(&gpu, control).await?;
    }
    let GenerateArgs { precision, weights, .. } = *args;
    let memory = args.memory.map(|megabytes| megabytes * 1_000_000);
    let (safety, reproducible) = (!args.no_safety, !args.tune);
    let options = Options {
        precision,
        weights,
        safety,
        memory,
        reproducible,
        loras,
        taesd,
        embeddings,
        ..Options::default()
    };
    let pipeline = Pipeline::open(&gpu, source, &options, control).await?;
    // Its weights stay as in its file: it is small, and a picture's record names the file alone.
    let options = UpscalerOptions { precision, weights: None, memory };
    let upscaler = args.upscaler.open(&pipeline, options, control).await?;
    Ok(Opened { pipeline, upscaler, adapter })
}

fn read_latents(path: &Path) -> Result<npy::Array> {
    let shown = path.display().to_string();
    let bytes = fs::read(path)
        .map_err(|e| Error::NotFound { path: shown.clone(), reason: e.to_string() })?;
    npy::read(&shown, &bytes)
}

/// An observer that writes every stage to a file in a folder.
struct Dump(PathBuf);

impl Dump {
    fn new(folder: &Path) -> Result<Dump> {
        create(folder)?;
        Ok(Dump(folder.to_path_buf()))
    }
}

impl Observer for Dump {
    fn ids(&self, ids: &[u32], shape: [usize; 2]) -> Result<()> {
        let ids: Vec<i64> = ids.iter().map(|id| i64::from(*id)).collect();
        write(&self.0.join("ids.npy"), &npy::write_i64(&shape, &ids))
    }

    fn numbers(&self, name: &str, shape: &[usize], values: &[f32]) -> Result<()> {
        write(&self.0.join(format!("{name}.npy")), &npy::write_f32(shape, values))
    }
}
