//! Renames the tensors of a single-file checkpoint, whatever program wrote it, to CompVis's names:
//! [`super::ldm`] knows only those.
//!
//! ```text
//! state_dict.model.diffusion_model.…       one more prefix: module., model. and others
//! vae.…                                    first_stage_model.…       ComfyUI's
//! text_encoders.clip_l.transformer.…       cond_stage_model.transformer.…
//! model_ema.diffusion_modelinput_blocks00weight   EMA weights, whose names have no dots
//! ```
//!
//! A part that is there under CompVis's own names is left as it is; unknown tensors keep their
//! names.

use std::collections::HashMap;

use super::part::FilePart;
use crate::weights::archive::Archive;

/// The prefix of EMA weights; then follows the name in the UNet, without its dots.
const EMA: &str = "model_ema.diffusion_model";
/// EMA names are made for so many input blocks, so many output blocks, and so many blocks of a
/// transformer.
const BLOCKS_MAX: usize = 32;
const DEPTH_MAX: usize = 10;

/// Other prefixes of parts, and tensors of which one must be there.
const PREFIXES: [(FilePart, &str, &[&str]); 6] = [
    (FilePart::Vae, "vae.", VAE),
    (FilePart::Vae, "first_stage_model.vae.", VAE),
    (FilePart::TextEncoder, "cond_stage_model.clip_l.transformer.", TEXT),
    (FilePart::TextEncoder, "text_encoders.clip_l.transformer.", TEXT),
    (FilePart::TextEncoder, "text_encoder.", TEXT),
    (FilePart::Unet, "diffusion_model.", &["input_blocks.0.0.weight"]),
];
const VAE: &[&str] = &["decoder.conv_in.weight"];
const TEXT: &[&str] =
    &["text_model.embeddings.token_embedding.weight", "embeddings.token_embedding.weight"];

/// Tensors by which a prefix of all names is found.
const MARKS: [&str; 3] = [
    "model.diffusion_model.input_blocks.0.0.weight",
    "model_ema.diffusion_modelinput_blocks00weight",
    "first_stage_model.decoder.conv_in.weight",
];

/// The same tensors under CompVis's names.
pub(in crate::weights) fn canonical(archive: &Archive) -> Archive {
    let wrap = wrapping(archive);
    let bare = |name: &str| name.strip_prefix(wrap).unwrap_or(name).to_owned();
    let has = |name: &str| archive.get(&format!("{wrap}{name}")).is_some();
    let mut moved: Vec<(&str, &str)> = Vec::new();
    for part in [FilePart::Vae, FilePart::TextEncoder, FilePart::Unet] {
        let tells =
            |prefix: &str, marks: &[&str]| marks.iter().any(|m| has(&format!("{prefix}{m}")));
        let of_part = PREFIXES.iter().filter(|(other, ..)| *other == part);
        let marks = of_part.clone().next().map_or(VAE, |(.., marks)| *marks);
        if !tells(part.prefix(), marks) {
            let found = of_part.clone().find(|(_, prefix, marks)| tells(prefix, marks));
            moved.extend(found.map(|(_, prefix, _)| (*prefix, part.prefix())));
        }
    }
    let unet = format!("{wrap}{}input_blocks.", FilePart::Unet.prefix());
    let has_unet = archive.tensors().iter().any(|info| info.name.starts_with(&unet));
    let ema = match !has_unet && has(MARKS[1]) {
        true => ema_names(),
        false => HashMap::new(),
    };
    if wrap.is_empty() && moved.is_empty() && ema.is_empty() {
        return archive.clone();
    }
    archive.part(|info| {
        let name = bare(&info.name);
        let of_unet = name.strip_prefix(EMA).and_then(|flat| ema.get(flat));
        let of_part = || {
            let (from, to) = moved.iter().find(|(from, _)| name.starts_with(from))?;
            Some(format!("{to}{}", &name[from.len()..]))
        };
        let name = of_unet.cloned().or_else(of_part).unwrap_or(name);
        Some((name, info.shape.clone()))
    })
}

/// The prefix of all names; empty if one of the marks has none.
fn wrapping(archive: &Archive) -> &str {
    let wraps = archive.tensors().iter().filter_map(|info| {
        let mark = MARKS.iter().find(|mark| info.name.ends_with(*mark))?;
        let wrap = info.name.strip_suffix(mark)?;
        (wrap.is_empty() || wrap.ends_with('.')).then_some(wrap)
    });
    wraps.min_by_key(|wrap| wrap.len()).unwrap_or("")
}

/// The UNet's names without dots → CompVis's names, with dots and the UNet's prefix.
fn ema_names() -> HashMap<String, String> {
    let mut places = vec!["time_embed.0".into(), "time_embed.2".into(), "input_blocks.0.0".into()];
    places.extend(["out.0", "out.2"].map(String::from));
    for path in ["input_blocks", "output_blocks"] {
        for block in 0..BLOCKS_MAX {
            places.extend((0..3).flat_map(|i| of_layer(&format!("{path}.{block}.{i}"))));
        }
    }
    places.extend((0..3).flat_map(|i| of_layer(&format!("middle_block.{i}"))));
    let both = |place: String| ["weight", "bias"].map(|kind| format!("{place}.{kind}"));
    let named =
        |name: String| (name.replace('.', ""), format!("{}{name}", FilePart::Unet.prefix()));
    places.into_iter().flat_map(both).map(named).collect()
}

/// The modules that a block at this place may have: those of a resnet, a transformer, or a
/// resampling.
fn of_layer(place: &str) -> Vec<String> {
    let plain = [
        "in_layers.0",
        "in_layers.2",
        "emb_layers.1",
        "out_layers.0",
        "out_layers.3",
        "skip_connection",
        "op",
        "conv",
        "norm",
        "proj_in",
        "proj_out",
    ];
    let of_block = [
        "attn1.to_q",
        "attn1.to_k",
        "attn1.to_v",
        "attn1.to_out.0",
        "attn2.to_q",
        "attn2.to_k",
        "attn2.to_v",
        "attn2.to_out.0",
        "ff.net.0.proj",
        "ff.net.2",
        "norm1",
        "norm2",
        "norm3",
    ];
    let mut names: Vec<String> = plain.iter().map(|name| format!("{place}.{name}")).collect();
    for block in 0..DEPTH_MAX {
        let name = |name: &&str| format!("{place}.transformer_blocks.{block}.{name}");
        names.extend(of_block.iter().map(name));
    }
    names
}
