//! The names of the tensors of ControlNets and T2I-Adapters.
//!
//! ```text
//! down_blocks.0.…, controlnet_down_blocks.0.weight       diffusers' ControlNetModel
//! control_model.input_blocks.1.…, …zero_convs.0.0.weight lllyasviel's, with or without the prefix
//! adapter.body.1.resnets.0.block1.weight                 diffusers' T2IAdapter
//! body.2.block1.weight                                   TencentARC's: blocks in one list
//! ```

use crate::weights::archive::Archive;
use crate::weights::single_file::ldm::{below, unet_levels};
use crate::weights::single_file::names::Names;

/// What kind of network a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlKind {
    /// A copy of the UNet's down path. "Adding Conditional Control to Text-to-Image Diffusion
    /// Models" (Zhang, Rao, Agrawala, 2302.05543).
    ControlNet,
    /// A few convolutions. "T2I-Adapter" (Mou and others, 2302.08453).
    T2iAdapter,
}

impl ControlKind {
    /// Its name for people.
    pub const fn name(self) -> &'static str {
        match self {
            ControlKind::ControlNet => "ControlNet",
            ControlKind::T2iAdapter => "T2I-Adapter",
        }
    }
}

/// A layout of names: what all names begin with is found from one that ends so.
type Layout = (&'static str, ControlKind, fn(&Archive) -> Archive);

const LAYOUTS: [Layout; 4] = [
    ("controlnet_cond_embedding.conv_in.weight", ControlKind::ControlNet, Archive::clone),
    ("input_hint_block.0.weight", ControlKind::ControlNet, from_ldm),
    ("adapter.body.0.resnets.0.block1.weight", ControlKind::T2iAdapter, Archive::clone),
    ("body.0.block1.weight", ControlKind::T2iAdapter, from_tencent),
];

/// What a file has, and its tensors under diffusers' names; `None` where it has neither.
pub(super) fn recognise(archive: &Archive) -> Option<(ControlKind, Archive)> {
    LAYOUTS.into_iter().find_map(|(mark, kind, rename)| {
        let prefixes = archive.tensors().iter().filter_map(|info| {
            let prefix = info.name.strip_suffix(mark)?;
            (prefix.is_empty() || prefix.ends_with('.')).then_some(prefix)
        });
        let prefix = prefixes.min_by_key(|prefix| prefix.len())?;
        Some((kind, rename(&below(archive, prefix))))
    })
}

/// A ControlNet of CompVis' program.
fn from_ldm(archive: &Archive) -> Archive {
    let (levels, in_threes) = unet_levels(archive);
    let names = if in_threes { Names::unet_in_threes(&levels) } else { Names::unet(&levels) };
    // The hint's convolutions have even numbers, between them are activations.
    let hint = |name: &str| {
        let rest = name.strip_prefix("input_hint_block.")?;
        rest.split_once('.')?.0.parse::<usize>().ok()
    };
    let last = archive.tensors().iter().filter_map(|info| hint(&info.name)).max();
    let rename = |name: &str| {
        if let Some(number) = hint(name) {
            let tail = name.rsplit('.').next()?;
            let place = match number {
                0 => "conv_in".to_owned(),
                _ if Some(number) == last => "conv_out".to_owned(),
                _ => format!("blocks.{}", (number / 2).checked_sub(1)?),
            };
            return Some(format!("controlnet_cond_embedding.{place}.{tail}"));
        }
        if let Some(rest) = name.strip_prefix("zero_convs.") {
            let (number, tail) = rest.split_once(".0.")?;
            return Some(format!("controlnet_down_blocks.{number}.{tail}"));
        }
        match name.strip_prefix("middle_block_out.0.") {
            Some(tail) => Some(format!("controlnet_mid_block.{tail}")),
            None => names.to_diffusers(name),
        }
    };
    archive.part(|info| Some((rename(&info.name)?, info.shape.clone())))
}

/// A T2I-Adapter of TencentARC's program: the blocks of all levels are one list, as many of each
/// level. A block that changes the number of channels begins a level.
fn from_tencent(archive: &Archive) -> Archive {
    let number = |name: &str| name.strip_prefix("body.")?.split_once('.')?.0.parse::<usize>().ok();
    let begins = |info: &crate::weights::TensorInfo| {
        let is_first = info.name.ends_with(".in_conv.weight");
        is_first.then(|| number(&info.name)).flatten()
    };
    let each = archive.tensors().iter().filter_map(begins).filter(|n| *n > 0).min();
    let of_level = each.unwrap_or(2);
    archive.part(|info| {
        let renamed = match number(&info.name) {
            None => info.name.clone(),
            Some(number) => {
                let (level, layer) = (number / of_level, number % of_level);
                let (_, rest) = info.name.strip_prefix("body.")?.split_once('.')?;
                match rest.starts_with("in_conv.") {
                    true => format!("body.{level}.{rest}"),
                    false => format!("body.{level}.resnets.{layer}.{rest}"),
                }
            }
        };
        Some((format!("adapter.{renamed}"), info.shape.clone()))
    })
}
