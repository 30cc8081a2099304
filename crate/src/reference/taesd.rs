//! TAESD on candle: the small autoencoder that stands in for the VAE.

use super::CHECKED;
use super::encoder::activate;
use super::weights::Weights;
use crate::error::Result;
use crate::models::taesd::TaesdConfig;
use crate::models::vae::VaeConfig;
use crate::ops::Activation;
use candle_core::Tensor;
use candle_nn::{Conv2d, Conv2dConfig, VarBuilder, conv2d, conv2d_no_bias};

const SAME: Conv2dConfig =
    Conv2dConfig { padding: 1, stride: 1, dilation: 1, groups: 1, cudnn_fwd_algo: None };
const HALVE: Conv2dConfig = Conv2dConfig { stride: 2, ..SAME };

/// diffusers: `AutoencoderTiny`.
pub struct Taesd {
    decoder: Vec<Layer>,
    encoder: Option<Vec<Layer>>,
    act: Activation,
    scaling_factor: f64,
}

/// A layer of either half.
enum Layer {
    Conv(Conv2d),
    Act,
    /// The three convolutions.
    Block([Conv2d; 3]),
    /// Doubles height and width.
    Double,
}

impl Taesd {
    /// From the weights of the decoder, and of the encoder where the config has one.
    ///
    /// # Errors
    /// [`Error::BadFile`](crate::Error::BadFile) for weights that do not fit the config.
    pub fn new(config: &TaesdConfig, decoder: Weights, encoder: Option<Weights>) -> Result<Taesd> {
        let encoder = encoder.map(|weights| weights.build(|vars| encoder_layers(&vars, config)));
        Ok(Taesd {
            decoder: decoder.build(|vars| decoder_layers(&vars, config))?,
            encoder: encoder.transpose()?,
            act: config.act_fn,
            scaling_factor: config.scaling_factor,
        })
    }

    /// Whether there is an encoder.
    pub fn encodes(&self) -> bool {
        self.encoder.is_some()
    }

    /// The sampler's `latents` `[b, c, h, w]` → a picture `[b, 3, factor·h, factor·w]` in about
    /// −1…1.
    pub fn decode(&self, latents: &Tensor) -> Tensor {
        let decode = || {
            let z = activate(Activation::Bounded, &(latents / self.scaling_factor)?)?;
            activate(Activation::Signed, &self.run(&self.decoder, z)?)
        };
        decode().expect(CHECKED)
    }

    /// A picture `[b, 3, h, w]` in −1…1 → its latents, not scaled, `[b, c, h/factor, w/factor]`.
    ///
    /// # Panics
    /// When there is no encoder.
    pub fn encode(&self, picture: &Tensor) -> Tensor {
        let layers = self.encoder.as_ref().expect("a config with an encoder");
        let encode = || self.run(layers, activate(Activation::Unsigned, picture)?);
        encode().expect(CHECKED)
    }

    fn run(&self, layers: &[Layer], mut x: Tensor) -> candle_core::Result<Tensor> {
        for layer in layers {
            x = match layer {
                Layer::Conv(conv) => x.apply(conv)?,
                Layer::Act => activate(self.act, &x)?,
                Layer::Block([first, second, last]) => {
                    let h = activate(self.act, &x.apply(first)?)?;
                    let h = activate(self.act, &h.apply(second)?)?;
                    (h.apply(last)? + &x)?.relu()?
                }
                Layer::Double => {
                    let (_, _, h, w) = x.dims4()?;
                    x.upsample_nearest2d(2 * h, 2 * w)?
                }
            };
        }
        Ok(x)
    }
}

fn block(vars: &VarBuilder<'_>, c: usize) -> candle_core::Result<Layer> {
    let conv = |i: usize| conv2d(c, c, 3, SAME, vars.pp("conv").pp(i));
    Ok(Layer::Block([conv(0)?, conv(2)?, conv(4)?]))
}

/// Layer by layer with the numbers of their names.
fn decoder_layers(root: &VarBuilder<'_>, config: &TaesdConfig) -> candle_core::Result<Vec<Layer>> {
    let (vars, c) = (root.pp("decoder.layers"), config.decoder.channels);
    let conv_in = conv2d(config.latent_channels, c, 3, SAME, vars.pp(0))?;
    let mut layers = vec![Layer::Conv(conv_in), Layer::Act];
    for (level, &count) in config.decoder.blocks.iter().enumerate() {
        for _ in 0..count {
            layers.push(block(&vars.pp(layers.len()), c)?);
        }
        let conv = if level + 1 < config.decoder.blocks.len() {
            layers.push(Layer::Double);
            conv2d_no_bias(c, c, 3, SAME, vars.pp(layers.len()))?
        } else {
            conv2d(c, VaeConfig::PICTURE, 3, SAME, vars.pp(layers.len()))?
        };
        layers.push(Layer::Conv(conv));
    }
    Ok(layers)
}

fn encoder_layers(root: &VarBuilder<'_>, config: &TaesdConfig) -> candle_core::Result<Vec<Layer>> {
    let Some(levels) = &config.encoder else { return Ok(Vec::new()) };
    let (vars, c, mut layers) = (root.pp("encoder.layers"), levels.channels, Vec::new());
    for (level, &count) in levels.blocks.iter().enumerate() {
        let at = vars.pp(layers.len());
        layers.push(Layer::Conv(match level {
            0 => conv2d(VaeConfig::PICTURE, c, 3, SAME, at)?,
            _ => conv2d_no_bias(c, c, 3, HALVE, at)?,
        }));
        for _ in 0..count {
            layers.push(block(&vars.pp(layers.len()), c)?);
        }
    }
    let conv_out = conv2d(c, config.latent_channels, 3, SAME, vars.pp(layers.len()))?;
    layers.push(Layer::Conv(conv_out));
    Ok(layers)
}
