//! Which kernels suit an adapter: a family's default and its challenger timed on it, once.
//!
//! ```text
//! family    on a software adapter    on a real GPU
//! matmul    direct8, direct16        shared, direct8
//! conv2d    direct8, direct16        shared, direct8
//! attention direct                   shared, direct
//! ```
//!
//! The first is what runs without tuning, and stays unless another is clearly faster. All compute
//! the same sums in the same order, so a choice changes a picture by rounding at the most; but it
//! may change it, so an adapter keeps its choice, and a run that must repeat byte for byte is not
//! tuned: that is the default everywhere.

use super::ops::Record;
use super::timing::timed;
use crate::error::Result;
use crate::gpu::{AttentionTile, Gpu, MatrixTile, Tuning};
use crate::ops::{Epilogue, Mask, Window};
use crate::tensor::Tensor;
use crate::weight::Weight;
use crate::{Precision, WeightType};
use web_time::Instant;

/// The time for tuning in seconds, compiling included; what is compared is timed once in any case.
pub const SECONDS_MAX: f64 = 3.0;

/// A challenger must take less than this share of the default's time.
const FASTER: f64 = 0.95;

/// Seconds that a challenger may take longer to compile. A model has some twenty kernels of a
/// family, which every opening compiles: ten seconds more are not won back by a picture.
const COMPILE_MAX: f64 = 0.5;

/// Where a software adapter compiles the default kernel for longer than this (seconds), it would
/// take longer than [`COMPILE_MAX`] for the challenger, which is four times the size: that is not
/// compiled at all. A browser's needs a minute for it, and a driver cannot be told to stop.
const COMPILE_QUICK: f64 = 1.0;

/// Timed runs of a choice at the most, of which the fastest counts.
const RUNS: usize = 8;

/// What a choice is kept under: adapter, driver, and our kernels.
pub fn key(gpu: &Gpu) -> String {
    let info = gpu.info();
    let kernels = env!("CARGO_PKG_VERSION");
    format!("{} | {} | {} | {kernels} {:08x}", info.name, info.backend, info.driver, version())
}

/// A number that changes with the text of the kernels that are chosen from.
fn version() -> u32 {
    let gpu = Gpu::dry(false);
    for tile in MatrixTile::ALL {
        for attention in AttentionTile::ALL {
            gpu.set_tuning(Tuning::of(tile, attention));
            for family in FAMILIES {
                (family.op)(&gpu)();
            }
        }
    }
    let recorded = gpu.take_recording().dispatches;
    recorded.iter().fold(0, |sum, dispatch| crate::gpu::fnv1a(sum, &dispatch.kernel.wgsl()))
}

/// The choice that was kept as `remembered`, if it is one; else the adapter is measured. The device
/// runs it from now on. `before_each` is called before each measurement with how many are done, and
/// of how many; its error ends the tuning.
///
/// # Errors
/// As [`Gpu::finish`], and those of `before_each`.
pub async fn tune(
    gpu: &Gpu,
    remembered: Option<&str>,
    before_each: &dyn Fn(usize, usize) -> Result<()>,
) -> Result<Tuning> {
    if let Some(tuning) = remembered.and_then(Tuning::parse) {
        gpu.set_tuning(tuning);
        return Ok(tuning);
    }
    let fixed = Tuning::default_for(gpu.info().software);
    let start = Instant::now();
    let mut duels: Vec<Duel> = FAMILIES.into_iter().filter_map(|of| Duel::new(gpu, of)).collect();
    let families = duels.len();
    let mut done = 0;
    let mut step = |total| {
        done += 1;
        before_each(done - 1, total)
    };
    for duel in &mut duels {
        step(families * (2 + RUNS))?;
        duel.compile(gpu, 0).await?;
    }
    duels.retain(|duel| !gpu.info().software || duel.first[0] < COMPILE_QUICK);
    let total = families + duels.len() * (1 + RUNS);
    for duel in &mut duels {
        step(total)?;
        duel.compile(gpu, 1).await?;
    }
    for round in 0..RUNS {
        for duel in &mut duels {
            if round > 0 && start.elapsed().as_secs_f64() > SECONDS_MAX {
                break;
            }
            step(total)?;
            duel.run(gpu).await?;
        }
    }
    let chosen = duels.iter().filter(|duel| duel.is_won());
    let tuning = chosen.fold(fixed, |tuning, duel| (duel.challenged)(tuning, gpu.info().software));
    gpu.set_tuning(tuning);
    gpu.trim();
    Ok(tuning)
}

