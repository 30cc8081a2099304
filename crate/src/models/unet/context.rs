//! What cross-attentions see of a prompt, and which of it the rest of a forward pass will use.

use crate::nn::KeyValue;
use crate::ops::TokenMerge;
use crate::tensor::Tensor;
use std::ops::Range;

/// What tokens attend to: the keys and values of a prompt for every cross-attention of a UNet, in
/// the order in which a forward pass uses them; and how many of 1000 tokens are merged for
/// self-attention.
#[derive(Clone)]
pub struct Context {
    pub(super) keys: Vec<KeyValue>,
    pub(super) merged: u32,
}

impl Context {
    /// The same, with so many of a thousand tokens of the highest resolution merged into others for
    /// their self-attention: "Token Merging for Fast Stable Diffusion" (Bolya and Hoffman,
    /// 2303.17604).
    #[must_use]
    pub fn merging(&self, merged: u32) -> Context {
        Context { keys: self.keys.clone(), merged }
    }

    /// For a forward pass over `latents` `[b, h, w, c]`: those of the attentions `part`.
    pub(super) fn part(&self, part: Range<usize>, latents: &Tensor) -> Remaining<'_> {
        let [_, h, w, _] = latents.shape().image();
        Remaining { keys: self.keys[part].iter(), merged: self.merged, size: [h, w] }
    }
}

/// What the rest of a forward pass will need of a context.
pub(super) struct Remaining<'a> {
    pub(super) keys: std::slice::Iter<'a, KeyValue>,
    merged: u32,
    /// The highest resolution.
    size: [usize; 2],
}

impl Remaining<'_> {
    /// How many tokens of pictures of this size are merged.
    pub(super) fn merged(&self, size: [usize; 2]) -> usize {
        let wanted = size[0] * size[1] * self.merged as usize / 1000;
        if size == self.size { wanted.min(TokenMerge::most(size)) } else { 0 }
    }
}
