//! The sizes of a TAESD: from `config.json`, as diffusers writes it, or from the names and shapes
//! of the tensors, since most files have no config.

use serde_json::{Value, json};
use std::collections::BTreeMap;

use crate::activation::Activation;
use crate::error::{Result, bad_file};
use crate::models::fields::Fields;
use crate::models::vae::VaeConfig;
use crate::weights::{Archive, Taesd};

/// The most levels: each doubles height and width.
const LEVELS_MAX: usize = 8;
/// The most blocks of a level.
const BLOCKS_MAX: usize = 64;
/// The largest number of a layer in a name.
const LAYERS_MAX: usize = 1 << 10;

/// The sizes of a TAESD. diffusers: the arguments of `AutoencoderTiny`.
#[derive(Debug, Clone, PartialEq)]
pub struct TaesdConfig {
    /// Channels of the latents.
    pub latent_channels: usize,
    /// Of the decoder, from the latents up.
    pub decoder: TaesdLevels,
    /// Of the encoder, from the picture down; `None` where the files have none.
    pub encoder: Option<TaesdLevels>,
    /// Between the convolutions of a block; the sum after them has a relu.
    pub act_fn: Activation,
    /// The factor from the decoder's latents to the sampler's: 1 for all published ones.
    pub scaling_factor: f64,
}

/// The levels of a decoder or encoder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaesdLevels {
    /// Channels of every level.
    pub channels: usize,
    /// Blocks of each level.
    pub blocks: Vec<usize>,
}

impl TaesdConfig {
    /// The config of an opened file.
    ///
    /// # Errors
    /// [`BadFile`](crate::Error::BadFile), [`Config`](crate::Error::Config) for one that is not
    /// supported.
    pub fn of(taesd: &Taesd) -> Result<TaesdConfig> {
        if let Some((file, json)) = taesd.config() {
            let config = TaesdConfig::parse(file, json)?;
            let encoder = config.encoder.filter(|_| taesd.encoder().is_some());
            return Ok(TaesdConfig { encoder, ..config });
        }
        let (decoder, [latent_channels, _]) = levels(taesd.decoder().archive(), "decoder")?;
        let encoder = taesd.encoder().map(|half| levels(half.archive(), "encoder")).transpose()?;
        let made = encoder.as_ref().map_or(latent_channels, |(_, [_, made])| *made);
        if made != latent_channels {
            let reason = format!("its encoder gives {made} channels, but its decoder takes others");
            return Err(bad_file(taesd.file(), reason));
        }
        let encoder = encoder.map(|(levels, _)| levels);
        let (act_fn, scaling_factor) = (Activation::Relu, 1.0);
        Ok(TaesdConfig { latent_channels, decoder, encoder, act_fn, scaling_factor })
    }

    /// Reads `json`, the text of `file`.
    ///
    /// # Errors
    /// [`BadFile`](crate::Error::BadFile), [`Config`](crate::Error::Config).
    pub fn parse(file: &str, json: &str) -> Result<TaesdConfig> {
        let fields = Fields::parse(file, json)?;
        let only: [(&str, &[Value]); 6] = [
            ("_class_name", &[json!("AutoencoderTiny")]),
            ("in_channels", &[json!(VaeConfig::PICTURE)]),
            ("out_channels", &[json!(VaeConfig::PICTURE)]),
            ("upsample_fn", &[json!("nearest")]),
            ("upsampling_scaling_factor", &[json!(2)]),
            ("shift_factor", &[Value::Null, json!(0.0)]),
        ];
        for (field, values) in only {
            fields.only(field, values)?;
        }
        let act_fn = match fields.get("act_fn", "relu".to_owned())?.as_str() {
            "relu" => Activation::Relu,
            "silu" | "swish" => Activation::Silu,
            "gelu" => Activation::Gelu,
            other => {
                let reason = format!("is {other}, but only relu, silu and gelu are supported");
                return Err(fields.error("act_fn", reason));
            }
        };
        let scaling_factor: f64 = fields.get("scaling_factor", 1.0)?;
        if !scaling_factor.is_finite() || scaling_factor <= 0.0 {
            return Err(fields.error("scaling_factor", "is not a positive number"));
        }
        Ok(TaesdConfig {
            latent_channels: fields.size("latent_channels", 4)?,
            decoder: field_levels(&fields, "decoder", &[3, 3, 3, 1])?,
            encoder: Some(field_levels(&fields, "encoder", &[1, 3, 3, 3])?),
            act_fn,
            scaling_factor,
        })
    }

