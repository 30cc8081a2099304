//! The resnet block of the UNet and the VAE: two convolutions and a shortcut,
//!
//! ```text
//! h = conv1(silu(norm1(x))) + time_emb_proj(silu(time))
//! y = conv2(silu(norm2(h))) + conv_shortcut(x)
//! ```
//!
//! Adding the time embedding and adding the shortcut are fused into the convolutions before them.
//! The time embedding's projections for all resnets of a UNet are one matrix product, computed
//! first.

use std::ops::Range;

use super::conv::Conv2d;
use super::joined::Joined;
use super::linear::Linear;
use super::norm::GroupNorm;
use super::scope::Scope;
use crate::error::Result;
use crate::ops::GroupStats;
use crate::tensor::{Channels, Tensor};

/// Two convolutions and a shortcut, with time embedding in the UNet. diffusers: `ResnetBlock2D`.
pub struct ResnetBlock {
    norm1: GroupNorm,
    conv1: Conv2d,
    /// Its range of the shifts; `None` in the VAE, which has no time embedding.
    time_emb_proj: Option<Range<usize>>,
    norm2: GroupNorm,
    conv2: Conv2d,
    conv_shortcut: Option<Linear>,
    channels: [usize; 2],
}

impl ResnetBlock {
    /// From `c_in` to `c_out` channels (both multiples of `groups`); `times` collects the time
    /// embedding's projections of all resnets, `None` in the VAE.
    ///
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub fn new(
        scope: &Scope,
        [c_in, c_out]: [usize; 2],
        times: Option<&mut Joined>,
        groups: usize,
        eps: f32,
    ) -> Result<ResnetBlock> {
        let time = |times: &mut Joined| times.ask(&scope.at("time_emb_proj"), c_out);
        let shortcut = || Linear::pointwise(&scope.at("conv_shortcut"), c_in, c_out);
        Ok(ResnetBlock {
            norm1: GroupNorm::new(&scope.at("norm1"), c_in, groups, eps)?,
            conv1: Conv2d::new(&scope.at("conv1"), c_in, c_out, 3)?,
            time_emb_proj: times.map(time).transpose()?,
            norm2: GroupNorm::new(&scope.at("norm2"), c_out, groups, eps)?,
            conv2: Conv2d::new(&scope.at("conv2"), c_out, c_out, 3)?,
            conv_shortcut: (c_in != c_out).then(shortcut).transpose()?,
            channels: [c_in, c_out],
        })
    }

    /// `x` `[b, h, w, c_in]` → `[b, h, w, c_out]`; `shifts` `[b, …]` are the time embedding's
    /// projections for all resnets.
    pub fn forward(&self, x: &Tensor, shifts: Option<&Tensor>) -> Tensor {
        let own = self.time_emb_proj.as_ref().zip(shifts);
        let shift = own.map(|(own, shifts)| Channels::new(shifts, own.start, own.len()));
        // Assigned, not shadowed, so that the buffer of each `h` is free again for the op after the
        // next.
        let mut h = self.norm1.forward_silu(x);
        h = self.conv1.forward_shifted(&h, shift);
        h = self.norm2.forward_silu(&h);
        self.join(x, h)
    }

    /// `conv2(h) + conv_shortcut(x)`. The shortcut comes last: the sum then takes the buffer of
    /// `h`, and in the VAE's last level, where tensors are largest, one less is alive.
    fn join(&self, x: &Tensor, h: Tensor) -> Tensor {
        let Some(shortcut) = &self.conv_shortcut else { return self.conv2.forward_onto(&h, x) };
        let y = self.conv2.forward(&h);
        drop(h);
        shortcut.forward_onto(x, &y)
    }

    /// Channels of the input and of the output.
    pub fn channels(&self) -> [usize; 2] {
        self.channels
    }

    /// The two norms, for an input in bands of rows.
    pub fn norms(&self) -> [&GroupNorm; 2] {
        [&self.norm1, &self.norm2]
    }

    /// The first half, without time embedding, of some rows, with the statistics of `norm1`: the
    /// input h of `norm2`, `[1, rows, w, c_in] → [1, rows, w, c_out]`. The first and the last row
    /// are invalid, unless they are at the border of the whole input.
    pub fn forward_first(&self, x: &Tensor, stats: &GroupStats) -> Tensor {
        self.conv1.forward(&self.norm1.forward_silu_by(x, stats))
    }

    /// The second half, from the first half's `h` `[1, rows, w, c_out]` and the statistics of
    /// `norm2`: `x` `[1, rows, w, c_in] → [1, rows, w, c_out]`. One more row at each end is
    /// invalid, so two in all.
    pub fn forward_second(&self, x: &Tensor, mut h: Tensor, stats: &GroupStats) -> Tensor {
        h = self.norm2.forward_silu_by(&h, stats);
        self.join(x, h)
    }
}
