//! Whether an adapter computes on the CPU, where neither the browser nor the driver says it:
//! Firefox gives an adapter no name.
//!
//! One product runs with the tile of each kind of adapter. On the CPU the invocations of a
//! workgroup take turns, and each barrier stops and resumes all of them, so the tile by way of
//! workgroup memory is several times as slow as the direct one (3 to 7 times on lavapipe, by wgpu
//! and by Dawn). On a graphics card the few invocations of the direct tile leave most of the card
//! unused, and it is the slower one. What is compared is what follows from the answer: which
//! kernels are chosen.

use super::timing::{timed, warmed_up};
use crate::dtype::{Precision, WeightType};
use crate::error::Result;
use crate::gpu::{AttentionTile, Gpu, GpuOptions, MatrixTile, Tuning};
use crate::ops::Epilogue;
use crate::tensor::Tensor;
use crate::weight::Weight;

/// Rows, and inputs and outputs, of the product: few rows, of which the tile by way of workgroup
/// memory computes 64 all the same; about ten milliseconds on the CPU.
const ROWS: usize = 16;
const SIDE: usize = 1280;

/// An adapter computes on the CPU where the tile of graphics cards takes at least this many times
/// as long as the direct one.
const SLOWER: f64 = 1.5;

/// What lasts less (seconds) is not told from the time that a submit takes, nor from the steps of a
/// browser's clock.
const TELLING: f64 = 0.01;

/// Timed rounds of the two tiles in turn; the fastest of each counts.
const ROUNDS: usize = 4;

/// Opens an adapter. Where it is not known whether it computes on the CPU, that is measured, and
/// kernels are chosen accordingly.
///
/// # Errors
/// As [`Gpu::open`], and the device's faults.
pub async fn open(options: &GpuOptions) -> Result<Gpu> {
    let gpu = Gpu::open(options).await?;
    if gpu.info().kind_is_known {
        return Ok(gpu);
    }
    match computes_on_cpu(&gpu).await {
        Ok(false) => Ok(gpu),
        Ok(true) => {
            gpu.destroy();
            Gpu::open(&GpuOptions { software: Some(true), ..options.clone() }).await
        }
        Err(error) => {
            gpu.destroy();
            Err(error)
        }
    }
}

/// Measures whether an adapter computes on the CPU. Its tuning is afterwards what it was.
///
/// # Errors
/// The device's faults.
pub async fn computes_on_cpu(gpu: &Gpu) -> Result<bool> {
    let before = gpu.tuning();
    let seconds = compare(gpu).await;
    gpu.set_tuning(before);
    // Its buffers fit nothing in a model.
    gpu.trim();
    let seconds = seconds?;
    let [direct, shared] = seconds;
    log::info!("{direct:.1e} s for some products directly, {shared:.1e} s by workgroup memory");
    Ok(is_software(seconds))
}

/// What follows from the seconds of the direct tile and of that by way of workgroup memory.
fn is_software([direct, shared]: [f64; 2]) -> bool {
    direct.min(shared) >= TELLING && shared >= SLOWER * direct
}

/// The seconds of some products with the direct tile, and of as many with that by way of workgroup
/// memory.
async fn compare(gpu: &Gpu) -> Result<[f64; 2]> {
    let x = Tensor::empty(gpu, [1, ROWS, SIDE], Precision::F32);
    let weight = Weight::empty(gpu, SIDE, SIDE, WeightType::F16);
    let record = || drop(x.matmul(&weight, Epilogue::default()));
    let tiles = [MatrixTile::Direct8, MatrixTile::Shared];
    let mut products = 1;
    for tile in tiles {
        gpu.set_tuning(Tuning::of(tile, AttentionTile::Block));
        products = products.max(warmed_up(gpu, &record).await?);
    }
    let mut fastest = [f64::MAX; 2];
    for _ in 0..ROUNDS {
        for (tile, fastest) in tiles.into_iter().zip(&mut fastest) {
            gpu.set_tuning(Tuning::of(tile, AttentionTile::Block));
            let each = timed(gpu, &record, products).await?.seconds;
            *fastest = fastest.min(each * products as f64);
        }
    }
    Ok(fastest)
}

#[cfg(test)]
mod tests {
    use super::is_software;

    #[test]
    fn equal_times_are_of_a_graphics_card() {
        assert!(!is_software([0.02, 0.02]));
        assert!(!is_software([0.06, 0.02]));
        assert!(is_software([0.02, 0.08]));
    }

    #[test]
    fn a_clock_that_stands_still_tells_nothing() {
        assert!(!is_software([1e-6, 1e-6]));
        assert!(!is_software([1e-3, 4e-3]));
    }
}
