//! Which type a matrix is stored as when the user asks for a quantised one.
//!
//! A block is 32 inputs of one output, so inputs that are no multiple of 32 cannot be quantised:
//! the first convolutions of UNet and VAE, which read four channels.

use crate::dtype::WeightType;

/// The type of the matrix `name` of `k` inputs, when `asked` was asked for.
pub(super) fn weight_type(asked: WeightType, name: &str, k: usize) -> WeightType {
    let blocks = k.is_multiple_of(WeightType::BLOCK);
    if asked.is_quantised() && (!blocks || stays_f16(name)) { WeightType::F16 } else { asked }
}

fn stays_f16(name: &str) -> bool {
    let part = |part: &str| name.split('.').any(|own| own == part);
    part("conv_in") || part("conv_out") || part("time_embedding")
}

/// The type of a table of embeddings: f16 where the rest is quantised. Its rows are looked up and
/// not multiplied, so blocks would save memory but no time.
pub(super) fn table_type(asked: WeightType) -> WeightType {
    if asked.is_quantised() { WeightType::F16 } else { asked }
}
