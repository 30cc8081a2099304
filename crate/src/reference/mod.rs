//! A second, independent implementation of the three networks, on the CPU: candle-transformers'
//! VAE, resnets and attentions, and the rest on candle-nn. It shares only the configs with our
//! kernels, so that the two can be compared; and it runs where there is no graphics adapter.
//!
//! It computes in f32 and holds all weights in memory.

mod controlnet;
mod encoder;
mod freeu;
mod safety;
mod t2i_adapter;
mod taesd;
mod text_encoder;
mod time_embedding;
mod unet;
mod upscaler;
mod vae_encoder;
mod weights;

use crate::diffusion::Guidance;
use crate::error::{Error, Result};
use crate::models::clip::TextConfig;
use crate::models::unet::{UnetConfig, UnetInput, UnetOutput};
use crate::models::vae::VaeConfig;
use candle_core::{Device, Tensor};
use candle_transformers::models::stable_diffusion::vae::{AutoEncoderKL, AutoEncoderKLConfig};
pub use controlnet::ControlNet;
pub use safety::SafetyNetwork;
pub use t2i_adapter::T2iAdapter;
pub use taesd::Taesd;
use text_encoder::TextEncoder;
pub use unet::Unet;
pub use upscaler::Upscaler;
use vae_encoder::VaeEncoder;
pub use weights::Weights;

/// The message of a panic: an error of candle here is a bug of ours, because shapes were checked
/// when the model was opened.
const CHECKED: &str = "candle computes what it accepted when the model was opened";

/// The text encoder, the UNet and the VAE.
pub struct Networks {
    text_encoder: TextEncoder,
    unet: Unet,
    vae: AutoEncoderKL,
    vae_encoder: VaeEncoder,
    scaling_factor: f64,
}

impl Networks {
    /// From the weights of text encoder, UNet and VAE.
    ///
    /// # Errors
    /// [`Error::Config`] for a config that candle's VAE does not support, [`Error::BadFile`] for
    /// weights that do not fit the configs.
    pub fn new(
        configs: (&TextConfig, &UnetConfig, &VaeConfig),
        [text_encoder, unet, vae]: [Weights; 3],
    ) -> Result<Networks> {
        let (text_config, unet_config, vae_config) = configs;
        if !vae_config.mid_block_add_attention {
            return Err(Error::Config {
                file: "vae/config.json".into(),
                field: "mid_block_add_attention".into(),
                reason: "is false, which the CPU's implementation does not have".into(),
            });
        }
        let kl = AutoEncoderKLConfig {
            block_out_channels: vae_config.block_out_channels.clone(),
            layers_per_block: vae_config.layers_per_block,
            latent_channels: vae_config.latent_channels,
            norm_num_groups: vae_config.norm_num_groups,
            use_quant_conv: vae_config.use_quant_conv,
            use_post_quant_conv: vae_config.use_post_quant_conv,
        };
        let picture = VaeConfig::PICTURE;
        // Both have the encoder's weights; the tensors are shared.
        let (vae, vae_encoder) = vae.build(|vars| {
            let encoder = VaeEncoder::new(&vars, vae_config)?;
            Ok((AutoEncoderKL::new(vars, picture, picture, kl)?, encoder))
        })?;
        Ok(Networks {
            text_encoder: text_encoder.build(|vars| TextEncoder::new(&vars, text_config))?,
            unet: Unet::open(unet, unet_config)?,
            vae,
            vae_encoder,
            scaling_factor: vae_config.scaling_factor,
        })
    }

    /// [`Networks::with_rows`], in place of those before.
    pub fn set_rows(&mut self, rows: &[f32]) {
        self.text_encoder.set_rows(rows).expect(CHECKED);
    }

    /// Builds the text encoder again, from other weights, with the same further `rows` as
    /// [`Networks::with_rows`].
    ///
    /// # Errors
    /// [`Error::BadFile`] for weights that do not fit the config.
    pub fn set_text_encoder(
        &mut self,
        weights: Weights,
        config: &TextConfig,
        rows: &[f32],
    ) -> Result<()> {
        self.text_encoder = weights.build(|vars| {
            let mut encoder = TextEncoder::new(&vars, config)?;
            encoder.set_rows(rows)?;
            Ok(encoder)
        })?;
        Ok(())
    }

    /// Builds the UNet again, from other weights.
    ///
    /// # Errors
    /// [`Error::BadFile`] for weights that do not fit the config.
    pub fn set_unet(&mut self, weights: Weights, config: &UnetConfig) -> Result<()> {
        self.unet = Unet::open(weights, config)?;
        Ok(())
    }

    /// The same networks with further rows `[n, c]` behind those of the token embedding: vectors of
    /// textual inversions, whose ids begin at the config's `vocab_size`.
    ///
    /// # Panics
    /// When they are not whole rows.
    #[must_use]
    pub fn with_rows(mut self, rows: &[f32]) -> Networks {
        self.set_rows(rows);
        self
    }

