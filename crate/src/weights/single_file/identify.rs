//! Names the kind of a file of tensors that is no single-file checkpoint of Stable Diffusion 1, for
//! the error message. It is found from the names and shapes of the tensors.
//!
//! A file that has all three parts is such a checkpoint, whatever else is in it: programs leave
//! schedules, EMA weights, losses and keys of their own there. For any other file the kind with the
//! most names decides, not the first name.

use super::canonical::canonical;
use super::part::FilePart;
use crate::weights::archive::Archive;
use crate::weights::formats::header::TensorInfo;
use crate::weights::formats::torch;
use crate::weights::publisher::manifest::Kind;

const SD_2: &str = "a checkpoint of Stable Diffusion 2";
const SDXL: &str = "a checkpoint of Stable Diffusion XL";
const SD_3: &str = "a checkpoint of Stable Diffusion 3";
const FLUX: &str = "a checkpoint of Flux";
const LLM: &str = "a language model";
const CONTROL_NET: &str =
    "a ControlNet, which guides a checkpoint by outlines, depth or poses of a picture";
const LORA: &str = "a LoRA, a small change to a model that is added to a checkpoint";
pub(in crate::weights) const INVERSION: &str =
    "a textual inversion, a learned word for the text encoder of a checkpoint";
const ADAPTER: &str = "an IP-Adapter, which guides a checkpoint by a picture";
const TAESD: &str = "a TAESD, a small stand-in for the VAE, which is opened beside a checkpoint";
const UPSCALER: &str = "an upscaler of ESRGAN's kind, which makes finished pictures larger";
const HYPERNETWORK: &str =
    "a hypernetwork, small networks that change how a checkpoint hears its prompt";
const MOTION: &str = "a motion module of AnimateDiff, with which a checkpoint draws videos";

const UNET_ALONE: &str = "a UNet alone in the diffusers layout: open the whole model's folder";
const VAE_ALONE: &str = "a VAE alone in the diffusers layout: open the whole model's folder";

/// Beginnings of names, and the kind of file that has them: no part of a model, or one part alone.
const BEGINNINGS: [(&str, &str); 36] = [
    ("control_model.", CONTROL_NET),
    ("input_hint_block.", CONTROL_NET),
    ("lora_", LORA),
    ("string_to_param.", INVERSION),
    ("emb_params", INVERSION),
    ("clip_l", INVERSION),
    ("clip_g", INVERSION),
    ("image_proj.", ADAPTER),
    ("ip_adapter.", ADAPTER),
    ("decoder.layers.", TAESD),
    ("encoder.layers.", TAESD),
    ("taesd_", TAESD),
    ("conditioner.embedders.", SDXL),
    ("cond_stage_model.model.", SD_2),
    ("token_embd.", LLM),
    ("blk.", LLM),
    ("model.embed_tokens.", LLM),
    ("model.layers.", LLM),
    ("transformer.h.", LLM),
    ("concept_embeds", "a safety checker"),
    ("vision_model.", "an image encoder of CLIP"),
    ("text_model.", "a text encoder alone: open the whole model's folder"),
    ("down_blocks.", UNET_ALONE),
    ("mid_block.", UNET_ALONE),
    ("up_blocks.", UNET_ALONE),
    ("decoder.up_blocks.", VAE_ALONE),
    ("decoder.mid_block.", VAE_ALONE),
    ("encoder.down_blocks.", VAE_ALONE),
    ("encoder.mid_block.", VAE_ALONE),
    ("decoder.up.", "a VAE alone"),
    ("decoder.mid.", "a VAE alone"),
    ("encoder.down.", "a VAE alone"),
    ("encoder.mid.", "a VAE alone"),
    ("input_blocks.", "a UNet alone"),
    ("output_blocks.", "a UNet alone"),
    ("unet.", "a model in one file under diffusers' names, which is not supported"),
];

