//! `darkroom bench --compile`: compiles each kernel of Stable Diffusion v1.4's networks, at 512×512
//! with guidance, in a process of its own. A driver's compiler can crash on a kernel, which ends
//! the process, or take minutes, which nothing can stop: this tells which kernel it was.

use super::args::BenchArgs;
use crate::disk::write;
use darkroom::gpu::kernel::Kernel;
use darkroom::gpu::{Gpu, MatrixUnits};
use darkroom::models::clip::{TextConfig, TextEncoder};
use darkroom::models::sd_v1_4;
use darkroom::models::unet::{Unet, UnetConfig, UnetInput};
use darkroom::models::vae::{Encoder, VaeConfig, VaeDecoder};
use darkroom::nn::Scope;
use darkroom::tensor::Tensor;
use darkroom::{Error, Result, WeightType};
use serde::Serialize;
use std::io;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The longest that a kernel may take to compile.
const SECONDS_MAX: u64 = 60;

/// How often a process is asked whether it has ended.
const LOOK: Duration = Duration::from_millis(5);

/// What became of a kernel.
#[derive(Serialize)]
struct Outcome {
    kernel: String,
    /// Seconds, the process's start and the device's opening included.
    seconds: f64,
    /// `None` where it compiled.
    fault: Option<String>,
}

/// Compiles all kernels, or the one that was asked for.
pub(super) async fn run(args: &BenchArgs) -> Result<()> {
    let gpu = Gpu::open(&args.device()).await?;
    // Without the probe of matrix units, which would compile kernels in every process.
    if gpu.has_matrix_units() {
        gpu.use_matrix_units(MatrixUnits::All);
    }
    let kernels = of_v1_4(&gpu, args)?;
    if let Some(place) = args.compile_one {
        let kernel = kernels.get(place).ok_or_else(|| {
            let reason = format!("there are {} kernels", kernels.len());
            Error::Request { field: "compile_one", reason }
        })?;
        gpu.compile(std::slice::from_ref(kernel));
        return gpu.finish().await;
    }
    let outcomes = each_in_a_process(&kernels).map_err(|e| {
        let path = "this program".to_string();
        Error::NotFound { path, reason: format!("it cannot be started once more: {e}") }
    })?;
    tell(&gpu, &outcomes);
    if let Some(path) = &args.json {
        let json = serde_json::to_string_pretty(&outcomes).expect("numbers and texts");
        write(path, format!("{json}\n").as_bytes())?;
    }
    match outcomes.iter().filter(|outcome| outcome.fault.is_some()).count() {
        0 => Ok(()),
        failed => {
            Err(Error::Gpu { message: format!("{failed} of {} kernels failed", outcomes.len()) })
        }
    }
}

/// The kernels that this device would run for v1.4: of its text encoder, UNet, VAE.
fn of_v1_4(gpu: &Gpu, args: &BenchArgs) -> Result<Vec<Rc<Kernel>>> {
    let dry = gpu.dry_twin(gpu.limits(), gpu.has_f16());
    let precision = args.precision;
    let scope = || Scope::without_file(&dry, args.weights.unwrap_or(WeightType::F16));
    let text = TextConfig::parse("text_encoder", sd_v1_4::TEXT_ENCODER)?;
    let unet = UnetConfig::parse("unet", sd_v1_4::UNET)?;
    let vae = VaeConfig::parse("vae", sd_v1_4::VAE)?;
    // Two prompts, without and with guidance.
    let context = TextEncoder::new(&scope(), &text)?.forward(&[0; 2 * 77], precision);
    let unet = Unet::new(&scope(), &unet)?;
    let latents = Tensor::empty(&dry, [2, 64, 64, 4], precision);
    drop(unet.forward(&UnetInput::new(&latents, 1.0, &unet.prepare(&context))));
    let latents = Tensor::empty(&dry, [1, 64, 64, 4], precision);
    let picture = VaeDecoder::new(&scope(), &vae)?.decode(&latents);
    drop(Encoder::new(&scope(), &vae)?.forward(&picture));
    dry.submit();
    Ok(dry.kernels())
}

/// As many processes at once as there are cores.
fn each_in_a_process(kernels: &[Rc<Kernel>]) -> io::Result<Vec<Outcome>> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut running: Vec<(usize, Compiling)> = Vec::new();
    let mut outcomes: Vec<Option<Outcome>> = kernels.iter().map(|_| None).collect();
    let mut next = 0;
    while next < kernels.len() || !running.is_empty() {
        while next < kernels.len() && running.len() < cores {
            running.push((next, Compiling::start(next)?));
            next += 1;
        }
        let mut left = Vec::with_capacity(running.len());
        for (place, mut compiling) in running {
            match compiling.fault()? {
                None => left.push((place, compiling)),
                Some(fault) => {
                    let kernel = kernels[place].name().to_string();
                    let seconds = compiling.begun.elapsed().as_secs_f64();
                    outcomes[place] = Some(Outcome { kernel, seconds, fault });
                }
            }
        }
        running = left;
        thread::sleep(LOOK);
    }
    Ok(outcomes.into_iter().flatten().collect())
}

/// A process that compiles a kernel.
struct Compiling {
    begun: Instant,
    child: Child,
    /// What it says, read while it runs: a full pipe would stop it.
    said: Option<JoinHandle<io::Result<String>>>,
}

impl Compiling {
    /// This program once more, with the same arguments and one kernel.
    fn start(place: usize) -> io::Result<Compiling> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(std::env::args_os().skip(1).filter(|arg| arg != "--compile"))
            .args(["--compile-one", &place.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = child.stderr.take();
        let said = stderr.map(|stderr| thread::spawn(move || io::read_to_string(stderr)));
        Ok(Compiling { begun: Instant::now(), child, said })
    }

    /// How it ended: `Some(None)` well, `Some(Some(why))` not; `None` while it runs.
    fn fault(&mut self) -> io::Result<Option<Option<String>>> {
        match self.child.try_wait()? {
            Some(status) if status.success() => Ok(Some(None)),
            Some(status) => {
                let said = self.said.take().and_then(|said| said.join().ok()).transpose()?;
                let last = said.as_deref().and_then(|said| said.trim().lines().last());
                Ok(Some(Some(format!("{status}: {}", last.unwrap_or_default()))))
            }
            None if self.begun.elapsed().as_secs() < SECONDS_MAX => Ok(None),
            None => {
                self.child.kill()?;
                self.child.wait()?;
                Ok(Some(Some(format!("not compiled after {SECONDS_MAX} s"))))
            }
        }
    }
}

fn tell(gpu: &Gpu, outcomes: &[Outcome]) {
    println!("{} ({}), {}", gpu.info().name, gpu.info().backend, gpu.tuning());
    for Outcome { kernel, seconds, fault } in outcomes {
        println!("{kernel:<24}{seconds:>8.2} s  {}", fault.as_deref().unwrap_or("compiled"));
    }
    let longest = outcomes.iter().map(|outcome| outcome.seconds).fold(0.0, f64::max);
    let failed = outcomes.iter().filter(|outcome| outcome.fault.is_some()).count();
    println!("kernels: {}, {failed} failed, the longest {longest:.2} s", outcomes.len());
}
