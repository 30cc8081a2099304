//! The result: a picture, with the request that makes it again.

use super::checkpoint::{
    ControlRecord, DecoderRecord, EmbeddingRecord, LoraRecord, PartRecord, Provenance,
};
use super::upscaler::UpscalerRecord;
use crate::error::Result;
use crate::image::parameters::Parameters;
use crate::image::{Rgba, png};
use crate::request::{Applied, LORA_TAGS, Request, web_ui_upscaler, with_tags};
use serde::Serialize;

/// The result of the safety check. In JSON its name is in snake case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Safety {
    /// The checker found nothing.
    Passed,
    /// The checker found something: the picture is black.
    Flagged,
    /// The checker was switched off.
    Off,
    /// The model has no checker.
    Missing,
}

impl Safety {
    /// The result as the end of a sentence.
    pub fn text(self) -> &'static str {
        match self {
            Safety::Passed => "checked, nothing found",
            Safety::Flagged => "checked, replaced by black",
            Safety::Off => "not checked: switched off",
            Safety::Missing => "not checked: this model has none",
        }
    }
}

/// A finished picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Four bytes a pixel, row by row.
    pub rgba: Vec<u8>,
    /// The request, with the size filled in.
    pub request: Request,
    /// Notices for the user, such as what was cut from the prompt.
    pub notices: Vec<String>,
    /// The result of the safety check.
    pub safety: Safety,
    /// [`Tuning::id`](crate::gpu::Tuning::id) of the kernels; `None` where they are the defaults of
    /// the adapter's kind.
    pub kernels: Option<String>,
    /// Name, revision and hash of the model, if its manifest has them.
    pub model: Option<Provenance>,
    /// The LoRAs that had changed the model.
    pub loras: Vec<LoraRecord>,
    /// What decoded it instead of the model's VAE.
    pub decoder: Option<DecoderRecord>,
    /// The textual inversions that the prompts call.
    pub embeddings: Vec<EmbeddingRecord>,
    /// The parts that were not the model's own.
    pub parts: Vec<PartRecord>,
    /// The ControlNets and T2I-Adapters that guided it.
    pub controls: Vec<ControlRecord>,
    /// The upscaler that enlarged the first of two passes, if one did.
    pub upscaler: Option<UpscalerRecord>,
    /// What the request left to the model, or to what came beside it.
    pub applied: Applied,
    /// The steps that were taken, of all those of its pass, where the caller ended the run early.
    /// The request alone does not make such a picture again.
    pub ended_early: Option<[usize; 2]>,
}

impl Picture {
    /// A PNG file with these text chunks: the request, as `parameters` for other programs, and as
    /// JSON in `darkroom`; the model, if it is known, in `darkroom-model`; its LoRAs in
    /// `darkroom-loras`; the textual inversions of the prompts in `darkroom-embeddings`; what
    /// decoded it instead of the VAE in `darkroom-decoder`; the parts that are not the model's own
    /// in `darkroom-parts`; its ControlNets and T2I-Adapters in `darkroom-controls`; and the
    /// upscaler between two passes in `darkroom-upscaler`.
    ///
    /// # Errors
    /// [`Error::Write`](crate::Error::Write) for a picture without pixels.
    pub fn png(&self) -> Result<Vec<u8>> {
        let picture = Rgba::new(self.width, self.height, self.rgba.clone());
        let json = serde_json::to_string(&self.request).expect("a request is plain data");
        let mut texts = vec![(png::PARAMETERS, self.parameters().format()), (png::DARKROOM, json)];
        if let Some(model) = &self.model {
            let json = serde_json::to_string(model).expect("a name and hashes are plain data");
            texts.push((png::DARKROOM_MODEL, json));
        }
        if !self.loras.is_empty() {
            let json = serde_json::to_string(&self.loras).expect("names and hashes are plain data");
            texts.push((png::DARKROOM_LORAS, json));
        }
        if !self.embeddings.is_empty() {
            let json = serde_json::to_string(&self.embeddings);
            texts.push((png::DARKROOM_EMBEDDINGS, json.expect("names and hashes are plain data")));
        }
        if let Some(decoder) = &self.decoder {
            let json = serde_json::to_string(decoder).expect("a name and a hash are plain data");
            texts.push((png::DARKROOM_DECODER, json));
        }
        if !self.parts.is_empty() {
            let json = serde_json::to_string(&self.parts).expect("names and hashes are plain data");
            texts.push((png::DARKROOM_PARTS, json));
        }
        if !self.controls.is_empty() {
            let json = serde_json::to_string(&self.controls);
            texts.push((png::DARKROOM_CONTROLS, json.expect("names and numbers are plain data")));
        }
        if let Some(upscaler) = &self.upscaler {
            let json = serde_json::to_string(upscaler).expect("a name and a hash are plain data");
            texts.push((png::DARKROOM_UPSCALER, json));
        }
        let texts: Vec<_> = texts.iter().map(|(keyword, text)| (*keyword, text.as_str())).collect();
        png::encode(&picture, &texts)
    }

