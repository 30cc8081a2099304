//! What the proofs share: a GPU, arrays of reproducible numbers, sizes worth trying, a comparison.

pub mod array;
mod checks;
pub mod compare;
pub mod epilogue;
pub mod golden;
pub mod gpu;
pub mod maths;
pub mod mutate;
pub mod random;
pub mod shapes;

pub use array::Array;
pub use compare::{Case, Proof, Tolerance, Want};

use darkroom::{Precision, WeightType};

/// Both ways to store activations.
pub const PRECISIONS: [Precision; 2] = [Precision::F32, Precision::F16];

/// Both ways to store weights.
pub const WEIGHTS: [WeightType; 2] = [WeightType::F32, WeightType::F16];
