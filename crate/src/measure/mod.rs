//! Tier 3: how fast the kernels are on an adapter, and which of several equal ones suit it.

mod bench;
mod probe;
mod ops;
mod peak;
mod timing;
pub mod tuner;

pub use bench::{BenchOptions, Figure, Peaks, bench, peaks};
pub use probe::{Answers, Numerics};