/// The same for substrings of names.
const MIDDLES: [(&str, &str); 25] = [
    (".lora_A.", LORA),
    (".lora_B.", LORA),
    (".lora_up.", LORA),
    (".lora_down.", LORA),
    (".lora.up.", LORA),
    (".lora.down.", LORA),
    ("_lora.up.", LORA),
    ("_lora.down.", LORA),
    (".lora_linear_layer.", LORA),
    (".hada_w", LORA),
    (".lokr_w", LORA),
    (".oft_", LORA),
    (".dora_scale", LORA),
    ("motion_modules.", MOTION),
    ("temporal_transformer.", MOTION),
    (".to_k_ip.", ADAPTER),
    (".to_v_ip.", ADAPTER),
    (".rdb1.", UPSCALER),
    (".rdb2.", UPSCALER),
    (".rdb3.", UPSCALER),
    (".RDB1.", UPSCALER),
    (".RDB2.", UPSCALER),
    (".RDB3.", UPSCALER),
    ("controlnet_", CONTROL_NET),
    ("joint_blocks.", SD_3),
];

/// Parts of names, and the kind of file that has one. A single such name is enough, wherever the
/// part is in it, where no kind has half of the file's names.
const DECISIVE: [(&str, &str); 4] = [
    ("joint_blocks.", SD_3),
    ("double_blocks.", FLUX),
    ("conditioner.embedders.", SDXL),
    ("cond_stage_model.model.", SD_2),
];

/// The parts of a checkpoint: the beginning of their names, and what they are called.
const PARTS: [(&str, &str); 3] = [
    ("model.diffusion_model.input_blocks.", "UNet"),
    ("cond_stage_model.transformer.", "text encoder"),
    ("first_stage_model.decoder.", "VAE"),
];

/// Says what `archive` is instead of a single-file checkpoint of Stable Diffusion 1, and what it is
/// for; `None` when it is such a checkpoint.
pub fn instead_of_sd_v1(archive: &Archive) -> Option<String> {
    instead(&canonical(archive))
}

/// The kind of a file that changes a model or replaces a part of it, if it is one.
pub fn identify_addon(archive: &Archive) -> Option<Kind> {
    let what = instead(archive)?;
    let is = |end: &str| archive.tensors().iter().any(|info| info.name.ends_with(end));
    if what == TAESD && is("embeddings.token_embedding.weight") {
        // Its layers have the names that a TAESD's have, too.
        return Some(Kind::TextEncoder);
    }
    let alone = [
        ("a UNet alone", Kind::Unet),
        ("a VAE alone", Kind::Vae),
        ("a text encoder alone", Kind::TextEncoder),
    ];
    match what.as_str() {
        LORA => Some(Kind::Lora),
        INVERSION => Some(Kind::Embedding),
        TAESD => Some(Kind::Taesd),
        _ => alone.into_iter().find(|(start, _)| what.starts_with(start)).map(|(_, kind)| kind),
    }
}

/// The same for an archive that has CompVis's names.
pub(in crate::weights) fn instead(archive: &Archive) -> Option<String> {
    if archive.tensors().is_empty() {
        if archive.metadata().contains_key(torch::INVERSION) {
            return Some(INVERSION.into());
        }
        return Some("a file without tensors".into());
    }
    let begins = |start: &str| archive.tensors().iter().any(|info| info.name.starts_with(start));
    let (there, missing): (Vec<_>, Vec<_>) =
        PARTS.into_iter().partition(|(start, _)| begins(start));
    if missing.is_empty() {
        return by_shape(archive).or_else(|| scaled(archive)).map(Into::into);
    }
    if let Some(architecture) = archive.metadata().get("general.architecture")
        && architecture != "sd1"
        && !begins("first_stage_model.")
    {
        let short: String = architecture.chars().take(40).collect();
        return Some(format!("a GGUF file of a model called {short:?}"));
    }
    let contains = |part: &str| archive.tensors().iter().any(|info| info.name.contains(part));
    if let Some(what) = by_most_names(archive) {
        return Some(what.into());
    }
    if let Some((_, what)) = DECISIVE.iter().find(|(part, _)| contains(part)) {
        return Some((*what).into());
    }
    if there.is_empty() {
        let name = archive.tensors().first().map_or("", |info| &info.name);
        return Some(format!("a file of other tensors, such as `{}`", short(name)));
    }
    let list = |parts: &[(&str, &str)]| {
        parts.iter().map(|(_, part)| *part).collect::<Vec<_>>().join(" and ")
    };
    Some(format!("a checkpoint with a {} but no {}", list(&there), list(&missing)))
}

