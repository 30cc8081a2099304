//! A single-file checkpoint of CompVis's program (latent-diffusion, "LDM"), as three parts.
//!
//! ```text
//! model.diffusion_model.*             the UNet
//! first_stage_model.*                 the VAE
//! cond_stage_model.transformer.*      the text encoder, under transformers' own names
//! model_ema.*, betas, optimizer …     not used
//! ```
//!
//! The same names stand in `.safetensors`, `.ckpt` and in what stable-diffusion.cpp writes as GGUF.
//! Each part becomes an [`Archive`] under diffusers' names, so that nothing above knows where the
//! numbers came from.

use super::archive::{Archive, TensorInfo};
use super::identify::instead_of_sd_v1;
use super::names::{Names, Topology, UnetLevel};
use crate::error::{Error, Result};

/// The most blocks of a UNet's way that are looked for: v1.4 has twelve.
const BLOCKS_MAX: usize = 256;
/// The most levels of a VAE: v1.4 has four.
const LEVELS_MAX: usize = 16;

/// A part of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    TextEncoder,
    Unet,
    Vae,
}

impl Part {
    /// What its tensors' names begin with in a single file.
    pub const fn prefix(self) -> &'static str {
        match self {
            Part::TextEncoder => "cond_stage_model.transformer.",
            Part::Unet => "model.diffusion_model.",
            Part::Vae => "first_stage_model.",
        }
    }
}

/// The parts of a single-file checkpoint.
pub struct Ldm {
    /// Under transformers' names, all with `text_model.`.
    pub text_encoder: Archive,
    /// Under diffusers' names.
    pub unet: Archive,
    /// Under diffusers' names.
    pub vae: Archive,
    /// Found from the names.
    pub topology: Topology,
}

impl Ldm {
    /// Takes a checkpoint apart.
    ///
    /// # Errors
    /// [`Error::OtherModel`] when it is not one of Stable Diffusion 1, saying what it is instead.
    pub fn new(archive: &Archive) -> Result<Ldm> {
        if let Some(what) = instead_of_sd_v1(archive) {
            return Err(Error::OtherModel { file: archive.file().to_owned(), what });
        }
        let topology = Topology { unet: unet_levels(archive), vae_levels: vae_levels(archive) };
        let unet = Names::unet(&topology.unet);
        let vae = Names::vae(topology.vae_levels);
        let part = |part: Part, rename: &dyn Fn(&str) -> Option<String>| {
            archive.part(|info| {
                let name = rename(info.name.strip_prefix(part.prefix())?)?;
                let shape = shape(part, &name, info);
                Some((name, shape))
            })
        };
        Ok(Ldm {
            text_encoder: part(Part::TextEncoder, &text_name),
            unet: part(Part::Unet, &|name| unet.to_diffusers(name)),
            vae: part(Part::Vae, &|name| vae.to_diffusers(name)),
            topology,
        })
    }
}

/// The shape under diffusers' name: LDM's VAE attends through 1×1 convolutions.
fn shape(part: Part, name: &str, info: &TensorInfo) -> Vec<usize> {
    match info.shape[..] {
        [n, k, 1, 1] if part == Part::Vae && name.contains(".attentions.") => vec![n, k],
        _ => info.shape.clone(),
    }
}

/// Some files leave `text_model.` away, as transformers 5 does; `position_ids` are no weights.
fn text_name(name: &str) -> Option<String> {
    if name.ends_with("position_ids") {
        return None;
    }
    let bare = name.strip_prefix("text_model.").unwrap_or(name);
    Some(format!("text_model.{bare}"))
}

/// The UNet's levels: on the way down each ends with a convolution that halves it, but the last.
fn unet_levels(archive: &Archive) -> Vec<UnetLevel> {
    let has = |name: &str| archive.get(&format!("{}{name}", Part::Unet.prefix())).is_some();
    let mut levels = vec![UnetLevel { layers: 0, down_attention: false, up_attention: false }];
    for block in 1..BLOCKS_MAX {
        let place = format!("input_blocks.{block}");
        let last = levels.last_mut().expect("it begins with one");
        if has(&format!("{place}.0.op.weight")) {
            levels.push(UnetLevel { layers: 0, down_attention: false, up_attention: false });
        } else if has(&format!("{place}.0.in_layers.0.weight")) {
            last.layers += 1;
            last.down_attention |= has(&format!("{place}.1.norm.weight"));
        } else {
            break;
        }
    }
    let mut block = 0;
    for level in levels.iter_mut().rev() {
        level.up_attention = has(&format!("output_blocks.{block}.1.norm.weight"));
        block += level.layers + 1;
    }
    levels
}

fn vae_levels(archive: &Archive) -> usize {
    let name =
        |level: usize| format!("{}decoder.up.{level}.block.0.norm1.weight", Part::Vae.prefix());
    (0..LEVELS_MAX).take_while(|level| archive.get(&name(*level)).is_some()).count()
}