    /// The ratio of a picture's side to that of its latents.
    pub fn factor(&self) -> usize {
        1 << (self.decoder.blocks.len() - 1)
    }
}

/// The levels of `half` (`decoder` or `encoder`) in a config.
fn field_levels(fields: &Fields<'_>, half: &str, default: &[usize]) -> Result<TaesdLevels> {
    let widths = format!("{half}_block_out_channels");
    let channels = fields.level_channels(&widths, &[64; 4])?;
    let counts = format!("num_{half}_blocks");
    let blocks: Vec<usize> = fields.get(&counts, default.to_vec())?;
    // diffusers cannot join levels of different widths either.
    if channels.iter().any(|c| *c != channels[0]) {
        return Err(fields.error(&widths, "has levels of different widths"));
    }
    if blocks.len() != channels.len() || blocks.len() > LEVELS_MAX {
        let reason = format!("has {} entries for {} levels", blocks.len(), channels.len());
        return Err(fields.error(&counts, reason));
    }
    if blocks.iter().any(|count| *count > BLOCKS_MAX) {
        return Err(fields.error(&counts, format!("has more than {BLOCKS_MAX} blocks")));
    }
    Ok(TaesdLevels { channels: channels[0], blocks })
}

/// The levels of `half` in a file, and the channels that its first convolution takes and its last
/// one gives. Whether every tensor is there is found when the network is made.
fn levels(archive: &Archive, half: &str) -> Result<(TaesdLevels, [usize; 2])> {
    let refused = |reason: &str| bad_file(archive.file(), format!("its {half} {reason}"));
    // By number: the channels of a convolution, or none for a block.
    let mut layers = BTreeMap::<usize, Option<[usize; 2]>>::new();
    for info in archive.tensors() {
        let name = info.name.strip_prefix(half).and_then(|name| name.strip_prefix(".layers."));
        let Some((number, rest)) = name.and_then(|name| name.split_once('.')) else { continue };
        let number = number.parse().ok().filter(|number| *number < LAYERS_MAX);
        let Some(number) = number else { return Err(refused("has too many layers")) };
        match (rest, &info.shape[..]) {
            ("weight", &[n, c, 3, 3]) => drop(layers.insert(number, Some([n, c]))),
            ("weight", _) => return Err(refused("has a layer that is no 3×3 convolution")),
            ("conv.0.weight", _) => drop(layers.insert(number, None)),
            _ => {}
        }
    }
    let mut blocks = Vec::new();
    let (mut count, mut first, mut last) = (0, None, None);
    for layer in layers.values() {
        match layer {
            None => count += 1,
            Some(conv) => {
                if first.is_some() {
                    blocks.push(count);
                } else if count > 0 {
                    return Err(refused("begins with a block"));
                }
                count = 0;
                first = first.or(Some(*conv));
                last = Some(*conv);
            }
        }
    }
    let (Some([channels, takes]), Some([gives, _])) = (first, last) else {
        return Err(refused("has no convolutions"));
    };
    let fits = !blocks.is_empty() && blocks.len() <= LEVELS_MAX && count == 0;
    if !fits || blocks.iter().any(|count| *count > BLOCKS_MAX) {
        return Err(refused("has other layers than those of a TAESD"));
    }
    // Kernels read four channels at a time, which the padding of layers between levels is not for.
    if channels == 0 || !channels.is_multiple_of(4) || takes == 0 || gives == 0 {
        return Err(refused("has a number of channels that is no multiple of four"));
    }
    Ok((TaesdLevels { channels, blocks }, [takes, gives]))
}
