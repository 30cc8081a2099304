//! The block of which the UNet and the VAE are built: two convolutions around a shortcut,
//!
//! ```text
//! h = conv1(silu(norm1(x))) + time_emb_proj(silu(time))
//! y = conv2(silu(norm2(h))) + conv_shortcut(x)
//! ```
//!
//! The shift by the time and the sum with the shortcut are fused into the convolutions before them;
//! the shifts of all resnets of a UNet are one matrix product, made beforehand.

use std::ops::Range;

use super::conv::Conv2d;
use super::joined::Joined;
use super::linear::Linear;
use super::norm::GroupNorm;
use super::scope::Scope;
use crate::error::Result;
use crate::ops::GroupStats;
use crate::tensor::{Channels, Tensor};

/// Two convolutions around a shortcut, told the time. diffusers: `ResnetBlock2D`.
pub struct ResnetBlock {
    norm1: GroupNorm,
    conv1: Conv2d,
    /// Its part of the shifts by the time; none in the VAE, which knows no time.
    time_emb_proj: Option<Range<usize>>,
    norm2: GroupNorm,
    conv2: Conv2d,
    conv_shortcut: Option<Linear>,
    channels: [usize; 2],
}

impl ResnetBlock {
    /// From `c_in` to `c_out` channels (both multiples of `groups`); `times` are
    /// the projections of the time of all resnets, `None` in the VAE.
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

    /// `x` `[b, h, w, c_in]`, `shifts` `[b, …]` those of all resnets by the time →
    /// `[b, h, w, c_out]`.
    pub fn forward(&self, x: &Tensor, shifts: Option<&Tensor>) -> Tensor {
        let own = self.time_emb_proj.as_ref().zip(shifts);
        let shift = own.map(|(own, shifts)| Channels::new(shifts, own.start, own.len()));
        // Assigned, not shadowed: each h's buffer is free for the op after the next.
        let mut h = self.norm1.forward_silu(x);
        h = self.conv1.forward_shifted(&h, shift);
        h = self.norm2.forward_silu(&h);
        self.join(x, &h)
    }

    /// `conv2(h) + conv_shortcut(x)`
    fn join(&self, x: &Tensor, h: &Tensor) -> Tensor {
        match &self.conv_shortcut {
            Some(shortcut) => self.conv2.forward_onto(h, &shortcut.forward(x)),
            None => self.conv2.forward_onto(h, x),
        }
    }

    /// Channels of what comes in and of what goes out.
    pub fn channels(&self) -> [usize; 2] {
        self.channels
    }

    /// The two norms, for a picture that comes in bands of rows.
    pub fn norms(&self) -> [&GroupNorm; 2] {
        [&self.norm1, &self.norm2]
    }

    /// The first half, without a time, of some rows of a picture whose `norm1` has these
    /// statistics: the h that `norm2` sees, `[1, rows, w, c_in] → [1, rows, w, c_out]`. The first
    /// and last row are wrong where they are not the picture's.
    pub fn forward_first(&self, x: &Tensor, stats: &GroupStats) -> Tensor {
        self.conv1.forward(&self.norm1.forward_silu_by(x, stats))
    }

    /// The second half, given the first, `h` `[1, rows, w, c_out]`, and the statistics of `norm2`:
    /// `x` `[1, rows, w, c_in] → [1, rows, w, c_out]`; another row is wrong.
    pub fn forward_second(&self, x: &Tensor, mut h: Tensor, stats: &GroupStats) -> Tensor {
        h = self.norm2.forward_silu_by(&h, stats);
        self.join(x, &h)
    }
}
