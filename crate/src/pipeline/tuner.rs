//! Which kernels suit an adapter: each of a family's choices timed on it, once.
//!
//! ```text
//! family    on a software adapter    on a real GPU
//! matmul    direct8, direct16        shared, direct8
//! conv2d    direct8, direct16        shared, direct8
//! ```
//!
//! The first is what runs without tuning, and stays unless another is clearly faster. All compute
//! the same sums in the same order, so a choice changes a picture by rounding at the most; but it
//! may change it, so an adapter keeps its choice, and a run that must repeat byte for byte is not
//! tuned: that is the default everywhere.

use super::bench;
use crate::error::Result;
use crate::gpu::{Gpu, MatrixTile, Tuning, now};
use crate::ops::{Epilogue, Window};
use crate::tensor::Tensor;
use crate::weight::Weight;
use crate::{Precision, WeightType};

/// After so many seconds nothing new is tried.
pub const SECONDS_MAX: f64 = 3.0;

/// A challenger must take less than this share of the default's time.
const FASTER: f64 = 0.95;

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
        gpu.set_tuning(Tuning { matmul: tile, conv2d: tile });
        for op in [product, convolution] {
            op(&gpu)();
        }
    }
    let recorded = gpu.take_recording().dispatches;
    recorded.iter().fold(0, |sum, dispatch| crate::gpu::fnv1a(sum, &dispatch.kernel.wgsl()))
}

/// The choice that was kept as `remembered`, if it is one; else the adapter is measured. The device
/// runs it from now on.
///
/// # Errors
/// As [`Gpu::finish`].
pub async fn tune(gpu: &Gpu, remembered: Option<&str>) -> Result<Tuning> {
    if let Some(tuning) = remembered.and_then(Tuning::parse) {
        gpu.set_tuning(tuning);
        return Ok(tuning);
    }
    let mut tuning = Tuning::default_for(gpu.info().software);
    let begun = now();
    let until = begun + SECONDS_MAX / 2.0;
    tuning.matmul = fastest(gpu, until, product, |tile| Tuning { matmul: tile, ..tuning }).await?;
    let until = begun + SECONDS_MAX;
    tuning.conv2d =
        fastest(gpu, until, convolution, |tile| Tuning { conv2d: tile, ..tuning }).await?;
    gpu.set_tuning(tuning);
    gpu.trim();
    Ok(tuning)
}

/// The tile with which `op` is fastest; `with` makes a tuning of a tile.
async fn fastest(
    gpu: &Gpu,
    until: f64,
    op: fn(&Gpu) -> bench::Record,
    with: impl Fn(MatrixTile) -> Tuning,
) -> Result<MatrixTile> {
    let tiles = match gpu.info().software {
        true => [MatrixTile::Direct8, MatrixTile::Direct16],
        false => [MatrixTile::Shared, MatrixTile::Direct8],
    };
    let record = op(gpu);
    let mut least = tiles.map(|_| f64::INFINITY);
    // In turn, so that what else the machine does meets all alike; the first round compiles.
    'rounds: for round in 0..=RUNS {
        for (tile, least) in tiles.into_iter().zip(&mut least) {
            if now() > until {
                break 'rounds;
            }
            gpu.set_tuning(with(tile));
            let seconds = bench::timed(gpu, &*record).await?.seconds;
            if round > 0 {
                *least = seconds.min(*least);
            }
        }
    }
    // What was never timed is not faster than anything.
    let best = if least[1] < FASTER * least[0] { tiles[1] } else { tiles[0] };
    Ok(best)
}

/// A product to time: a hundredth of a second, more or less, on its kind of adapter.
fn product(gpu: &Gpu) -> bench::Record {
    let [rows, side] = if gpu.info().software { [256, 320] } else { [4096, 1280] };
    let x = Tensor::empty(gpu, [1, rows, side], Precision::F32);
    let weight = Weight::empty(gpu, side, side, WeightType::F16);
    Box::new(move || drop(x.matmul(&weight, Epilogue::default())))
}

/// A convolution to time.
fn convolution(gpu: &Gpu) -> bench::Record {
    let [side, c] = if gpu.info().software { [16, 128] } else { [64, 320] };
    let x = Tensor::empty(gpu, [1, side, side, c], Precision::F32);
    let weight = Weight::empty(gpu, 9 * c, c, WeightType::F16);
    let window = Window { kernel: 3, stride: 1, padding: [1, 1], resize: None };
    Box::new(move || drop(x.conv2d(&weight, window, Epilogue::default())))
}
