//! Chooses the kernels for an adapter: of each family the default and one candidate are timed on
//! it, once.
//!
//! ```text
//! family    on a software adapter    on a graphics card
//! matmul    direct8, direct16        shared or units, direct8
//! conv2d    direct8, direct16        shared or units, direct8
//! ```
//!
//! Attention is not timed: software adapters have one kernel, which keeps hundreds of values in the
//! registers of an invocation, and a graphics card does not have them. It has another, or that for
//! its matrix units.
//!
//! A slow card must not be reset by what measures it. So both kernels run at a sixteenth of the
//! size first; a candidate that is far behind there is not run again, and the whole size is only
//! run where it is over soon. Times are the host's, of as many runs in one submit as it can tell:
//! browsers round the device's own clock to a tenth of a millisecond, and some drivers' stands
//! still.
//!
//! The first one is the default, and stays unless the candidate is clearly faster. Both kernels of
//! a family compute the same formula. The choice can still change a picture by rounding: a driver
//! may fuse a product and a sum in one kernel only, kernels of graphics cards add in slices, and
//! those for attention rescale their running sums after different numbers of keys. So the choice
//! for an adapter is stored; and without tuning, which is the default everywhere, a run repeats
//! byte for byte.

use super::ops::Record;
use super::timing::{repeats, timed};
use crate::error::Result;
use crate::gpu::{AttentionTile, Gpu, MatrixTile, MatrixUnits, Tuning};
use crate::ops::{Epilogue, Window};
use crate::tensor::Tensor;
use crate::weight::Weight;
use crate::{Precision, WeightType};
use web_time::Instant;

/// The time budget of tuning in seconds, compiling included; every candidate is timed at least
/// once.
pub const SECONDS_MAX: f64 = 3.0;

/// A candidate must take less than this share of the default's time.
const FASTER: f64 = 0.9;

/// A candidate that takes this many times the default's time at the small size is not run again.
const HOPELESS: f64 = 3.0;

/// The small size is the whole one divided by this.
const DIVIDE: usize = 16;

/// The whole size is run where the default is expected to take at most this long, in seconds; a
/// candidate that is not hopeless then takes at most three times as long.
const WHOLE_SECONDS: f64 = 0.05;

/// How many seconds longer a candidate may take to compile. Opening a model compiles about twenty
/// kernels of a family, so this is ten seconds, more than a faster picture saves.
const COMPILE_MAX: f64 = 0.5;

/// If a software adapter compiles the default kernel for longer than this (seconds), the candidate,
/// which is four times the size, would exceed [`COMPILE_MAX`]; so it is not compiled at all. A
/// browser's software adapter needs a minute for it, and a driver's compilation cannot be stopped.
const COMPILE_QUICK: f64 = 1.0;

/// The most timed runs of a kernel; the fastest counts.
const RUNS: usize = 8;

/// The key under which a choice is stored: adapter, driver, a version of our kernels, and what of
/// the adapter is used.
pub fn key(gpu: &Gpu) -> String {
    let info = gpu.info();
    let kernels = env!("CARGO_PKG_VERSION");
    let units = match gpu.matrix_units() {
        MatrixUnits::Unused => "",
        MatrixUnits::Products => " | products on matrix units",
        MatrixUnits::All => " | matrix units",
    };
    let checked = if gpu.has_checked_shaders() { " | checked" } else { "" };
    let adapter = format!("{} | {} | {}", info.name, info.backend, info.driver);
    format!("{adapter} | {kernels} {:08x}{units}{checked}", version())
}

/// A hash of the defaults and of the texts of all kernels that are compared.
pub fn version() -> u32 {
    let gpu = Gpu::dry(true);
    for tile in MatrixTile::ALL {
        gpu.set_tuning(Tuning::of(tile, AttentionTile::Block));
        for family in FAMILIES {
            (family.op)(&gpu, DIVIDE)();
        }
    }
    let recorded = gpu.take_recording().dispatches;
    let defaults = [Tuning::default_for(true), Tuning::default_for(false)];
    let on_units = defaults[1].on_matrix_units(MatrixUnits::All);
    let fixed: String = [defaults[0], defaults[1], on_units].map(|one| one.to_string()).concat();
    let first = crate::gpu::fnv1a(0, &fixed);
    recorded.iter().fold(first, |sum, dispatch| crate::gpu::fnv1a(sum, &dispatch.kernel.wgsl()))
}

