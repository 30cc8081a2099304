//! From the picture to the hint, which is added to the first convolution of the latents:
//!
//! ```text
//! x = silu(conv_in(picture))
//! each further level:  x = silu(conv(x));  x = silu(conv(x) with stride two)
//! hint = conv_out(x)
//! ```

use crate::activation::Activation;
use crate::error::Result;
use crate::models::vae::VaeConfig;
use crate::nn::{Conv2d, Scope};
use crate::tensor::Tensor;

/// diffusers: `ControlNetConditioningEmbedding`.
pub(super) struct ConditioningEmbedding {
    conv_in: Conv2d,
    blocks: Vec<Conv2d>,
    conv_out: Conv2d,
}

impl ConditioningEmbedding {
    /// With these channels of its levels, to `c` channels.
    ///
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub(super) fn new(scope: &Scope, channels: &[usize], c: usize) -> Result<Self> {
        let conv_in = Conv2d::new(&scope.at("conv_in"), VaeConfig::PICTURE, channels[0], 3)?;
        let (mut blocks, at) = (Vec::new(), scope.at("blocks"));
        for pair in channels.windows(2) {
            blocks.push(Conv2d::new(&at.at(blocks.len()), pair[0], pair[0], 3)?);
            let halved = Conv2d::new(&at.at(blocks.len()), pair[0], pair[1], 3)?;
            blocks.push(halved.with_stride(2));
        }
        let last = channels[channels.len() - 1];
        let conv_out = Conv2d::new(&scope.at("conv_out"), last, c, 3)?;
        Ok(ConditioningEmbedding { conv_in, blocks, conv_out })
    }

    /// `picture` `[b, h, w, 4]` in 0…1, the fourth channel of any values → `[b, h/f, w/f, c]`.
    pub(super) fn forward(&self, picture: &Tensor) -> Tensor {
        let mut x = self.conv_in.forward_activated(picture, Activation::Silu);
        for block in &self.blocks {
            x = block.forward_activated(&x, Activation::Silu);
            // The next level's tensors are smaller.
            x.gpu().trim();
        }
        self.conv_out.forward(&x)
    }
}
