//! `darkroom generate`: makes a PNG from a prompt, on request with every stage as `.npy`; or a
//! folder of PNGs from a list of requests.

use crate::control_args::{ControlArgs, ControlFiles};
use crate::disk::{check_picture, create, write};
use crate::interrupt::Interrupt;
use crate::jobs::{self, About, JobsArgs, Limits, Tools};
use crate::open_args::{OpenArgs, Opened};
use crate::progress::{Reporter, end_line};
use crate::request_args::{All, RequestArgs};
use crate::start_args::StartArgs;
use clap::Args;
use darkroom::pipeline::{Control, Extras, Observer, Picture, Progress, Request};
use darkroom::weights::npy;
use darkroom::{Error, Result};
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
    opens: OpenArgs,
    #[command(flatten)]
    request: RequestArgs<All>,
    #[command(flatten)]
    start: StartArgs,
    #[command(flatten)]
    controls: ControlArgs,
    /// Begin with these N(0, 1) numbers [1, 4, height/8, width/8] instead of the seed's.
    #[arg(long, value_name = "FILE.npy")]
    latents: Option<PathBuf>,
    /// Write every stage here as .npy, in the layout of diffusers.
    #[arg(long, value_name = "DIR")]
    dump: Option<PathBuf>,
    /// The picture to write.
    #[arg(long, value_name = "FILE.png", required_unless_present = "jobs")]
    out: Option<PathBuf>,
    #[command(flatten)]
    jobs: JobsArgs,
    /// How progress is written on standard error: for people, or as lines of JSON.
    #[arg(long, value_enum, default_value = "text")]
    progress: Reporter,
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
    args.opens.upscaler.choose(&mut request);
    args.opens.upscaler.check(&request)?;
    let pictures = args.start.read(&mut request)?;
    let controls = &ControlFiles::default().open(args.controls.specs()).await?;
    let dump = args.dump.as_deref().map(Dump::new).transpose()?;
    let reporter = args.progress;
    let on_progress = Box::new(move |progress: &Progress| reporter.event(progress));
    let control = Control { on_progress, ..Control::default() };
    let Opened { pipeline, upscaler, .. } = args.opens.open(args.progress, &control).await?;
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
    args.opens.upscaler.choose(&mut request);
    let Some(mut prepared) = jobs::prepare(&args.jobs, (&request, &args.start.files()))? else {
        unreachable!("clap asks for --out, or for --jobs and --out-dir");
    };
    let interrupt = Interrupt::watch().map_err(|fault| Error::Source {
        path: "A signal handler".to_owned(),
        reason: fault.to_string(),
    })?;
    let limits = Rc::new(Limits::new(interrupt, args.jobs.max_pictures, args.jobs.time_limit));
    let control = limited(args.progress, &limits);
    let opened = match args.opens.open(args.progress, &control).await {
        // There is no picture yet that could be lost.
        Err(Error::Cancelled) => return Ok(prepared.end(&limits, args.progress).into()),
        other => other?,
    };
    let Opened { pipeline, upscaler, adapter } = &opened;
    prepared.give(args.controls.specs(), upscaler.as_ref())?;
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
