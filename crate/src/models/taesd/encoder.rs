//! The encoder, from a picture to latents:
//!
//! ```text
//! x = conv_in((picture + 1) / 2)
//! each level, from the highest:  x = blocks(x); halve by a convolution
//! latents = conv_out(x)
//! ```

use super::block::Block;
use super::config::TaesdConfig;
use crate::activation::Activation;
use crate::error::Result;
use crate::models::vae::VaeConfig;
use crate::nn::{Conv2d, Scope};
use crate::tensor::Tensor;

/// The encoder of a TAESD. diffusers: `EncoderTiny`.
pub struct TaesdEncoder {
    /// Of each level: the convolution that it begins with, and its blocks.
    levels: Vec<(Conv2d, Vec<Block>)>,
    conv_out: Conv2d,
}

impl TaesdEncoder {
    /// From the root of a checkpoint with diffusers' names; `None` for a config without an encoder.
    ///
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub fn new(root: &Scope, config: &TaesdConfig) -> Result<Option<TaesdEncoder>> {
        let Some(sizes) = &config.encoder else { return Ok(None) };
        let (layers, c) = (root.at("encoder.layers"), sizes.channels);
        let (mut next, mut levels) = (0, Vec::new());
        for (level, &count) in sizes.blocks.iter().enumerate() {
            let conv = match level {
                0 => Conv2d::new(&layers.at(next), VaeConfig::PICTURE, c, 3)?,
                _ => Conv2d::unbiased(&layers.at(next), c, c, 3)?.with_stride(2),
            };
            let numbers = next + 1..next + 1 + count;
            let blocks = numbers.map(|i| Block::new(&layers.at(i), c, config.act_fn));
            levels.push((conv, blocks.collect::<Result<_>>()?));
            next += 1 + count;
        }
        let conv_out = Conv2d::new(&layers.at(next), c, config.latent_channels, 3)?;
        Ok(Some(TaesdEncoder { levels, conv_out }))
    }

    /// A picture `[b, h, w, 4]` in −1…1, the fourth channel of any values → its latents, not
    /// scaled, `[b, h/factor, w/factor, latent_channels]`, padded to four channels.
    pub fn forward(&self, picture: &Tensor) -> Tensor {
        let mut x = picture.activate(Activation::Unsigned);
        for (conv, blocks) in &self.levels {
            x = conv.forward(&x);
            x = blocks.iter().fold(x, |x, block| block.forward(&x));
            // The next level's tensors are a quarter as large.
            x.gpu().trim();
        }
        self.conv_out.forward(&x)
    }
}