    /// `ids`, in `batch` rows → `[batch, tokens, c]`, without the last `skipped` layers of the text
    /// encoder.
    pub fn encode(&self, ids: &[u32], batch: usize, skipped: usize) -> Tensor {
        let ids = Tensor::from_slice(ids, (batch, ids.len() / batch), &Device::Cpu);
        ids.and_then(|ids| self.text_encoder.forward(&ids, skipped)).expect(CHECKED)
    }

    /// The UNet's prediction for `input`, whose latents are `[1, c, h, w]`, while context
    /// `[b, tokens, c]` and residuals have a batch of b prompts; extra channels are `[1, c, h, w]`
    /// or `[b, c, h, w]`. With several prompts it is guided: `[1, c, h, w]`.
    pub fn predict(
        &self,
        input: &UnetInput<'_, Tensor, Tensor>,
        guidance: Guidance<'_>,
    ) -> UnetOutput<Tensor> {
        let predict = || {
            let batch = input.context.dim(0)?;
            let latents = input.latents.repeat((batch, 1, 1, 1))?;
            let extra = input.extra_channels.map(|extra| match extra.dim(0)? {
                1 => extra.repeat((batch, 1, 1, 1)),
                _ => Ok(extra.clone()),
            });
            let extra = extra.transpose()?;
            let of_all = UnetInput { latents: &latents, extra_channels: extra.as_ref(), ..*input };
            let mut output = self.unet.forward(&of_all)?;
            output.sample = guided(&output.sample, guidance)?;
            Ok::<_, candle_core::Error>(output)
        };
        predict().expect(CHECKED)
    }

    /// `picture` `[1, 3, h, w]` in −1…1 → mean and logvar of its latents, `[1, c, h/8, w/8]` each,
    /// not scaled.
    pub fn encode_picture(&self, picture: &Tensor) -> [Tensor; 2] {
        let encode = || {
            let moments = self.vae_encoder.forward(picture)?;
            let c = moments.dim(1)? / 2;
            Ok::<_, candle_core::Error>([moments.narrow(1, 0, c)?, moments.narrow(1, c, c)?])
        };
        encode().expect(CHECKED)
    }

    /// Scaled `latents`, as the sampler has them → a picture `[1, 3, h, w]` in about −1…1.
    pub fn decode(&self, latents: &Tensor) -> Tensor {
        let decode = || self.vae.decode(&(latents / self.scaling_factor)?);
        decode().expect(CHECKED)
    }
}

/// The prediction from those of all prompts, `[b, c, h, w]` → `[1, c, h, w]`; see [`Guidance`].
fn guided(eps: &Tensor, guidance: Guidance<'_>) -> candle_core::Result<Tensor> {
    let Guidance { scale, image_scale, rescale, parts } = guidance;
    let (batch, positive) = (eps.dim(0)?, guidance.positive());
    let of = |prompt| eps.narrow(0, prompt, 1);
    let sum = match (batch, parts) {
        (_, [_, ..]) => composed(eps, scale, parts)?,
        (1, []) => eps.clone(),
        (2, []) => (of(0)? + ((of(1)? - of(0)?)? * scale)?)?,
        _ => {
            let (uncond, image, text) = (of(0)?, of(1)?, of(2)?);
            let by_text = ((text - &image)? * scale)?;
            (&uncond + by_text + ((image - &uncond)? * image_scale)?)?
        }
    };
    if rescale == 0.0 || batch == positive {
        return Ok(sum);
    }
    let own = eps.narrow(0, batch - positive, positive)?;
    let text = if parts.is_empty() { own } else { composed(&own, 1.0, parts)? };
    rescaled(sum, &text, rescale)
}

/// The prediction of a prompt's parts, `[1, c, h, w]`, from those of all prompts: the negative one,
/// if it is among them, or the first part, plus what each part adds to it.
fn composed(eps: &Tensor, scale: f64, parts: &[f64]) -> candle_core::Result<Tensor> {
    let negative = eps.dim(0)? - parts.len();
    let base = eps.narrow(0, 0, 1)?;
    let scale = if negative == 0 { 1.0 } else { scale };
    let mut sum = base.clone();
    for (place, weight) in parts.iter().enumerate() {
        sum = (sum + ((eps.narrow(0, negative + place, 1)? - &base)? * (scale * weight))?)?;
    }
    Ok(sum)
}

/// A guided prediction with a part of the spread of the prompt's own; see [`Guidance`].
fn rescaled(guided: Tensor, text: &Tensor, share: f64) -> candle_core::Result<Tensor> {
    let deviation = |x: &Tensor| -> candle_core::Result<f64> {
        let variance = x.flatten_all()?.var(0)?.to_scalar::<f32>()?;
        Ok(f64::from(variance).sqrt())
    };
    let ratio = deviation(text)? / deviation(&guided)?;
    guided * (share * ratio + 1.0 - share)
}
