//! Tier 3: how fast the kernels are on an adapter, and which of several equivalent ones are the
//! fastest there.

mod bench;
mod ops;
mod peak;
mod probe;
mod timing;
pub mod tuner;

pub use bench::{BenchOptions, Figure, Peaks, bench, peaks};
pub use probe::{Answers, Numerics};