/// The other model that a file is of, whose parts do not fit even where they have the same names.
/// The VAE of Stable Diffusion 2 is that of 1.
pub(super) fn of_another_model(archive: &Archive, part: FilePart) -> Option<&'static str> {
    let contains = |part: &str| archive.tensors().iter().any(|info| info.name.contains(part));
    let fits = |what: &str| part == FilePart::Vae && what == SD_2;
    let found = DECISIVE.iter().find(|(name, what)| !fits(what) && contains(name));
    found.map(|(_, what)| *what).or_else(|| scaled(archive))
}

/// The kind of file that at least half of the tensors belong to.
fn by_most_names(archive: &Archive) -> Option<&'static str> {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for info in archive.tensors() {
        let Some(kind) = kind(info) else { continue };
        match counts.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => counts.push((kind, 1)),
        }
    }
    let (kind, count) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    let loss = |info: &&TensorInfo| info.name.starts_with("loss.");
    let all = archive.tensors().iter().filter(|info| !loss(info)).count();
    if 2 * count < all {
        return None;
    }
    // These kinds contain a whole other network and a few layers of their own.
    let own = [
        ("controlnet_", UNET_ALONE, CONTROL_NET),
        ("motion_modules.", UNET_ALONE, MOTION),
        ("concept_embeds", "an image encoder of CLIP", "a safety checker"),
    ];
    let has = |part: &str| archive.tensors().iter().any(|info| info.name.contains(part));
    let found = own.iter().find(|(part, most, _)| *most == kind && has(part));
    Some(found.map_or(kind, |(.., what)| what))
}

/// The kind of file that has a tensor of this name and shape.
fn kind(info: &TensorInfo) -> Option<&'static str> {
    let name = info.name.as_str();
    let middle = MIDDLES.iter().find(|(part, _)| name.contains(part));
    let beginning = || BEGINNINGS.iter().find(|(start, _)| name.starts_with(start));
    if let Some((_, what)) = middle.or_else(beginning) {
        return Some(what);
    }
    // `768.0.linear1.weight`: the first number is the width of the layers that it changes.
    let mut parts = name.split('.');
    let widths = ["320", "640", "768", "1024", "1280"];
    if parts.next().is_some_and(|width| widths.contains(&width))
        && parts.next().is_some_and(|index| index == "0" || index == "1")
    {
        return Some(HYPERNETWORK);
    }
    // `3.conv.0.weight`: half of a TAESD in a file of its own, as a list of layers.
    let mut parts = name.split('.');
    if parts.next().is_some_and(|layer| layer.parse::<u8>().is_ok()) && parts.next() == Some("conv")
    {
        return Some(TAESD);
    }
    // `<cat>`: the vectors of a word have the word as their name; text encoders have three widths.
    let word = !name.contains('.')
        && matches!(info.shape[..], [768 | 1024 | 1280] | [_, 768 | 1024 | 1280]);
    word.then_some(INVERSION)
}

/// 8-bit floats with separate scales: without these the values would be wrong.
fn scaled(archive: &Archive) -> Option<&'static str> {
    let scale =
        |info: &TensorInfo| info.name.ends_with(".scale_weight") || info.name == "scaled_fp8";
    let found = archive.tensors().iter().any(scale);
    found.then_some(
        "a checkpoint of eight-bit floats with scales of their own, which are not supported",
    )
}

/// Other models that have the same names, by the shapes of their tensors.
fn by_shape(archive: &Archive) -> Option<&'static str> {
    let keys = |info: &&TensorInfo| {
        info.name.starts_with("model.diffusion_model.") && info.name.ends_with("attn2.to_k.weight")
    };
    let context = archive.tensors().iter().find(keys).and_then(|info| info.shape.get(1));
    match context {
        Some(1024) => Some(SD_2),
        Some(2048 | 1280) => Some(SDXL),
        _ => None,
    }
}

/// A name from a file, shortened for an error message.
fn short(name: &str) -> String {
    name.chars().take(60).collect()
}
