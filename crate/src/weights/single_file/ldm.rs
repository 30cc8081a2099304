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
use super::names::{LOWEST_ATTENTION, Names, Topology, UnetLevel};
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
pub(super) const LEVELS_MAX: usize = 16;

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
        let part = |part: FilePart| below(archive, part.prefix());
        let (unet, vae) = (part(FilePart::Unet), part(FilePart::Vae));
        let (levels, in_threes) = unet_levels(&unet);
        let topology = Topology { unet: levels, in_threes, vae_levels: vae_levels(&vae) };
        Ok(Ldm {
            text_encoder: text_encoder(&part(FilePart::TextEncoder)),
            unet: diffusers_unet(&unet, &topology),
            vae: diffusers_vae(&vae, topology.vae_levels),
            topology,
        })
    }
}

/// The tensors whose names begin so, without this beginning.
pub(in crate::weights) fn below(archive: &Archive, prefix: &str) -> Archive {
    archive.part(|info| Some((info.name.strip_prefix(prefix)?.to_owned(), info.shape.clone())))
}

/// A UNet under diffusers' names.
pub(super) fn diffusers_unet(unet: &Archive, topology: &Topology) -> Archive {
    let names = topology.unet_names();
    unet.part(|info| Some((names.to_diffusers(&info.name)?, info.shape.clone())))
}

/// A VAE under diffusers' names, and in its shapes.
pub(super) fn diffusers_vae(vae: &Archive, levels: usize) -> Archive {
    let names = Names::vae(levels);
    vae.part(|info| {
        let name = names.to_diffusers(&info.name)?;
        let shape = vae_shape(&name, info);
        Some((name, shape))
    })
}

/// A text encoder under transformers' names, all with `text_model.`.
pub(super) fn text_encoder(text_encoder: &Archive) -> Archive {
    let shape = |info: &TensorInfo| info.shape.clone();
    text_encoder.part(|info| Some((text_name(text_encoder, &info.name)?, shape(info))))
}

/// The tensor's shape in diffusers: the attention of LDM's VAE has 1×1 convolutions where diffusers
/// has linear layers.
fn vae_shape(name: &str, info: &TensorInfo) -> Vec<usize> {
    match info.shape[..] {
        [n, k, 1, 1] if name.contains(".attentions.") => vec![n, k],
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
    let twice = archive.get(&full).is_some();
    (!twice).then_some(full)
}

/// All module paths: `input_blocks.1`, `input_blocks.1.0` …
pub(super) fn places(archive: &Archive) -> HashSet<&str> {
    let names = archive.tensors().iter().map(|info| info.name.as_str());
    let short = names.filter(|name| name.len() <= NAME_BYTES_MAX);
    short.flat_map(|name| name.match_indices('.').map(|(dot, _)| &name[..dot])).collect()
}

/// The UNet's levels, and whether their blocks are counted in threes. A module counts if any of its
/// tensors is there; a missing tensor is an error when it is loaded.
pub(in crate::weights) fn unet_levels(unet: &Archive) -> (Vec<UnetLevel>, bool) {
    let places = places(unet);
    let has = |place: &str| places.contains(place);
    match levels_in_threes(&has) {
        Some(levels) => (levels, true),
        None => (levels_in_a_row(&has), false),
    }
}

/// Whether an output block has attention: its second module is that or an upsampling.
fn attends(has: &dyn Fn(&str) -> bool, block: usize) -> bool {
    ["norm", "proj_in", "transformer_blocks", "proj_out"]
        .iter()
        .any(|module| has(&format!("output_blocks.{block}.1.{module}")))
}

/// The levels of a UNet with one layer in each, if its blocks are counted in threes: a layer, a gap
/// and a downsampling.
fn levels_in_threes(has: &dyn Fn(&str) -> bool) -> Option<Vec<UnetLevel>> {
    let downsamples = |level: usize| has(&format!("input_blocks.{}.0.op", 3 * level + 3));
    let count = 1 + (0..LEVELS_MAX).take_while(|level| downsamples(*level)).count();
    let (first, gap) = (|level: usize| 3 * level + 1, |level: usize| 3 * level + 2);
    let fits = |level: usize| {
        has(&format!("input_blocks.{}", first(level)))
            && !has(&format!("input_blocks.{}", gap(level)))
    };
    if count == 1 || !(0..count).all(fits) {
        return None;
    }
    let level = |i: usize| {
        let up = count - 1 - i;
        UnetLevel {
            layers: 1,
            down_attention: has(&format!("input_blocks.{}.1", first(i))),
            up_attention: attends(has, 3 * up)
                || attends(has, 3 * up + 1)
                || (up == 0 && has(LOWEST_ATTENTION)),
        }
    };
    Some((0..count).map(level).collect())
}

/// The levels where the blocks are counted without gaps. On the down path each level but the last
/// ends with a downsampling convolution.
fn levels_in_a_row(has: &dyn Fn(&str) -> bool) -> Vec<UnetLevel> {
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
        level.up_attention = (block..=block + level.layers).any(|block| attends(has, block));
        block += level.layers + 1;
    }
    levels
}

pub(super) fn vae_levels(vae: &Archive) -> usize {
    let places = places(vae);
    let level = |level: &usize| places.contains(&*format!("decoder.up.{level}"));
    (0..LEVELS_MAX).rev().find(level).map_or(0, |last| last + 1)
}
