//! One part of a file: of a file with that part alone, or of a whole checkpoint.
//!
//! ```text
//! first_stage_model.decoder.…   LDM's names, as in a whole checkpoint
//! decoder.up.0.block.0.…        LDM's names alone, perhaps beside `loss.…`
//! decoder.up_blocks.0.…         diffusers' names
//! ```

use super::canonical::canonical;
use super::identify::{instead, of_another_model};
use super::ldm::{
    LEVELS_MAX, below, diffusers_unet, diffusers_vae, places, text_encoder, unet_levels, vae_levels,
};
use super::names::{Topology, UnetLevel};
use super::part::FilePart;
use crate::error::{Error, Result};
use crate::weights::archive::Archive;

/// The most layers of a level.
const LAYERS_MAX: usize = 64;

/// Tensors of which a part has one, under LDM's name or diffusers'.
const fn marks(part: FilePart) -> [&'static str; 2] {
    match part {
        FilePart::TextEncoder => {
            ["text_model.embeddings.token_embedding.weight", "embeddings.token_embedding.weight"]
        }
        FilePart::Unet => {
            ["output_blocks.0.0.in_layers.0.weight", "up_blocks.0.resnets.0.norm1.weight"]
        }
        FilePart::Vae => ["decoder.conv_in.weight"; 2],
    }
}

/// A part of a file, under diffusers' names.
pub struct LonePart {
    /// Its tensors.
    pub archive: Archive,
    /// Found from the names: only what this part shows.
    pub topology: Topology,
}

impl LonePart {
    /// Finds the part in a file.
    ///
    /// # Errors
    /// [`Error::OtherModel`] for a file that has no such part; it says what the file is instead.
    pub fn find(archive: &Archive, part: FilePart) -> Result<LonePart> {
        let archive = &canonical(archive);
        let other = |what: String| Error::OtherModel { file: archive.file().to_owned(), what };
        if let Some(what) = of_another_model(archive, part) {
            return Err(other(what.into()));
        }
        let Some(prefix) = prefix(archive, part) else {
            let alone = || "a file without the part that it is to give".to_owned();
            return Err(other(instead(archive).unwrap_or_else(alone)));
        };
        let tensors = below(archive, prefix);
        Ok(match part {
            FilePart::TextEncoder => LonePart::text_encoder(&tensors),
            FilePart::Unet => LonePart::unet(tensors),
            FilePart::Vae => LonePart::vae(&tensors),
        })
    }

    /// Of a text encoder, perhaps beside the other half of CLIP.
    fn text_encoder(tensors: &Archive) -> LonePart {
        let named = tensors.get(marks(FilePart::TextEncoder)[0]).is_some();
        let parts = ["embeddings.", "encoder.", "final_layer_norm."];
        let starts = |name: &str| match named {
            true => name.starts_with("text_model."),
            false => parts.iter().any(|part| name.starts_with(part)),
        };
        let own = tensors
            .part(|info| starts(&info.name).then(|| (info.name.clone(), info.shape.clone())));
        let topology = Topology { unet: Vec::new(), in_threes: false, vae_levels: 0 };
        LonePart { archive: text_encoder(&own), topology }
    }

    fn unet(tensors: Archive) -> LonePart {
        if tensors.get(marks(FilePart::Unet)[0]).is_some() {
            let (unet, in_threes) = unet_levels(&tensors);
            let topology = Topology { unet, in_threes, vae_levels: 0 };
            return LonePart { archive: diffusers_unet(&tensors, &topology), topology };
        }
        let unet = levels(&tensors);
        let has_middle = tensors.tensors().iter().any(|info| info.name.starts_with("mid_block."));
        let in_threes = !has_middle && unet.iter().all(|level| level.layers == 1);
        LonePart { topology: Topology { unet, in_threes, vae_levels: 0 }, archive: tensors }
    }

    fn vae(tensors: &Archive) -> LonePart {
        let ldm = tensors.tensors().iter().any(|info| info.name.starts_with("decoder.up."));
        let (archive, vae_levels) = match ldm {
            true => {
                let levels = vae_levels(tensors);
                (diffusers_vae(tensors, levels), levels)
            }
            false => {
                let parts = ["encoder.", "decoder.", "quant_conv.", "post_quant_conv."];
                let own = tensors.part(|info| {
                    let is_own = parts.iter().any(|part| info.name.starts_with(part));
                    is_own.then(|| (info.name.clone(), info.shape.clone()))
                });
                let places = places(&own);
                let level = |i: &usize| places.contains(&*format!("decoder.up_blocks.{i}"));
                let levels = (0..LEVELS_MAX).take_while(level).count();
                drop(places);
                (own, levels)
            }
        };
        LonePart { archive, topology: Topology { unet: Vec::new(), in_threes: false, vae_levels } }
    }
}

/// What the names of a part's tensors begin with: CompVis's prefix, or else the shortest.
fn prefix(archive: &Archive, part: FilePart) -> Option<&str> {
    let of_mark = |mark: &'static str| {
        let before = archive.tensors().iter().filter_map(move |info| {
            let prefix = info.name.strip_suffix(mark)?;
            (prefix.is_empty() || prefix.ends_with('.')).then_some(prefix)
        });
        before.min_by_key(|prefix| (*prefix != part.prefix(), prefix.len()))
    };
    marks(part).into_iter().find_map(of_mark)
}

/// The levels of a UNet under diffusers' names.
fn levels(unet: &Archive) -> Vec<UnetLevel> {
    let places = places(unet);
    let has = |place: String| places.contains(&*place);
    let count = (0..LEVELS_MAX).take_while(|i| has(format!("down_blocks.{i}"))).count();
    let layers = |i: usize| {
        (0..LAYERS_MAX).take_while(|j| has(format!("down_blocks.{i}.resnets.{j}"))).count()
    };
    let level = |i: usize| UnetLevel {
        layers: layers(i),
        down_attention: has(format!("down_blocks.{i}.attentions")),
        up_attention: has(format!("up_blocks.{}.attentions", count - 1 - i)),
    };
    (0..count).map(level).collect()
}
