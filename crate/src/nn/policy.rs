//! The type of each matrix when the user asks for a quantised type: matrices that are sensitive to
//! quantisation get more bits.
//!
//! ```text
//! matrices                                          in v1.4's UNet   q8_0   q5_0   q4_0
//! first and last convolutions, time embedding            0.2 %       f16    f16    f16
//! cross-attention, projections, shortcuts; and
//!     all of the text encoder and the VAE               10.7 %       q8_0   q8_0   q8_0
//! feed-forward                                          17.3 %       q8_0   q8_0   q5_0
//! self-attention                                         5.8 %       q8_0   q5_0   q5_0
//! convolutions of resnets and samplers, and the
//!     projections of the timestep                       66.0 %       q8_0   q5_0   q4_0
//! ```
//!
//! Measured on the built-in model: the PSNR of pictures when only one group is in q4_0 is 35.5 dB
//! for the projections, 36.4 for cross-attention, 36.7 for the feed-forward, 40.3 for the
//! shortcuts, 40.4 for self-attention, 42.5 for the resnets' convolutions, 52.3 for the samplers
//! and 62.3 for the projections of the timestep. So the convolutions, two thirds of the weights,
//! lose the least with four bits, and the most sensitive tenth gets eight. Compared with one type
//! for all matrices this raises q4_0 from 29 to 39 dB and q5_0 from 36 to 44 dB, for 0.7 and 0.9
//! bits more per weight. The last convolution of the VAE, with only 864 weights there, gives 36 dB
//! alone in q4_0: it and the other first and last convolutions stay f16.
//!
//! A block is 32 inputs of one output, so matrices whose inputs are no multiple of 32 stay f16 too,
//! such as the first convolutions, which have four input channels.

use crate::dtype::WeightType;

/// The groups of matrices with different sensitivity to quantisation.
enum Role {
    /// First and last convolutions, and the time embedding.
    Boundary,
    /// Few weights with a large effect: cross-attention, projections, shortcuts, and all other
    /// networks than the UNet.
    Sensitive,
    FeedForward,
    SelfAttention,
    /// Many weights with a small effect each: the convolutions of resnets and samplers.
    Tolerant,
}

/// The type of the matrix `name` with `k` inputs, when the user asks for the type `asked`.
pub(super) fn weight_type(asked: WeightType, name: &str, k: usize) -> WeightType {
    use WeightType::{F16, Q4_0, Q5_0, Q8_0};
    if !asked.is_quantised() {
        return asked;
    }
    if !k.is_multiple_of(WeightType::BLOCK) {
        return F16;
    }
    match (role(name), asked) {
        (Role::Boundary, _) => F16,
        (Role::Sensitive, _) | (Role::FeedForward, Q5_0) => Q8_0,
        (Role::FeedForward | Role::SelfAttention, Q4_0) => Q5_0,
        _ => asked,
    }
}

fn role(name: &str) -> Role {
    let has = |part: &str| name.split('.').any(|own| own == part);
    let any = |parts: &[&str]| parts.iter().any(|part| has(part));
    let of_unet = ["down_blocks", "mid_block", "up_blocks"].iter().any(|b| name.starts_with(b));
    if any(&["conv_in", "conv_out", "time_embedding"]) {
        Role::Boundary
    } else if !of_unet || any(&["attn2", "proj_in", "proj_out", "conv_shortcut"]) {
        Role::Sensitive
    } else if has("ff") {
        Role::FeedForward
    } else if has("attn1") {
        Role::SelfAttention
    } else {
        Role::Tolerant
    }
}

/// The type of a table of embeddings: f16 where the rest is quantised. Its rows are looked up and
/// not multiplied, so blocks would save memory but no time.
pub(super) fn table_type(asked: WeightType) -> WeightType {
    if asked.is_quantised() { WeightType::F16 } else { asked }
}