    /// The request in the form that Stable Diffusion programs share.
    pub fn parameters(&self) -> Parameters {
        let request = &self.request;
        // A part that was made alone, and put back, has another size than the picture.
        let size = [request.width.unwrap_or(self.width), request.height.unwrap_or(self.height)];
        let mut fields = request.infotext(size, &self.applied);
        if let Some(upscaler) = &self.upscaler {
            // As AUTOMATIC1111's web UI writes it: by its own name.
            let named = fields.iter_mut().find(|(name, _)| *name == "Hires upscaler");
            if let Some((_, value)) = named {
                web_ui_upscaler(&upscaler.name).clone_into(value);
            }
        }
        if let Some(id) = &self.kernels {
            fields.push(("Kernels", id.clone()));
        }
        if let Some([taken, all]) = self.ended_early {
            fields.push(("Ended early", format!("after step {taken} of {all}")));
        }
        fields.push(("Safety checker", self.safety.text().into()));
        if let Some(model) = &self.model {
            if let Some(hash) = model.short_hash() {
                fields.push(("Model hash", hash.into()));
            }
            fields.push(("Model", model.title.clone()));
            if let Some(revision) = &model.revision {
                fields.push(("Model revision", revision.clone()));
            }
        }
        for part in &self.parts {
            // "VAE" and its hash are written so by AUTOMATIC1111's web UI.
            let [name, hash] = match part.part {
                "vae" => ["VAE", "VAE hash"],
                "unet" => ["UNet", "UNet hash"],
                _ => ["Text encoder", "Text encoder hash"],
            };
            fields.push((hash, part.short_hash().into()));
            fields.push((name, part.name.clone()));
        }
        fields.extend(self.lora_fields());
        let weights = |lora: &LoraRecord| [lora.text_encoder_weight, lora.weight];
        let loras = self.loras.iter().map(|lora| (lora.name.as_str(), weights(lora)));
        let (prompt, added) = with_tags(&request.prompt, loras);
        if added > 0 {
            fields.push((LORA_TAGS, added.to_string()));
        }
        if !self.embeddings.is_empty() {
            let hash = |one: &EmbeddingRecord| short_hash(&one.name, &one.sha256);
            fields.push(("TI hashes", list(self.embeddings.iter().map(hash))));
        }
        if let Some(decoder) = &self.decoder {
            // As AUTOMATIC1111's web UI writes it.
            fields.push(("VAE Decoder", "TAESD".into()));
            if decoder.encoder {
                fields.push(("VAE Encoder", "TAESD".into()));
            }
        }
        let mut fields: Vec<(String, String)> =
            fields.into_iter().map(|(name, value)| (name.to_string(), value)).collect();
        for (i, control) in self.controls.iter().enumerate() {
            fields.push((format!("{} {i}", control.kind), control.field()));
        }
        Parameters {
            prompt,
            negative_prompt: request.negative_prompt.clone(),
            fields,
            extra: String::new(),
        }
    }

    /// What AUTOMATIC1111's web UI writes of LoRAs (`Lora hashes`), and what it does not: weights,
    /// which it has in the prompt, and the hashes of whole files.
    fn lora_fields(&self) -> Vec<(&'static str, String)> {
        if self.loras.is_empty() {
            return Vec::new();
        }
        let each = |value: &dyn Fn(&LoraRecord) -> String| {
            list(self.loras.iter().map(|lora| format!("{}: {}", lora.name, value(lora))))
        };
        let hashes = self.loras.iter().map(|lora| short_hash(&lora.name, &lora.model_hash));
        vec![
            ("Lora weights", each(&weights_of)),
            ("Lora hashes", list(hashes)),
            ("Lora SHA-256", each(&|lora| lora.sha256.clone())),
        ]
    }
}

/// The weight of a LoRA; where the text encoder has another one, that first, as in its tag.
fn weights_of(lora: &LoraRecord) -> String {
    if lora.text_encoder_weight == lora.weight {
        return lora.weight.to_string();
    }
    format!("{}/{}", lora.text_encoder_weight, lora.weight)
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

/// `name: hash`, as AUTOMATIC1111's web UI writes it in lists: twelve digits, and the name without
/// the two signs that separate.
fn short_hash(name: &str, hash: &str) -> String {
    let name: String = name.chars().filter(|c| !matches!(c, ':' | ',')).collect();
    let digits: String = hash.chars().take(12).collect();
    format!("{name}: {digits}")
}
