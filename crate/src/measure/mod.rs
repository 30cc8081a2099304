//! Tier 3: how fast the kernels are on an adapter, which of several equivalent ones are the fastest
//! there, and what kind of adapter it is.

mod bench;
mod kind;
mod matrix_units;
mod ops;
mod peak;
mod probe;
mod timing;
pub mod tuner;

pub use bench::{BenchOptions, Figure, Peaks, bench, peaks};
pub use kind::{computes_on_cpu, open};
pub use probe::{Answers, Numerics};
