//! What a checkpoint is that is not a single-file checkpoint of Stable Diffusion 1: told from the
//! names and shapes of its tensors, so that the message can say it.

use super::archive::Archive;

const SD_2: &str = "a checkpoint of Stable Diffusion 2";
const SDXL: &str = "a checkpoint of Stable Diffusion XL";
const LLM: &str = "a language model";

/// Beginnings of names, and what has them. The first that fits counts.
const BEGINNINGS: [(&str, &str); 24] = [
    ("conditioner.embedders.", SDXL),
    ("cond_stage_model.model.", SD_2),
    ("control_model.", "a ControlNet"),
    ("controlnet_cond_embedding.", "a ControlNet"),
    ("input_hint_block.", "a ControlNet"),
    ("lora_", "a LoRA, a small change to a model"),
    ("model.diffusion_model.joint_blocks.", "a checkpoint of Stable Diffusion 3"),
    ("joint_blocks.", "a checkpoint of Stable Diffusion 3"),
    ("model.diffusion_model.double_blocks.", "a checkpoint of Flux"),
    ("double_blocks.", "a checkpoint of Flux"),
    ("string_to_param.", "a textual inversion, a learned word"),
    ("emb_params", "a textual inversion, a learned word"),
    ("clip_l", "a textual inversion, a learned word"),
    ("token_embd.", LLM),
    ("blk.", LLM),
    ("model.embed_tokens.", LLM),
    ("model.layers.", LLM),
    ("concept_embeds", "a safety checker"),
    ("vision_model.", "an image encoder of CLIP"),
    ("text_model.", "a text encoder alone: open the whole model's folder"),
    ("down_blocks.", "a UNet alone in the diffusers layout: open the whole model's folder"),
    ("decoder.up_blocks.", "a VAE alone in the diffusers layout: open the whole model's folder"),
    ("decoder.up.", "a VAE alone"),
    ("unet.", "a model in one file under diffusers' names, which is not supported"),
];

/// Says what `archive` is instead of a single-file checkpoint of Stable Diffusion 1; none when it
/// has all three parts of one.
pub fn instead_of_sd_v1(archive: &Archive) -> Option<String> {
    if let Some(architecture) = archive.metadata().get("general.architecture")
        && architecture != "sd1"
        && !archive.tensors().iter().any(|info| info.name.starts_with("first_stage_model."))
    {
        let short: String = architecture.chars().take(40).collect();
        return Some(format!("a GGUF file of a model called {short:?}"));
    }
    let begins = |start: &str| archive.tensors().iter().any(|info| info.name.starts_with(start));
    let contains = |part: &str| archive.tensors().iter().any(|info| info.name.contains(part));
    let lora = [".lora_A.", ".lora_B.", ".lora_up.", ".lora_down.", ".lora.up.", ".lora.down."];
    if lora.into_iter().any(contains) {
        return Some("a LoRA, a small change to a model".into());
    }
    if let Some((_, what)) = BEGINNINGS.iter().find(|(start, _)| begins(start)) {
        return Some((*what).into());
    }
    let parts = [
        ("model.diffusion_model.input_blocks.", "UNet"),
        ("cond_stage_model.transformer.", "text encoder"),
        ("first_stage_model.decoder.", "VAE"),
    ];
    let (there, missing): (Vec<_>, Vec<_>) =
        parts.into_iter().partition(|(start, _)| begins(start));
    if there.is_empty() {
        return Some(match archive.tensors().first() {
            Some(info) => format!("a file of other tensors, such as `{}`", short(&info.name)),
            None => "a file without tensors".into(),
        });
    }
    if !missing.is_empty() {
        let list = |parts: &[(&str, &str)]| {
            parts.iter().map(|(_, part)| *part).collect::<Vec<_>>().join(" and ")
        };
        return Some(format!("a checkpoint with a {} but no {}", list(&there), list(&missing)));
    }
    by_shape(archive).map(Into::into)
}

/// The same names, but another model.
fn by_shape(archive: &Archive) -> Option<&'static str> {
    let keys = |info: &&super::TensorInfo| {
        info.name.starts_with("model.diffusion_model.") && info.name.ends_with("attn2.to_k.weight")
    };
    let context = archive.tensors().iter().find(keys).and_then(|info| info.shape.get(1));
    let input = archive.get("model.diffusion_model.input_blocks.0.0.weight");
    match (context, input.and_then(|info| info.shape.get(1))) {
        (Some(1024), _) => Some(SD_2),
        (Some(2048 | 1280), _) => Some(SDXL),
        (_, Some(9)) => Some("an inpainting checkpoint, which takes a picture and a mask as well"),
        (_, Some(8)) => Some("a checkpoint that edits pictures, which takes one as well"),
        _ => None,
    }
}

/// A name from a file, not too long for a sentence.
fn short(name: &str) -> String {
    name.chars().take(60).collect()
}
