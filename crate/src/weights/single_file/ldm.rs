//! A single-file checkpoint of CompVis's program (latent-diffusion, "LDM"), as three parts.
//!
//! ```text
//! model.diffusion_model.*             the UNet
//! first_stage_model.*                 the VAE
//! cond_stage_model.transformer.*      the text encoder, under transformers' own names
//! model_ema.*, betas, optimizer …     not used
//! ```
//!
//! The same names are in `.safetensors`, in `.ckpt`, and in the GGUF of stable-diffusion.cpp. Each
//! part becomes an [`Archive`] with diffusers' names, so that the rest of the crate sees no
//! difference.

use std::collections::HashSet;

use super::canonical::canonical;
use super::identify::instead;
use super::names::{Names, Topology, UnetLevel};
use super::part::FilePart;
use crate::error::{Error, Result};
use crate::weights::archive::Archive;
use crate::weights::formats::header::TensorInfo;
use crate::weights::source::Source;
use crate::weights::zeros::check_for_zeros;

/// The most input or output blocks of a UNet: v1.4 has twelve of each.
const BLOCKS_MAX: usize = 256;
/// Longer names are ignored.
const NAME_BYTES_MAX: usize = 256;
/// The most levels of a VAE: v1.4 has four.
const LEVELS_MAX: usize = 16;

/// The parts of a single-file checkpoint.
pub struct Ldm {
    /// With transformers' names, all with `text_model.`.
    pub text_encoder: Archive,
    /// Under diffusers' names.
    pub unet: Archive,
    /// Under diffusers' names.
    pub vae: Archive,
    /// Found from the names.
    pub topology: Topology,
}

impl Ldm {
    /// Opens the file `path` and splits it into its parts.
    ///
    /// # Errors
    /// As [`Archive::open`] and [`Ldm::new`]; they say what the file is, if it is no checkpoint.
    pub async fn open(source: &dyn Source, path: &str) -> Result<Ldm> {
        Ldm::new(&Archive::open(source, path).await?)
    }

    /// Checks the file `path` before it is stored: its header, and samples of its values.
    ///
    /// # Errors
    /// As [`Ldm::open`]; [`Error::BadFile`] when too much of it is zeros.
    pub async fn check(source: &dyn Source, path: &str) -> Result<()> {
        let archive = Archive::open(source, path).await?;
        Ldm::new(&archive)?;
        check_for_zeros(source, &archive).await
    }

    /// Splits a checkpoint into its parts.
    ///
    /// # Errors
    /// [`Error::OtherModel`] when it is not one of Stable Diffusion 1; it says what it is instead.
    pub fn new(archive: &Archive) -> Result<Ldm> {
        let archive = &canonical(archive);
        if let Some(what) = instead(archive) {
            return Err(Error::OtherModel { file: archive.file().to_owned(), what });
        }
        let topology = Topology { unet: unet_levels(archive), vae_levels: vae_levels(archive) };
        let unet = Names::unet(&topology.unet);
        let vae = Names::vae(topology.vae_levels);
        let part = |part: FilePart, rename: &dyn Fn(&str) -> Option<String>| {
            archive.part(|info| {
                let name = rename(info.name.strip_prefix(part.prefix())?)?;
                let shape = shape(part, &name, info);
                Some((name, shape))
            })
        };
        Ok(Ldm {
            text_encoder: part(FilePart::TextEncoder, &|name| text_name(archive, name)),
            unet: part(FilePart::Unet, &|name| unet.to_diffusers(name)),
            vae: part(FilePart::Vae, &|name| vae.to_diffusers(name)),
            topology,
        })
    }
}

/// The tensor's shape in diffusers: the attention of LDM's VAE has 1×1 convolutions where diffusers
/// has linear layers.
fn shape(part: FilePart, name: &str, info: &TensorInfo) -> Vec<usize> {
    match info.shape[..] {
        [n, k, 1, 1] if part == FilePart::Vae && name.contains(".attentions.") => vec![n, k],
        _ => info.shape.clone(),
    }
}

/// The name with `text_model.`, which some files leave out, as transformers 5 does; `None` for
/// `position_ids`, which are no weights.
fn text_name(archive: &Archive, name: &str) -> Option<String> {
    if name.ends_with("position_ids") {
        return None;
    }
    if name.starts_with("text_model.") {
        return Some(name.to_owned());
    }
    // If a file has both names, the shorter one is a leftover and is ignored.
    let full = format!("text_model.{name}");
    let twice = archive.get(&format!("{}{full}", FilePart::TextEncoder.prefix())).is_some();
    (!twice).then_some(full)
}

/// All module paths below `prefix`: `input_blocks.1`, `input_blocks.1.0` …
fn places<'a>(archive: &'a Archive, prefix: &str) -> HashSet<&'a str> {
    let names = archive.tensors().iter().filter_map(|info| info.name.strip_prefix(prefix));
    let of_name = |name: &'a str| name.match_indices('.').map(|(dot, _)| &name[..dot]);
    names.filter(|name| name.len() <= NAME_BYTES_MAX).flat_map(of_name).collect()
}

/// The UNet's levels. On the down path each level but the last ends with a downsampling
/// convolution. A module counts if any of its tensors is there; a missing tensor is an error when
/// it is loaded.
fn unet_levels(archive: &Archive) -> Vec<UnetLevel> {
    let places = places(archive, FilePart::Unet.prefix());
    let has = |place: &str| places.contains(place);
    let none = UnetLevel { layers: 0, down_attention: false, up_attention: false };
    let mut levels = vec![none];
    let last = (1..BLOCKS_MAX).rev().find(|block| has(&format!("input_blocks.{block}")));
    for block in 1..=last.unwrap_or(0) {
        let place = format!("input_blocks.{block}");
        if has(&format!("{place}.0.op")) {
            levels.push(none);
        } else if let Some(last) = levels.last_mut() {
            last.layers += 1;
            last.down_attention |= has(&format!("{place}.1"));
        }
    }
    let mut block = 0;
    for level in levels.iter_mut().rev() {
        // The second module of an output block is an attention or an upsampling.
        let attends = |block: usize| {
            ["norm", "proj_in", "transformer_blocks", "proj_out"]
                .iter()
                .any(|module| has(&format!("output_blocks.{block}.1.{module}")))
        };
        level.up_attention = (block..=block + level.layers).any(attends);
        block += level.layers + 1;
    }
    levels
}

fn vae_levels(archive: &Archive) -> usize {
    let places = places(archive, FilePart::Vae.prefix());
    let level = |level: &usize| places.contains(&*format!("decoder.up.{level}"));
    (0..LEVELS_MAX).rev().find(level).map_or(0, |last| last + 1)
}
