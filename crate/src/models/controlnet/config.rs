//! The sizes of a ControlNet: from `config.json`, as diffusers writes it, or, since most files have
//! none, from the UNet that it is a copy of and from the shapes of its tensors.

use serde_json::{Value, json};

use crate::error::{Error, Result, bad_file};
use crate::json::from_python;
use crate::models::fields::Fields;
use crate::models::unet::UnetConfig;
use crate::models::vae::VaeConfig;
use crate::weights::ControlFile;

/// The most convolutions of the hint.
const BLOCKS_MAX: usize = 32;

/// The keys of a cross-attention, whose inputs are the channels of a token.
const KEYS: &str = "attn2.to_k.weight";

/// The sizes of a ControlNet. diffusers: the arguments of `ControlNetModel`.
#[derive(Debug, Clone, PartialEq)]
pub struct ControlNetConfig {
    /// Of the down path and the middle.
    pub unet: UnetConfig,
    /// Channels of the hint's levels, from the picture's size down
    /// (`conditioning_embedding_out_channels`).
    pub conditioning: Vec<usize>,
    /// Whether the picture's channels are in the order blue, green, red
    /// (`controlnet_conditioning_channel_order`).
    pub bgr: bool,
}

impl ControlNetConfig {
    /// The config of an opened file, for a model with this UNet.
    ///
    /// # Errors
    /// [`Error::BadFile`] for a ControlNet of another model, [`Error::Config`] for one that is not
    /// supported.
    pub fn of(file: &ControlFile, unet: &UnetConfig) -> Result<ControlNetConfig> {
        check_context(file, unet)?;
        let (own, bgr) = match file.config() {
            Some((path, json)) => read(path, json)?,
            None => (copy_of(unet), false),
        };
        let refused = |reason: String| Err(bad_file(file.file(), reason));
        let sizes = |config: &UnetConfig| -> Vec<_> {
            config.levels.iter().map(|level| (level.channels, level.layers)).collect()
        };
        if sizes(&own) != sizes(unet) {
            return refused(
                "it is a ControlNet for another UNet, whose levels have other sizes".into(),
            );
        }
        // An inpainting UNet has more inputs, its ControlNets have not.
        let inputs = file.shape("conv_in.weight").and_then(|shape| shape.get(1));
        let in_channels = *inputs.unwrap_or(&own.in_channels);
        let own = UnetConfig { in_channels, ..own };
        let config = ControlNetConfig { unet: own, conditioning: conditioning(file)?, bgr };
        let zero_conv = |i: usize| file.shape(&format!("controlnet_down_blocks.{i}.weight"));
        let widths = (0..).map_while(|i| zero_conv(i)?.first().copied());
        if widths.collect::<Vec<_>>() != config.skip_channels() {
            return refused("it is a ControlNet for another UNet, which has other skips".into());
        }
        Ok(config)
    }

    /// Channels of all skips of the UNet, from the first convolution on.
    pub(super) fn skip_channels(&self) -> Vec<usize> {
        let levels = &self.unet.levels;
        let mut channels = vec![levels[0].channels];
        for (i, level) in levels.iter().enumerate() {
            let downsampling = usize::from(i + 1 < levels.len());
            channels.extend(vec![level.channels; level.layers + downsampling]);
        }
        channels
    }

    /// The ratio of a picture's side to that of the latents.
    pub fn factor(&self) -> usize {
        1 << (self.conditioning.len() - 1)
    }
}

/// Refuses a ControlNet whose context has another width than the model's.
fn check_context(file: &ControlFile, unet: &UnetConfig) -> Result<()> {
    let keys = file.archive().tensors().iter().find(|info| info.name.ends_with(KEYS));
    let Some(&[_, width]) = keys.map(|info| &info.shape[..]) else { return Ok(()) };
    if width == unet.cross_attention_dim {
        return Ok(());
    }
    let whose = match width {
        768 => "Stable Diffusion 1",
        1024 => "Stable Diffusion 2",
        2048 => "Stable Diffusion XL",
        _ => "another model",
    };
    let own = unet.cross_attention_dim;
    let reason = format!(
        "it is a ControlNet for {whose}, whose prompts have {width} numbers a token; those of this \
         model have {own}"
    );
    Err(bad_file(file.file(), reason))
}

/// diffusers: `ControlNetModel.from_unet`.
fn copy_of(unet: &UnetConfig) -> UnetConfig {
    let (mid_block, time_cond_proj_dim, conv_in_kernel) = (true, None, 3);
    UnetConfig { mid_block, time_cond_proj_dim, conv_in_kernel, ..unet.clone() }
}

/// Reads `json`, the text of `file`: the config of the UNet that it is a copy of, and whether the
/// picture is in the order blue, green, red.
fn read(file: &str, json: &str) -> Result<(UnetConfig, bool)> {
    let fields = Fields::parse(file, json)?;
    let only: [(&str, &[Value]); 5] = [
        ("_class_name", &[json!("ControlNetModel")]),
        ("conditioning_channels", &[json!(VaeConfig::PICTURE)]),
        ("global_pool_conditions", &[json!(false)]),
        ("controlnet_conditioning_channel_order", &[json!("rgb"), json!("bgr")]),
        ("mid_block_type", &[json!("UNetMidBlock2DCrossAttn")]),
    ];
    for (field, values) in only {
        fields.only(field, values)?;
    }
    let order = fields.get("controlnet_conditioning_channel_order", "rgb".to_owned())?;
    let bad = |reason: String| Error::BadFile { file: file.to_owned(), reason };
    let mut map: Value = serde_json::from_slice(&from_python(json.as_bytes()))
        .map_err(|fault| bad(fault.to_string()))?;
    // The UNet's config has also the up path, which mirrors the down path.
    map["_class_name"] = json!("UNet2DConditionModel");
    if let Some(down) = map["down_block_types"].as_array() {
        let up = |kind: &Value| match kind.as_str() {
            Some("CrossAttnDownBlock2D") => json!("CrossAttnUpBlock2D"),
            _ => json!("UpBlock2D"),
        };
        map["up_block_types"] = down.iter().rev().map(up).collect();
    }
    Ok((UnetConfig::parse(file, &map.to_string())?, order == "bgr"))
}

/// The channels of the hint's levels, from the shapes of its convolutions.
fn conditioning(file: &ControlFile) -> Result<Vec<usize>> {
    let shape = |name: &str| file.shape(&format!("controlnet_cond_embedding.{name}.weight"));
    let refused = |reason: &str| bad_file(file.file(), format!("its picture's {reason}"));
    let Some(&[first, picture, 3, 3]) = shape("conv_in") else {
        return Err(refused("first convolution is not one of 3×3 pixels"));
    };
    if picture != VaeConfig::PICTURE {
        let reason = format!("has {picture} channels, and not {}", VaeConfig::PICTURE);
        return Err(bad_file(file.file(), format!("its picture {reason}")));
    }
    let mut channels = vec![first];
    for block in (1..BLOCKS_MAX).step_by(2) {
        match shape(&format!("blocks.{block}")) {
            None => break,
            Some(&[next, _, 3, 3]) => channels.push(next),
            Some(_) => return Err(refused("convolutions are not of 3×3 pixels")),
        }
    }
    if channels.contains(&0) {
        return Err(refused("convolutions have no channels"));
    }
    Ok(channels)
}
