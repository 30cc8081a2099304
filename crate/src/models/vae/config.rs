//! `vae/config.json`, as diffusers writes it.

use serde_json::{Value, json};

use crate::error::Result;
use crate::models::fields::Fields;

/// The sizes of a VAE. diffusers: the arguments of `AutoencoderKL`.
#[derive(Debug, Clone, PartialEq)]
pub struct VaeConfig {
    /// Channels of the latents.
    pub latent_channels: usize,
    /// Channels of each level, from the full size of the picture down.
    pub block_out_channels: Vec<usize>,
    /// Resnets of a level of the encoder; the decoder has one more.
    pub layers_per_block: usize,
    /// Groups of every group norm.
    pub norm_num_groups: usize,
    /// The factor that gives latents a standard deviation of one.
    pub scaling_factor: f64,
    /// Whether there is a 1×1 convolution after the encoder.
    pub use_quant_conv: bool,
    /// Whether there is one before the decoder.
    pub use_post_quant_conv: bool,
    /// Whether the middle has attention.
    pub mid_block_add_attention: bool,
}

impl VaeConfig {
    /// Channels of a picture.
    pub const PICTURE: usize = 3;

    /// Reads `json`, the text of `file`.
    ///
    /// # Errors
    /// [`BadFile`](crate::Error::BadFile), [`Config`](crate::Error::Config).
    pub fn parse(file: &str, json: &str) -> Result<VaeConfig> {
        let fields = Fields::parse(file, json)?;
        let only: [(&str, Value); 7] = [
            ("_class_name", json!("AutoencoderKL")),
            ("act_fn", json!("silu")),
            ("in_channels", json!(Self::PICTURE)),
            ("out_channels", json!(Self::PICTURE)),
            ("shift_factor", Value::Null),
            ("latents_mean", Value::Null),
            ("latents_std", Value::Null),
        ];
        for (field, value) in only {
            fields.only(field, &[value])?;
        }
        let block_out_channels = fields.level_channels("block_out_channels", &[64])?;
        let levels = block_out_channels.len();
        for (field, known) in
            [("down_block_types", "DownEncoderBlock2D"), ("up_block_types", "UpDecoderBlock2D")]
        {
            fields.block_types(field, &[known], &[known], levels)?;
        }
        let norm_num_groups = fields.size("norm_num_groups", 32)?;
        for channels in &block_out_channels {
            fields.divides("norm_num_groups", norm_num_groups, *channels)?;
        }
        // v1.4's file is older than the field: its factor is the class's default.
        let scaling_factor: f64 = fields.get("scaling_factor", 0.18215)?;
        if !scaling_factor.is_finite() || scaling_factor <= 0.0 {
            return Err(fields.error("scaling_factor", "is not a positive number"));
        }
        Ok(VaeConfig {
            latent_channels: fields.size("latent_channels", 4)?,
            block_out_channels,
            layers_per_block: fields.count("layers_per_block", 1)?,
            norm_num_groups,
            scaling_factor,
            use_quant_conv: fields.get("use_quant_conv", true)?,
            use_post_quant_conv: fields.get("use_post_quant_conv", true)?,
            mid_block_add_attention: fields.get("mid_block_add_attention", true)?,
        })
    }

    /// The ratio of a picture's side to that of its latents: 8 for v1.4.
    pub fn factor(&self) -> usize {
        1 << (self.block_out_channels.len() - 1)
    }
}
