//! Tier 3: how fast the kernels are on an adapter, and which of several equivalent ones are the
//! fastest there.

mod bench;
mod ops;
mod peak;
mod timing;
pub mod tuner;

pub use bench::{BenchOptions, Figure, Peaks, bench, peaks};
