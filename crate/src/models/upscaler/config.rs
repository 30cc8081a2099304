//! The sizes of an upscaler, found in the names and shapes of its tensors.

use crate::error::{Result, bad_file};
use crate::weights::{Archive, instead_of_sd_v1};

/// Channels of a picture.
const PICTURE: usize = 3;
/// The most blocks, convolutions and doublings; the published networks have 23, 32 and 3.
const LAYERS_MAX: usize = 128;
const UPS_MAX: usize = 4;
/// The largest factor of a compact network.
const FACTOR_MAX: usize = 8;

/// The sizes of an upscaler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpscalerConfig {
    /// Channels between the layers: BasicSR's `num_feat`.
    pub features: usize,
    /// The side of the squares of pixels that the first layer takes as one; 1 in most.
    pub unshuffle: usize,
    /// Which network it is, with the sizes that it alone has.
    pub kind: UpscalerKind,
}

/// A family of upscalers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpscalerKind {
    /// BasicSR: `RRDBNet`.
    Rrdb {
        /// `num_block`
        blocks: usize,
        /// Channels that a convolution of a dense block adds: `num_grow_ch`.
        growth: usize,
        /// How often the features are doubled.
        ups: usize,
    },
    /// BasicSR: `SRVGGNetCompact` with PReLU.
    Compact {
        /// Convolutions between the first and the last: `num_conv`.
        convs: usize,
        /// How many times as wide the picture becomes: `upscale`.
        factor: usize,
    },
}

impl UpscalerConfig {
    /// The sizes of a file with BasicSR's names
    /// ([`upscaler_names`](crate::weights::upscaler_names)).
    ///
    /// # Errors
    /// [`BadFile`](crate::Error::BadFile) for a file that is no such upscaler.
    pub fn of(archive: &Archive) -> Result<UpscalerConfig> {
        let config = match archive.get("conv_first.weight").is_some() {
            true => rrdb(archive),
            false => compact(archive),
        };
        config.map_err(|reason| bad_file(archive.file(), reason))
    }

    /// How many times as wide and high the picture becomes.
    pub fn factor(&self) -> usize {
        match self.kind {
            UpscalerKind::Rrdb { ups, .. } => (1 << ups) / self.unshuffle,
            UpscalerKind::Compact { factor, .. } => factor,
        }
    }
}

/// The output and input channels of a 3×3 convolution.
fn conv(archive: &Archive, name: &str) -> Option<[usize; 2]> {
    match archive.get(&format!("{name}.weight"))?.shape[..] {
        [n, c, 3, 3] => Some([n, c]),
        _ => None,
    }
}

/// How many layers there are: of `name(0)`, `name(1)`, …
fn count(archive: &Archive, most: usize, name: impl Fn(usize) -> String) -> usize {
    (0..most).take_while(|i| archive.get(&format!("{}.weight", name(*i))).is_some()).count()
}

fn rrdb(archive: &Archive) -> Result<UpscalerConfig, String> {
    let strange = || "its layers are not those of an ESRGAN (RRDBNet)".to_owned();
    let [features, takes] = conv(archive, "conv_first").ok_or_else(strange)?;
    let [growth, _] = conv(archive, "body.0.rdb1.conv1").ok_or_else(strange)?;
    let blocks = count(archive, LAYERS_MAX, |i| format!("body.{i}.rdb1.conv1"));
    let ups = count(archive, UPS_MAX, |i| format!("conv_up{}", i + 1));
    let unshuffle = match takes {
        3 => 1,
        12 => 2,
        48 => 4,
        _ => return Err(format!("it takes {takes} channels, which are no picture's")),
    };
    // Beside biases, and three dense blocks of five convolutions each.
    let known = 2 * (15 * blocks + ups + 4);
    let gives = conv(archive, "conv_last").map(|[gives, _]| gives);
    if gives != Some(PICTURE) || archive.tensors().len() != known || (1 << ups) < unshuffle {
        return Err(strange());
    }
    let config =
        UpscalerConfig { features, unshuffle, kind: UpscalerKind::Rrdb { blocks, growth, ups } };
    in_fours([features, growth]).map(|()| config)
}

fn compact(archive: &Archive) -> Result<UpscalerConfig, String> {
    let Some([features, PICTURE]) = conv(archive, "body.0") else { return Err(instead(archive)) };
    let convs = count(archive, LAYERS_MAX, |i| format!("body.{}", 2 * i)) - 1;
    let last = conv(archive, &format!("body.{}", 2 * convs));
    let factor = (1..=FACTOR_MAX)
        .find(|factor| last == Some([PICTURE * factor * factor, features]))
        .ok_or("its last layer gives no pixels of a picture")?;
    // Each convolution has biases; each but the last is followed by slopes.
    if convs == 0 || archive.tensors().len() != 3 * convs + 2 {
        return Err("its layers are not those of a compact ESRGAN (SRVGGNetCompact)".into());
    }
    let kind = UpscalerKind::Compact { convs: convs - 1, factor };
    in_fours([features, 4]).map(|()| UpscalerConfig { features, unshuffle: 1, kind })
}

/// Kernels read four channels at a time.
fn in_fours(channels: [usize; 2]) -> Result<(), String> {
    match channels.iter().find(|c| !c.is_multiple_of(4) || **c == 0) {
        None => Ok(()),
        Some(c) => Err(format!("it has layers of {c} channels, which is no multiple of four")),
    }
}

/// What a file is that has no upscaler of these families.
fn instead(archive: &Archive) -> String {
    let known = "Upscalers of the ESRGAN family can be used: RRDBNet and SRVGGNetCompact";
    match instead_of_sd_v1(archive) {
        Some(what) => format!("it is {what}, and no upscaler. {known}"),
        None => format!("its layers are those of no upscaler that is known here. {known}"),
    }
}
