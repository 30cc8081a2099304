//! What the proofs share: a GPU, arrays of reproducible numbers, sizes worth trying, a comparison.

pub(crate) mod allocations;
pub(crate) mod array;
pub(crate) mod bytes;
mod checks;
pub(crate) mod compare;
pub(crate) mod epilogue;
pub(crate) mod golden;
pub(crate) mod gpu;
pub(crate) mod maths;
pub(crate) mod mutate;
pub(crate) mod parsers;
pub(crate) mod random;
pub(crate) mod shapes;

pub(crate) use array::Array;
pub(crate) use compare::{Case, Proof, Tolerance, Want};

use darkroom::{Precision, WeightType};

/// Both ways to store activations.
pub(crate) const PRECISIONS: [Precision; 2] = [Precision::F32, Precision::F16];

/// Both, and how far to step through a list of cases that each compile a kernel: the kernels of
/// f16 differ in how an element is read and written only.
pub(crate) const FEWER_IN_F16: [(Precision, usize); 2] = [(Precision::F32, 1), (Precision::F16, 3)];

/// The ways to store weights of any width.
pub(crate) const WEIGHTS: [WeightType; 2] = [WeightType::F32, WeightType::F16];

/// The ways to store weights whose inputs are whole blocks of 32.
pub(crate) const QUANTISED: [WeightType; 3] =
    [WeightType::Q8_0, WeightType::Q5_0, WeightType::Q4_0];
