//! The LoRAs of an opened model: they are added to its files, and recorded for its pictures.

use super::files::Files;
use crate::error::Result;
use crate::pipeline::control::{Control, Progress};
use crate::weights::Lora;
use serde::Serialize;
use std::sync::Arc;

/// The most names that a notice lists.
const NAMES_MAX: usize = 3;

/// A LoRA and its weight. diffusers: an adapter and its weight.
#[derive(Debug, Clone)]
pub struct Weighted {
    /// The file.
    pub lora: Arc<Lora>,
    /// 1 is what it was trained for; a negative weight inverts its effect.
    pub weight: f32,
    /// Its weight in the text encoder, mostly the same; 0 leaves the text encoder as it is.
    pub text_encoder_weight: f32,
}

impl Weighted {
    /// With one weight in both networks.
    pub fn new(lora: Arc<Lora>, weight: f32) -> Weighted {
        Weighted { lora, weight, text_encoder_weight: weight }
    }

    /// The name of its file without folders and extension, as in `<lora:…>` of other programs.
    pub fn name(&self) -> &str {
        let file = self.lora.file();
        let file = file.rsplit(['/', '\\']).next().unwrap_or(file);
        file.rsplit_once('.').map_or(file, |(name, _)| name)
    }
}

/// A LoRA with which a picture was made.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LoraRecord {
    /// [`Weighted::name`]
    pub name: String,
    /// Its weight in the UNet.
    pub weight: f32,
    /// Its weight in the text encoder.
    pub text_encoder_weight: f32,
    /// SHA-256 of its file.
    pub sha256: String,
    /// The hash by which other programs know it; see [`Lora::model_hash`].
    pub model_hash: String,
}

impl LoraRecord {
    /// What is recorded of a LoRA.
    pub(in crate::pipeline) fn of(one: &Weighted) -> LoraRecord {
        LoraRecord {
            name: one.name().to_owned(),
            weight: one.weight,
            text_encoder_weight: one.text_encoder_weight,
            sha256: one.lora.sha256().to_owned(),
            model_hash: one.lora.model_hash().to_owned(),
        }
    }
}

/// Those whose weights are not 0.
pub(in crate::pipeline) fn in_use(loras: &[Weighted]) -> Vec<Weighted> {
    let used = |one: &&Weighted| one.weight != 0.0 || one.text_encoder_weight != 0.0;
    loras.iter().filter(used).cloned().collect()
}

/// Adds LoRAs to a model's files. Names that match nothing in the model are reported in a notice.
///
/// # Errors
/// [`BadFile`](crate::Error::BadFile) for a LoRA that is for another model.
pub(in crate::pipeline) async fn add_loras(
    files: &mut Files,
    loras: &[Weighted],
    control: &Control,
) -> Result<()> {
    for one in loras {
        let unmatched = files.add_lora(&one.lora, [one.weight, one.text_encoder_weight]).await?;
        if unmatched.is_empty() {
            continue;
        }
        let names = unmatched.iter().take(NAMES_MAX).map(String::as_str).collect::<Vec<_>>();
        let more = if unmatched.len() > NAMES_MAX { ", …" } else { "" };
        let (file, count) = (one.lora.file(), unmatched.len());
        let text = format!(
            "{file}: {count} of its names fit nothing in this model and are left out: {}{more}",
            names.join(", ")
        );
        control.report(Progress::Notice { text });
    }
    Ok(())
}
