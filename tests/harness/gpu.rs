//! One device for all tests of a precision, owned by a thread that runs their jobs in turn:
//! a `Gpu` stays on its thread, and opening one per test would compile every kernel again.

use darkroom::Precision;
use darkroom::gpu::{Gpu, GpuOptions};
use pollster::block_on;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};

/// Work for a device, and how it ended: `Err` is what to say when the device must be replaced.
type Job = Box<dyn FnOnce(&Result<Gpu, String>) -> Result<(), ()> + Send>;

/// Runs `job` on a device that holds activations of this precision, then checks that the device
/// has nothing to complain of.
///
/// f32 runs with WebGPU's default limits and features, f16 with what the adapter offers.
///
/// # Panics
/// When there is no such device, when the job panics, when the device reports a fault.
pub fn run<T: Send + 'static>(
    precision: Precision,
    job: impl FnOnce(&Gpu) -> T + Send + 'static,
) -> T {
    let (answer, answered) = channel();
    let work: Job = Box::new(move |gpu| {
        let result = gpu.clone().and_then(|gpu| {
            let result = catch_unwind(AssertUnwindSafe(|| job(&gpu))).map_err(text)?;
            block_on(gpu.finish()).map_err(|fault| fault.to_string())?;
            Ok(result)
        });
        let healthy = result.as_ref().map(|_| ()).map_err(|_| ());
        answer.send(result).expect("the test waits for its answer");
        healthy
    });
    worker(precision).send(work).expect("the device's thread lives as long as the tests");
    match answered.recv().expect("a job always answers") {
        Ok(result) => result,
        Err(message) => panic!("{message}"),
    }
}

/// The thread that owns the device of this precision.
fn worker(precision: Precision) -> &'static Sender<Job> {
    static F32: OnceLock<Sender<Job>> = OnceLock::new();
    static F16: OnceLock<Sender<Job>> = OnceLock::new();
    let slot = match precision {
        Precision::F32 => &F32,
        Precision::F16 => &F16,
    };
    slot.get_or_init(|| {
        let (sender, jobs) = channel::<Job>();
        std::thread::spawn(move || {
            let mut gpu = open(precision);
            for job in jobs {
                // A device that failed a job may hold half a recording: the next gets a new one.
                if job(&gpu).is_err() {
                    gpu = open(precision);
                }
            }
        });
        sender
    })
}

fn open(precision: Precision) -> Result<Gpu, String> {
    let options =
        GpuOptions { default_limits: precision == Precision::F32, ..GpuOptions::default() };
    let opened = catch_unwind(|| block_on(Gpu::open(&options))).map_err(text)?;
    let gpu = opened.map_err(|e| {
        format!("{e}\nThe proofs need an adapter: lavapipe is enough (mesa-vulkan-drivers).")
    })?;
    if precision == Precision::F16 && !gpu.has_f16() {
        return Err("This adapter has no shader-f16, so the proofs in f16 cannot run.".into());
    }
    Ok(gpu)
}

/// What a panic said.
fn text(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => {
            panic.downcast::<&str>().map_or("a panic without a text".into(), |t| t.to_string())
        }
    }
}
