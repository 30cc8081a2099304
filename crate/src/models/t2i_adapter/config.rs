//! The sizes of a T2I-Adapter, from the names and shapes of its tensors: most files have no config,
//! and it would say no more.

use serde_json::Value;

use crate::error::{Result, bad_file};
use crate::models::unet::UnetConfig;
use crate::models::vae::VaeConfig;
use crate::weights::ControlFile;

/// The most levels, and blocks of a level.
const MOST: usize = 64;

/// The sizes of a T2I-Adapter. diffusers: the arguments of `T2IAdapter`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct T2iAdapterConfig {
    /// Channels of the picture: 3, or 1 for a gray one (`in_channels`).
    pub in_channels: usize,
    /// Channels of each level.
    pub channels: Vec<usize>,
    /// Blocks of each level.
    pub num_res_blocks: usize,
    /// The ratio of a picture's side to that of the first level (`downscale_factor`).
    pub factor: usize,
}

impl T2iAdapterConfig {
    /// The config of an opened file, for a model with this UNet and pictures so many times as wide
    /// as latents.
    ///
    /// # Errors
    /// [`BadFile`](crate::Error::BadFile) for one of another model, or of a type that is not
    /// supported.
    pub fn of(file: &ControlFile, unet: &UnetConfig, factor: usize) -> Result<T2iAdapterConfig> {
        let refused = |reason: String| Err(bad_file(file.file(), reason));
        let shape = |name: &str| file.shape(&format!("adapter.{name}"));
        let kind = file.config().map(|(_, json)| kind(json)).unwrap_or_default();
        let Some(&[_, inputs, 3, 3]) = shape("conv_in.weight") else {
            return refused("it is a light T2I-Adapter, which is not supported".into());
        };
        let level = |i: &usize| {
            shape(&format!("body.{i}.resnets.0.block1.weight")).and_then(|shape| shape.first())
        };
        let channels: Vec<usize> = (0..MOST).map_while(|i| level(&i)).copied().collect();
        let block = |j: &usize| shape(&format!("body.0.resnets.{j}.block1.weight")).is_some();
        let num_res_blocks = (0..MOST).take_while(block).count();
        let of_pixel = factor * factor;
        let is_xl = kind == "full_adapter_xl" || inputs == 4 * VaeConfig::PICTURE * of_pixel;
        if is_xl {
            return refused("it is a T2I-Adapter for Stable Diffusion XL".into());
        }
        let in_channels = inputs / of_pixel;
        if inputs != in_channels * of_pixel || ![1, VaeConfig::PICTURE].contains(&in_channels) {
            return refused(format!(
                "it takes pictures of other sizes: its first convolution has {inputs} channels, \
                 and not {} or {of_pixel}",
                VaeConfig::PICTURE * of_pixel
            ));
        }
        let own: Vec<usize> = unet.levels.iter().map(|level| level.channels).collect();
        if channels != own {
            return refused(format!(
                "it is a T2I-Adapter for another UNet, whose levels have {channels:?} channels; \
                 this model's have {own:?}"
            ));
        }
        Ok(T2iAdapterConfig { in_channels, channels, num_res_blocks, factor })
    }
}

/// The type that a config names.
fn kind(json: &str) -> String {
    let fields: Value = serde_json::from_str(json).unwrap_or_default();
    fields["adapter_type"].as_str().unwrap_or_default().to_owned()
}
