//! The result: a picture, with the request that makes it again.

use super::checkpoint::{LoraRecord, PartRecord, Provenance};
use crate::error::Result;
use crate::image::parameters::Parameters;
use crate::image::{Rgba, png};
use crate::request::Request;
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
    /// The parts that were not the model's own.
    pub parts: Vec<PartRecord>,
}

impl Picture {
    /// A PNG file with these text chunks: the request, as `parameters` for other programs, and as
    /// JSON in `darkroom`; the model, if it is known, in `darkroom-model`; its LoRAs in
    /// `darkroom-loras`; and the parts that are not its own in `darkroom-parts`.
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
        if !self.parts.is_empty() {
            let json = serde_json::to_string(&self.parts).expect("names and hashes are plain data");
            texts.push((png::DARKROOM_PARTS, json));
        }
        let texts: Vec<_> = texts.iter().map(|(keyword, text)| (*keyword, text.as_str())).collect();
        png::encode(&picture, &texts)
    }

    /// The request in the form that Stable Diffusion programs share.
    pub fn parameters(&self) -> Parameters {
        let request = &self.request;
        let mut fields = request.infotext([self.width, self.height]);
        if let Some(id) = &self.kernels {
            fields.push(("Kernels", id.clone()));
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
        if !self.loras.is_empty() {
            let list = |value: &dyn Fn(&LoraRecord) -> String| {
                let each = self.loras.iter().map(|lora| format!("{}: {}", lora.name, value(lora)));
                each.collect::<Vec<_>>().join(", ")
            };
            fields.push(("Lora weights", list(&|lora| lora.weight.to_string())));
            fields.push(("Lora SHA-256", list(&|lora| lora.sha256.clone())));
        }
        Parameters {
            prompt: request.prompt.clone(),
            negative_prompt: request.negative_prompt.clone(),
            fields: fields.into_iter().map(|(name, value)| (name.to_string(), value)).collect(),
            extra: String::new(),
        }
    }
}
