//! What the proofs share: a GPU, arrays of reproducible numbers, sizes worth trying, a comparison.

pub mod allocations;
pub mod array;
pub mod bytes;
mod checks;
pub mod compare;
pub mod epilogue;
pub mod golden;
pub mod gpu;
pub mod maths;
pub mod mutate;
pub mod parsers;
pub mod random;
pub mod shapes;

pub use array::Array;
pub use compare::{Case, Proof, Tolerance, Want};

use darkroom::{Precision, WeightType};

/// Both ways to store activations.
pub const PRECISIONS: [Precision; 2] = [Precision::F32, Precision::F16];

/// Both, and how far to step through a list of cases that each compile a kernel: the kernels of
/// f16 differ in how an element is read and written only.
pub const FEWER_IN_F16: [(Precision, usize); 2] = [(Precision::F32, 1), (Precision::F16, 3)];

/// The ways to store weights of any width.
pub const WEIGHTS: [WeightType; 2] = [WeightType::F32, WeightType::F16];

/// The ways to store weights whose inputs are whole blocks of 32.
pub const QUANTISED: [WeightType; 3] = [WeightType::Q8_0, WeightType::Q5_0, WeightType::Q4_0];
