//! One device for all tests, owned by a thread that runs their jobs in turn: a `Gpu` stays on its
//! thread, and opening one per test would compile every kernel again.

use darkroom::gpu::{AttentionTile, Gpu, GpuOptions, MatrixTile, MatrixUnits, Tuning};
use pollster::block_on;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};

/// What a job asks of its device. All but [`Device::Units`] and [`Device::Roomy`] have WebGPU's
/// default limits, as the leanest adapter has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Device {
    /// Nothing else.
    Plain,
    /// Kernels as for a real GPU, also where the adapter is software (whose own are in all others).
    Hardware,
    /// As that, with the limits that are asked of a real GPU.
    Roomy,
    /// As [`Device::Hardware`], but matrices with the smallest tiles, which read directly.
    Direct,
    /// Matrices with a software adapter's largest tiles.
    Wide,
    /// A graphics card's own limits and its matrix units; a panic where there are none.
    Units,
    /// Binds at most [`NARROW`] bytes at once: small tensors are already worked on in bands.
    Narrow,
    /// As that, with kernels as for a real GPU.
    NarrowHardware,
}

/// The largest binding of [`Device::Narrow`] and [`Device::NarrowHardware`], bytes.
pub(crate) const NARROW: u64 = 1 << 20;

/// What a device may keep for the next job; the large sizes of the long run have little in common.
const POOL_BYTES_MAX: u64 = 1 << 30;

/// Work for a device, and how it ended: after an `Err` the device is replaced.
type Job = Box<dyn FnOnce(&Result<Gpu, String>) -> Result<(), ()> + Send>;

/// Runs `job` on a device, then checks that the device has nothing to complain of.
///
/// # Panics
/// When there is no device, when the job panics, when the device reports a fault.
pub(crate) fn run<T: Send + 'static>(
    device: Device,
    job: impl FnOnce(&Gpu) -> T + Send + 'static,
) -> T {
    let (answer, answered) = channel();
    let work: Job = Box::new(move |gpu| {
        let result = gpu.clone().and_then(|gpu| {
            let result = catch_unwind(AssertUnwindSafe(|| job(&gpu))).map_err(text)?;
            block_on(gpu.finish()).map_err(|fault| fault.to_string())?;
            if gpu.stats().bytes_alive > POOL_BYTES_MAX {
                gpu.trim();
            }
            Ok(result)
        });
        let healthy = result.as_ref().map(|_| ()).map_err(|_| ());
        answer.send(result).expect("the test waits for its answer");
        healthy
    });
    worker(device).send(work).expect("the device's thread lives as long as the tests");
    match answered.recv().expect("a job always answers") {
        Ok(result) => result,
        Err(message) => panic!("{message}"),
    }
}

/// The thread that owns this device.
fn worker(device: Device) -> &'static Sender<Job> {
    static PLAIN: OnceLock<Sender<Job>> = OnceLock::new();
    static HARDWARE: OnceLock<Sender<Job>> = OnceLock::new();
    static ROOMY: OnceLock<Sender<Job>> = OnceLock::new();
    static DIRECT: OnceLock<Sender<Job>> = OnceLock::new();
    static WIDE: OnceLock<Sender<Job>> = OnceLock::new();
    static NARROW: OnceLock<Sender<Job>> = OnceLock::new();
    static UNITS: OnceLock<Sender<Job>> = OnceLock::new();
    static NARROW_HARDWARE: OnceLock<Sender<Job>> = OnceLock::new();
    let slot = match device {
        Device::Plain => &PLAIN,
        Device::Hardware => &HARDWARE,
        Device::Roomy => &ROOMY,
        Device::Direct => &DIRECT,
        Device::Wide => &WIDE,
        Device::Narrow => &NARROW,
        Device::Units => &UNITS,
        Device::NarrowHardware => &NARROW_HARDWARE,
    };
    slot.get_or_init(|| {
        let (sender, jobs) = channel::<Job>();
        std::thread::spawn(move || {
            let mut gpu = open(device);
            for job in jobs {
                // A device that failed a job may hold half a recording: the next gets a new one.
                if job(&gpu).is_err() {
                    gpu = open(device);
                }
            }
        });
        sender
    })
}

fn open(device: Device) -> Result<Gpu, String> {
    let narrow = matches!(device, Device::Narrow | Device::NarrowHardware);
    let max_binding = narrow.then_some(NARROW);
    let hardware = [Device::Hardware, Device::Roomy, Device::Direct, Device::NarrowHardware];
    let software = hardware.contains(&device).then_some(false);
    let default_limits = !matches!(device, Device::Units | Device::Roomy);
    let options = GpuOptions { default_limits, max_binding, software, ..GpuOptions::default() };
    let opened = catch_unwind(|| block_on(Gpu::open(&options))).map_err(text)?;
    let tile = match device {
        Device::Direct => Some((MatrixTile::Direct8, AttentionTile::Direct)),
        Device::Wide => Some((MatrixTile::Direct16, AttentionTile::Shared)),
        _ => None,
    };
    if let (Some((tile, attention)), Ok(gpu)) = (tile, &opened) {
        gpu.set_tuning(Tuning::of(tile, attention));
    }
    if let (Device::Units, Ok(gpu)) = (device, &opened) {
        gpu.use_matrix_units(MatrixUnits::All);
    }
    opened.map_err(|e| {
        format!("{e}\nThe proofs need an adapter: lavapipe is enough (mesa-vulkan-drivers).")
    })
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
