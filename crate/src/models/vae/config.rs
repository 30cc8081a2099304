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
    /// Resnets of a level on the way down; one more on the way up.
    pub layers_per_block: usize,
    /// Groups of every group norm.
    pub norm_num_groups: usize,
    /// The latents' standard deviation is brought to one by this factor.
    pub scaling_factor: f64,
    /// Whether a 1×1 convolution follows the encoder.
    pub use_quant_conv: bool,
    /// Whether one precedes the decoder.
    pub use_post_quant_conv: bool,
    /// Whether the middle attends.
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
        // v1.4's file was written before the field existed: its factor is the class's default.
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

    /// How many times larger a picture's side is than its latents': 8 for v1.4.
    pub fn factor(&self) -> usize {
        1 << (self.block_out_channels.len() - 1)
    }
}
