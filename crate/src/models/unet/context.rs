//! The keys and values of a prompt for the UNet's cross-attentions, and an iterator over them for a
//! forward pass.

use crate::nn::KeyValue;
use crate::ops::TokenMerge;
use crate::tensor::Tensor;
use std::ops::Range;

/// A prepared context: of the text encoder's states `[b, tokens, d]`, the keys and values for each
/// cross-attention, in the order in which a forward pass uses them. Also how many of 1000 tokens
/// self-attention merges, since this is passed to the same layers.
#[derive(Clone)]
pub struct Context {
    pub(super) key_values: Vec<KeyValue>,
    pub(super) merged_per_mille: u32,
}

impl Context {
    /// The same, but with so many of 1000 tokens of the highest resolution merged for
    /// self-attention: "Token Merging for Fast Stable Diffusion" (Bolya and Hoffman, 2303.17604).
    #[must_use]
    pub fn merging(&self, merged_per_mille: u32) -> Context {
        Context { key_values: self.key_values.clone(), merged_per_mille }
    }

    /// Of the keys and values of all cross-attentions, in the order of a forward pass.
    pub(in crate::models) fn new(key_values: Vec<KeyValue>) -> Context {
        Context { key_values, merged_per_mille: 0 }
    }

    /// The number of cross-attentions.
    pub(in crate::models) fn key_values(&self) -> usize {
        self.key_values.len()
    }

    /// For a forward pass over `latents` `[b, h, w, c]`: the keys and values of the
    /// cross-attentions `part`.
    pub(in crate::models) fn part(&self, part: Range<usize>, latents: &Tensor) -> Remaining<'_> {
        let [_, h, w, _] = latents.shape().image();
        Remaining {
            key_values: self.key_values[part].iter(),
            merged_per_mille: self.merged_per_mille,
            size: [h, w],
        }
    }
}

/// The part of a context that the rest of a forward pass will use.
pub(in crate::models) struct Remaining<'a> {
    pub(super) key_values: std::slice::Iter<'a, KeyValue>,
    merged_per_mille: u32,
    /// Height and width of the highest resolution.
    size: [usize; 2],
}

impl Remaining<'_> {
    /// Whether all of it was used.
    pub(in crate::models) fn is_used_up(&self) -> bool {
        self.key_values.len() == 0
    }

    /// How many tokens are merged at a level `[height, width]`.
    pub(super) fn merged(&self, size: [usize; 2]) -> usize {
        let wanted = size[0] * size[1] * self.merged_per_mille as usize / 1000;
        if size == self.size { wanted.min(TokenMerge::most(size)) } else { 0 }
    }
}