/// Sets the device's tuning: the stored choice `remembered`, if it can be parsed; otherwise the
/// adapter is measured. `before_each` is called before each measurement with the number of those
/// done and of all; its error ends the tuning.
///
/// # Errors
/// As [`Gpu::finish`], and those of `before_each`.
pub async fn tune(
    gpu: &Gpu,
    remembered: Option<&str>,
    before_each: &dyn Fn(usize, usize) -> Result<()>,
) -> Result<Tuning> {
    if let Some(tuning) = remembered.and_then(Tuning::parse) {
        let tuning = tuning.within(gpu.matrix_units());
        gpu.set_tuning(tuning);
        return Ok(tuning);
    }
    let fixed = gpu.default_tuning();
    let start = Instant::now();
    let mut comparisons: Vec<Comparison> =
        FAMILIES.into_iter().map(|of| Comparison::new(gpu, of)).collect();
    let families = comparisons.len();
    let mut done = 0;
    let mut step = |total| {
        done += 1;
        before_each(done - 1, total)
    };
    for comparison in &mut comparisons {
        step(families * (2 + RUNS))?;
        comparison.compile(gpu, 0).await?;
    }
    comparisons
        .retain(|comparison| !gpu.info().software || comparison.first_run[0] < COMPILE_QUICK);
    let total = families + comparisons.len() * (1 + RUNS);
    for comparison in &mut comparisons {
        step(total)?;
        comparison.compile(gpu, 1).await?;
        comparison.choose_size(gpu).await?;
    }
    comparisons.retain(|comparison| !comparison.is_hopeless());
    for round in 0..RUNS {
        for comparison in &mut comparisons {
            if round > 0 && start.elapsed().as_secs_f64() > SECONDS_MAX {
                break;
            }
            step(total)?;
            comparison.run(gpu).await?;
        }
    }
    let chosen = comparisons.iter().filter(|comparison| comparison.candidate_wins());
    let tuning = chosen
        .fold(fixed, |tuning, comparison| (comparison.with_candidate)(tuning, gpu.info().software));
    gpu.set_tuning(tuning);
    gpu.trim();
    Ok(tuning)
}

/// A default kernel and its candidate.
struct Family {
    /// The op that is timed, its rows divided by a number.
    op: fn(&Gpu, usize) -> Record,
    /// The given tuning with this family's candidate, for a software adapter (true) or a real GPU.
    with_candidate: fn(Tuning, bool) -> Tuning,
}

const FAMILIES: [Family; 2] = [
    Family { op: product, with_candidate: |t, software| Tuning { matmul: tile(software), ..t } },
    Family {
        op: convolution,
        with_candidate: |t, software| Tuning { conv2d: tile(software), ..t },
    },
];

/// The candidate for matrix products and convolutions.
fn tile(software: bool) -> MatrixTile {
    if software { MatrixTile::Direct16 } else { MatrixTile::Direct8 }
}

/// The timings of a family's default (0) and its candidate (1).
struct Comparison {
    tunings: [Tuning; 2],
    with_candidate: fn(Tuning, bool) -> Tuning,
    op: fn(&Gpu, usize) -> Record,
    /// At the small size at first, then at that which is timed.
    record: Record,
    /// Runs that are timed at once.
    repeats: usize,
    /// Seconds of the first run of each, which compiles it.
    first_run: [f64; 2],
    /// Seconds of the second run of each, at the small size.
    small: [f64; 2],
    /// Seconds of the fastest run of each.
    fastest: [f64; 2],
}

impl Comparison {
    fn new(gpu: &Gpu, Family { op, with_candidate }: Family) -> Comparison {
        let software = gpu.info().software;
        let fixed = gpu.default_tuning();
        Comparison {
            tunings: [fixed, with_candidate(fixed, software)],
            with_candidate,
            op,
            record: op(gpu, DIVIDE),
            repeats: 1,
            first_run: [0.0; 2],
            small: [0.0; 2],
            fastest: [f64::MAX; 2],
        }
    }

