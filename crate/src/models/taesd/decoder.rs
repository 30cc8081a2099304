//! The decoder, from latents to a picture:
//!
//! ```text
//! x = act(conv_in(3 · tanh(z / 3)))
//! each level, from the lowest:  x = blocks(x); double, conv
//! picture = 2 · conv_out(x) − 1
//! ```
//!
//! There are no norms, so the last level, whose tensors are by far the largest, is computed in
//! bands of rows, each from as many rows of the level below it as its convolutions read. The
//! picture is that of the whole level, for a tenth more work.

use super::block::Block;
use super::config::TaesdConfig;
use crate::activation::Activation;
use crate::error::Result;
use crate::models::vae::VaeConfig;
use crate::nn::{Conv2d, Scope};
use crate::ops::{Rows, Term};
use crate::tensor::Tensor;

/// Rows of the picture in a band: even, and a multiple of every grain of rows.
const BAND: usize = 128;

/// The decoder of a TAESD. diffusers: `DecoderTiny`.
pub struct TaesdDecoder {
    conv_in: Conv2d,
    levels: Vec<Level>,
    conv_out: Conv2d,
    act: Activation,
    scaling_factor: f64,
}

/// One level.
struct Level {
    /// The convolution after doubling the level below it; the lowest has none.
    double: Option<Conv2d>,
    blocks: Vec<Block>,
}

impl TaesdDecoder {
    /// From the root of a checkpoint with diffusers' names.
    ///
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub fn new(root: &Scope, config: &TaesdConfig) -> Result<TaesdDecoder> {
        let layers = root.at("decoder.layers");
        let (c, act) = (config.decoder.channels, config.act_fn);
        let conv_in = Conv2d::new(&layers.at(0), config.latent_channels, c, 3)?;
        // The activation is number 1.
        let (mut next, mut double, mut levels) = (2, None, Vec::new());
        for (level, &count) in config.decoder.blocks.iter().enumerate() {
            let blocks = (next..next + count).map(|i| Block::new(&layers.at(i), c, act));
            let blocks = blocks.collect::<Result<_>>()?;
            next += count;
            levels.push(Level { double: double.take(), blocks });
            if level + 1 < config.decoder.blocks.len() {
                // The doubling has a number, and no weights.
                double = Some(Conv2d::unbiased(&layers.at(next + 1), c, c, 3)?);
                next += 2;
            }
        }
        let conv_out = Conv2d::new(&layers.at(next), c, VaeConfig::PICTURE, 3)?;
        let scaling_factor = config.scaling_factor;
        Ok(TaesdDecoder { conv_in, levels, conv_out, act, scaling_factor })
    }

    /// The sampler's `latents` `[1, h, w, latent_channels]` → a picture `[1, factor·h, factor·w,
    /// 4]` in about −1…1; the fourth channel is padding.
    pub fn decode(&self, latents: &Tensor) -> Tensor {
        let [batch, ..] = latents.shape().image();
        let coefficient = (1.0 / self.scaling_factor) as f32;
        let z = Term { x: latents, first: 0, coefficient };
        let z = Tensor::combine(batch, latents.precision(), &[z]).activate(Activation::Bounded);
        let mut x = self.conv_in.forward_activated(&z, self.act);
        let (last, lower) = self.levels.split_last().expect("a config has levels");
        for level in lower {
            x = level.forward(x);
            // The next level's tensors are four times as large.
            x.gpu().trim();
        }
        self.finish(last, x)
    }

    /// The last level and the last convolution, of `x` `[1, h, w, c]`.
    fn finish(&self, level: &Level, x: Tensor) -> Tensor {
        let [_, height, width, c] = x.shape().image();
        let factor = if level.double.is_some() { 2 } else { 1 };
        let to_picture =
            |x: Tensor| self.conv_out.forward_activated(&level.forward(x), Activation::Signed);
        if factor * height <= BAND {
            return to_picture(x);
        }
        // Each 3×3 convolution reads one row more on either side.
        let reach = (3 * level.blocks.len() + factor).div_ceil(factor);
        let rows = (BAND / factor + 2 * reach).min(height);
        let mut bands = Vec::new();
        for row in (0..factor * height).step_by(BAND) {
            let first = (row / factor).saturating_sub(reach).min(height - rows);
            let strip = Tensor::empty(x.gpu(), [1, rows, width, c], x.precision());
            strip.gather_rows(&[(&x, first..first + rows)]);
            let valid = row - factor * first..(row + BAND).min(factor * height) - factor * first;
            bands.push((to_picture(strip), valid));
        }
        let shape = [1, factor * height, factor * width, 4];
        let picture = Tensor::empty(x.gpu(), shape, x.precision());
        let parts: Vec<Rows<'_>> = bands.iter().map(|(x, valid)| (x, valid.clone())).collect();
        picture.gather_rows(&parts);
        picture
    }
}

impl Level {
    /// `x` of the level below → `[b, 2h, 2w, c]`, or of the same height and width at the lowest.
    fn forward(&self, mut x: Tensor) -> Tensor {
        if let Some(double) = &self.double {
            x = double.forward_doubled(&x);
        }
        self.blocks.iter().fold(x, |x, block| block.forward(&x))
    }
}
