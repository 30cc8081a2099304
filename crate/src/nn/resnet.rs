//! The block of which the UNet and the VAE are built: two convolutions around a shortcut,
//!
//! ```text
//! h = conv1(silu(norm1(x))) + time_emb_proj(silu(time))
//! y = conv2(silu(norm2(h))) + conv_shortcut(x)
//! ```
//!
//! The shift by the time and the sum with the shortcut ride on the convolutions that precede them.

use super::conv::Conv2d;
use super::linear::Linear;
use super::norm::GroupNorm;
use super::scope::Scope;
use crate::error::Result;
use crate::tensor::Tensor;

/// Two convolutions around a shortcut, told the time. diffusers: `ResnetBlock2D`.
pub struct ResnetBlock {
    norm1: GroupNorm,
    conv1: Conv2d,
    time_emb_proj: Option<Linear>,
    norm2: GroupNorm,
    conv2: Conv2d,
    conv_shortcut: Option<Linear>,
}

impl ResnetBlock {
    /// From `c_in` to `c_out` channels (both multiples of `groups`); `c_time` is the width of the
    /// time embedding, `None` in the VAE, which knows no time.
    ///
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub fn new(
        scope: &Scope,
        [c_in, c_out]: [usize; 2],
        c_time: Option<usize>,
        groups: usize,
        eps: f32,
    ) -> Result<ResnetBlock> {
        let time = |c_time| Linear::new(&scope.at("time_emb_proj"), c_time, c_out);
        let shortcut = || Linear::pointwise(&scope.at("conv_shortcut"), c_in, c_out);
        Ok(ResnetBlock {
            norm1: GroupNorm::new(&scope.at("norm1"), c_in, groups, eps)?,
            conv1: Conv2d::new(&scope.at("conv1"), c_in, c_out, 3)?,
            time_emb_proj: c_time.map(time).transpose()?,
            norm2: GroupNorm::new(&scope.at("norm2"), c_out, groups, eps)?,
            conv2: Conv2d::new(&scope.at("conv2"), c_out, c_out, 3)?,
            conv_shortcut: (c_in != c_out).then(shortcut).transpose()?,
        })
    }

    /// `x` `[b, h, w, c_in]`, `time` `[b, c_time]` after its silu → `[b, h, w, c_out]`.
    pub fn forward(&self, x: &Tensor, time: Option<&Tensor>) -> Tensor {
        let shift = self.time_emb_proj.as_ref().zip(time).map(|(proj, time)| proj.forward(time));
        // Assigned, not shadowed: each h's buffer is free for the op after the next.
        let mut h = self.norm1.forward_silu(x);
        h = self.conv1.forward_shifted(&h, shift.as_ref());
        h = self.norm2.forward_silu(&h);
        match &self.conv_shortcut {
            Some(shortcut) => self.conv2.forward_onto(&h, &shortcut.forward(x)),
            None => self.conv2.forward_onto(&h, x),
        }
    }
}