    /// Runs one for the first time, which compiles it.
    async fn compile(&mut self, gpu: &Gpu, which: usize) -> Result<()> {
        gpu.set_tuning(self.tunings[which]);
        let start = Instant::now();
        (self.record)();
        gpu.finish().await?;
        self.first_run[which] = start.elapsed().as_secs_f64();
        Ok(())
    }

    /// Times both at the small size, and chooses the size and the number of runs to be timed.
    async fn choose_size(&mut self, gpu: &Gpu) -> Result<()> {
        for (tuning, small) in self.tunings.into_iter().zip(&mut self.small) {
            gpu.set_tuning(tuning);
            *small = timed(gpu, &*self.record, 1).await?.seconds;
        }
        let (divide, repeats) = size(self.small[0]);
        if divide != DIVIDE && !self.is_hopeless() {
            self.record = (self.op)(gpu, divide);
        }
        self.repeats = repeats;
        Ok(())
    }

    /// Whether the candidate is far behind at the small size.
    fn is_hopeless(&self) -> bool {
        self.small[1] > HOPELESS * self.small[0]
    }

    /// Whether the candidate is clearly faster, and compiles fast enough.
    fn candidate_wins(&self) -> bool {
        self.fastest[1] < FASTER * self.fastest[0]
            && self.first_run[1] < self.first_run[0] + COMPILE_MAX
    }

    /// Times both, one after the other, so that other load on the machine affects both.
    async fn run(&mut self, gpu: &Gpu) -> Result<()> {
        for (tuning, fastest) in self.tunings.into_iter().zip(&mut self.fastest) {
            gpu.set_tuning(tuning);
            let run = timed(gpu, &*self.record, self.repeats).await?;
            *fastest = run.seconds.min(*fastest);
        }
        Ok(())
    }
}

/// By what the size is to be divided, and how many runs are to be timed at once, where the small
/// size takes so many seconds.
fn size(small_seconds: f64) -> (usize, usize) {
    let whole = small_seconds * DIVIDE as f64;
    let (divide, once) = match whole <= WHOLE_SECONDS {
        true => (1, whole),
        false => (DIVIDE, small_seconds),
    };
    (divide, repeats(once))
}

/// The matrix product that is timed: about a hundredth of a second on either kind of adapter.
fn product(gpu: &Gpu, divide: usize) -> Record {
    let [rows, side] = if gpu.info().software { [256, 320] } else { [4096, 1280] };
    let x = Tensor::empty(gpu, [1, rows / divide, side], Precision::F32);
    let weight = Weight::empty(gpu, side, side, WeightType::F16);
    Box::new(move || drop(x.matmul(&weight, Epilogue::default())))
}

/// The convolution that is timed.
fn convolution(gpu: &Gpu, divide: usize) -> Record {
    let [side, c] = if gpu.info().software { [16, 128] } else { [64, 320] };
    let x = Tensor::empty(gpu, [1, side / divide, side, c], Precision::F32);
    let weight = Weight::empty(gpu, 9 * c, c, WeightType::F16);
    let window = Window { kernel: 3, stride: 1, padding: [1, 1], resize: None };
    Box::new(move || drop(x.conv2d(&weight, window, Epilogue::default())))
}

#[cfg(test)]
mod tests {
    use super::super::timing::REPEATS_MAX;
    use super::*;

    #[test]
    fn the_whole_size_is_run_where_it_is_over_soon() {
        // 0.1 ms at a sixteenth: the whole takes 1.6 ms, of which 13 last 20 ms
        assert_eq!(size(1e-4), (1, 13));
        // 20 ms at a sixteenth: the whole would take a third of a second
        assert_eq!(size(0.02), (DIVIDE, 1));
        assert_eq!(size(0.005), (DIVIDE, 4));
        // a clock that stands still
        assert_eq!(size(0.0), (1, REPEATS_MAX));
    }

    #[test]
    fn a_candidate_that_is_far_behind_is_not_run_again() {
        let gpu = Gpu::dry(false);
        let [family, _] = FAMILIES;
        let mut comparison = Comparison::new(&gpu, family);
        comparison.small = [0.01, 0.029];
        assert!(!comparison.is_hopeless());
        comparison.small = [0.01, 0.031];
        assert!(comparison.is_hopeless());
    }
}