/// Kernels of which one is chosen.
struct Family {
    /// What is timed.
    op: fn(&Gpu) -> Record,
    /// A tuning with the challenger of this family, on a software adapter or on a real one.
    challenged: fn(Tuning, bool) -> Tuning,
}

const FAMILIES: [Family; 3] = [
    Family { op: product, challenged: |t, software| Tuning { matmul: tile(software), ..t } },
    Family { op: convolution, challenged: |t, software| Tuning { conv2d: tile(software), ..t } },
    Family {
        op: attention,
        challenged: |t, software| match software {
            true => t,
            false => Tuning { attention: AttentionTile::Direct, ..t },
        },
    },
];

/// The challenger of matrix products and convolutions.
fn tile(software: bool) -> MatrixTile {
    if software { MatrixTile::Direct16 } else { MatrixTile::Direct8 }
}

/// The fixed choice of a family and its challenger.
struct Duel {
    tunings: [Tuning; 2],
    challenged: fn(Tuning, bool) -> Tuning,
    record: Record,
    /// Seconds of the first run of each, in which it is compiled.
    first: [f64; 2],
    /// Seconds of the fastest run of each.
    least: [f64; 2],
}

impl Duel {
    /// None where the family has no challenger on such adapters.
    fn new(gpu: &Gpu, Family { op, challenged }: Family) -> Option<Duel> {
        let software = gpu.info().software;
        let fixed = Tuning::default_for(software);
        let tunings = [fixed, challenged(fixed, software)];
        let has_challenger = tunings[0] != tunings[1];
        let (first, least) = ([0.0; 2], [f64::MAX; 2]);
        has_challenger.then(|| Duel { tunings, challenged, record: op(gpu), first, least })
    }

    /// Runs one for the first time, which compiles it.
    async fn compile(&mut self, gpu: &Gpu, which: usize) -> Result<()> {
        gpu.set_tuning(self.tunings[which]);
        let start = Instant::now();
        (self.record)();
        gpu.finish().await?;
        self.first[which] = start.elapsed().as_secs_f64();
        Ok(())
    }

    /// Whether the challenger is clearly faster, and soon compiled.
    fn is_won(&self) -> bool {
        self.least[1] < FASTER * self.least[0] && self.first[1] < self.first[0] + COMPILE_MAX
    }

    /// Times both, one after the other, so that what else the machine does meets them alike.
    async fn run(&mut self, gpu: &Gpu) -> Result<()> {
        for (tuning, least) in self.tunings.into_iter().zip(&mut self.least) {
            gpu.set_tuning(tuning);
            *least = seconds(gpu, &*self.record).await?.min(*least);
        }
        Ok(())
    }
}

/// Seconds of an op, by the device's own clock where it has one.
async fn seconds(gpu: &Gpu, record: &dyn Fn()) -> Result<f64> {
    if !gpu.has_timestamps() {
        return Ok(timed(gpu, record).await?.seconds);
    }
    record();
    let timed = gpu.profile(1, &|_| Ok(())).await?;
    Ok(timed.iter().map(|timed| timed.seconds).sum())
}

/// A product to time: a hundredth of a second, more or less, on its kind of adapter.
fn product(gpu: &Gpu) -> Record {
    let [rows, side] = if gpu.info().software { [256, 320] } else { [4096, 1280] };
    let x = Tensor::empty(gpu, [1, rows, side], Precision::F32);
    let weight = Weight::empty(gpu, side, side, WeightType::F16);
    Box::new(move || drop(x.matmul(&weight, Epilogue::default())))
}

/// A convolution to time.
fn convolution(gpu: &Gpu) -> Record {
    let [side, c] = if gpu.info().software { [16, 128] } else { [64, 320] };
    let x = Tensor::empty(gpu, [1, side, side, c], Precision::F32);
    let weight = Weight::empty(gpu, 9 * c, c, WeightType::F16);
    let window = Window { kernel: 3, stride: 1, padding: [1, 1], resize: None };
    Box::new(move || drop(x.conv2d(&weight, window, Epilogue::default())))
}

/// An attention to time.
fn attention(gpu: &Gpu) -> Record {
    const HEADS: usize = 8;
    let [tokens, width] = if gpu.info().software { [256, 16] } else { [4096, 40] };
    let x = Tensor::empty(gpu, [1, tokens, HEADS * width], Precision::F32);
    Box::new(move || drop(x.attention(&x, &x, HEADS, Mask::None)))
}
