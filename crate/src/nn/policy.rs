//! Which type each matrix is stored as when the user asks for a quantised one.
//!
//! ```text
//! matrices                                          in v1.4's UNet   q8_0   q5_0   q4_0
//! first and last convolutions, time embedding            0.2 %       f16    f16    f16
//! cross-attention, projections, shortcuts; and
//!     all of the text encoder and the VAE               10.7 %       q8_0   q8_0   q8_0
//! feed-forward                                          17.3 %       q8_0   q8_0   q5_0
//! self-attention                                         5.8 %       q8_0   q5_0   q5_0
//! convolutions of resnets and samplers, and the
//!     projections of the time                           66.0 %       q8_0   q5_0   q4_0
//! ```
//!
//! Measured on the built-in model, group by group: what each costs alone, in q4_0, is 35.5 dB for
//! the projections, 36.4 for cross-attention, 36.7 for the feed-forward, 40.3 for the shortcuts,
//! 40.4 for self-attention, 42.5 for the resnets' convolutions, 52.3 for the samplers and 62.3 for
//! the projections of the time. So the two thirds that are convolutions bear four bits best, and
//! the tenth that is worst gets eight: against one type for all that raises q4_0 from 29 to 39 dB
//! and q5_0 from 36 to 44 dB, for 0.7 and 0.9 bits more a weight. The last convolution of the VAE
//! alone costs 36 dB in q4_0, though it has but 864 weights there: it and its like stay f16.
//!
//! A block is 32 inputs of one output, so inputs that are no multiple of 32 stay f16 as well: the
//! first convolutions read four channels.

use crate::dtype::WeightType;

/// What a matrix is in its network, as far as precision goes.
enum Role {
    /// At the network's ends, and the time's way in.
    End,
    /// Where few weights carry much.
    Joint,
    FeedForward,
    SelfAttention,
    /// The many that are not noticed much.
    Bulk,
}

/// The type of the matrix `name`, whose blocks must lie within `k` inputs, when `asked` was asked
/// for.
pub(super) fn weight_type(asked: WeightType, name: &str, k: usize) -> WeightType {
    use WeightType::{F16, Q4_0, Q5_0, Q8_0};
    if !asked.is_quantised() {
        return asked;
    }
    if !k.is_multiple_of(WeightType::BLOCK) {
        return F16;
    }
    match (role(name), asked) {
        (Role::End, _) => F16,
        (Role::Joint, _) | (Role::FeedForward, Q5_0) => Q8_0,
        (Role::FeedForward | Role::SelfAttention, Q4_0) => Q5_0,
        _ => asked,
    }
}

fn role(name: &str) -> Role {
    let has = |part: &str| name.split('.').any(|own| own == part);
    let any = |parts: &[&str]| parts.iter().any(|part| has(part));
    let of_unet = ["down_blocks", "mid_block", "up_blocks"].iter().any(|b| name.starts_with(b));
    if any(&["conv_in", "conv_out", "time_embedding"]) {
        Role::End
    } else if !of_unet || any(&["attn2", "proj_in", "proj_out", "conv_shortcut"]) {
        Role::Joint
    } else if has("ff") {
        Role::FeedForward
    } else if has("attn1") {
        Role::SelfAttention
    } else {
        Role::Bulk
    }
}

/// The type of a table of embeddings: f16 where the rest is quantised. Its rows are looked up and
/// not multiplied, so blocks would save memory but no time.
pub(super) fn table_type(asked: WeightType) -> WeightType {
    if asked.is_quantised() { WeightType::F16 } else { asked }
}
