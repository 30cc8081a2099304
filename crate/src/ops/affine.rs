//! What a group norm does to normalised values.

use crate::activation::Activation;
use crate::tensor::Tensor;

/// γ, β, ε and the function.
#[derive(Clone, Copy)]
pub struct Affine<'a> {
    /// γ, the scale of each channel: `[c]`.
    pub gamma: &'a Tensor,
    /// β, the shift of each channel: `[c]`.
    pub beta: &'a Tensor,
    /// ε, added to the variance.
    pub eps: f32,
    /// The activation of the result.
    pub activation: Activation,
}
