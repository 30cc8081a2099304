//! A model's config files in the diffusers layout, as texts.

use super::layout::{INDEX, SCHEDULER, TEXT_ENCODER, UNET, VAE, text};
use super::part::Part;
use crate::error::{Error, Result};
use crate::json::from_python;
use crate::models::sd_v1_4;
use crate::weights::Source;
use serde_json::Value;

/// The required parts, and their classes of diffusers and transformers that are supported.
const PARTS: [(&str, &[&str]); 4] = [
    ("text_encoder", &["CLIPTextModel"]),
    ("tokenizer", &["CLIPTokenizer", "CLIPTokenizerFast"]),
    ("unet", &["UNet2DConditionModel"]),
    ("vae", &["AutoencoderKL"]),
];

/// The prefix of the keys of configs in a single file's header.
pub(super) const KEY: &str = "darkroom.";

/// The texts of a model's config files.
#[derive(Debug, Clone)]
pub struct Configs {
    /// `scheduler/scheduler_config.json`
    pub scheduler: String,
    /// `text_encoder/config.json`
    pub text_encoder: String,
    /// `unet/config.json`
    pub unet: String,
    /// `vae/config.json`
    pub vae: String,
}

impl Configs {
    /// Reads them from a folder in the diffusers layout.
    ///
    /// # Errors
    /// Those of the source; [`Error::BadFile`] for what is no JSON, [`Error::OtherModel`] for a
    /// folder of another kind of model.
    ///
    /// Where a part is taken from elsewhere, the folder need not have its config, which is v1.4's
    /// then.
    pub(super) async fn read(source: &dyn Source) -> Result<Configs> {
        check_index(&text(source, INDEX).await?, source)?;
        let config = async |part: &str, path, of_v1_4: &str| match text(source, path).await {
            Err(Error::NotFound { .. }) if source.other_part(part).is_some() => Ok(of_v1_4.into()),
            other => other,
        };
        Ok(Configs {
            scheduler: text(source, SCHEDULER).await?,
            text_encoder: config("text_encoder", TEXT_ENCODER, sd_v1_4::TEXT_ENCODER).await?,
            unet: config("unet", UNET, sd_v1_4::UNET).await?,
            vae: config("vae", VAE, sd_v1_4::VAE).await?,
        })
    }

    /// The config of a part.
    pub(super) fn of(&self, part: Part) -> &str {
        match part {
            Part::TextEncoder => &self.text_encoder,
            Part::Unet => &self.unet,
            _ => &self.vae,
        }
    }

    /// Sets the config of a part.
    pub(super) fn set(&mut self, part: Part, config: String) {
        match part {
            Part::TextEncoder => self.text_encoder = config,
            Part::Unet => self.unet = config,
            _ => self.vae = config,
        }
    }

    /// Sets what the UNet predicts, `epsilon` or `v_prediction`, in place of the config's value.
    pub(super) fn predict(&mut self, kind: &str) {
        let scheduler = from_python(self.scheduler.as_bytes());
        // If it is no JSON object, this is an error when the schedule is read.
        if let Ok(Value::Object(mut fields)) = serde_json::from_slice(&scheduler) {
            fields.insert("prediction_type".into(), kind.into());
            self.scheduler = Value::Object(fields).to_string();
        }
    }

    /// The keys and texts for the header of a single-file checkpoint.
    pub fn metadata(&self) -> [(String, &str); 4] {
        let key = |name: &str| format!("{KEY}{name}");
        [
            (key("scheduler"), &self.scheduler),
            (key("text_encoder"), &self.text_encoder),
            (key("unet"), &self.unet),
            (key("vae"), &self.vae),
        ]
    }

    /// The files of the diffusers layout, by path, except those of the tokenizer and the weights.
    pub fn files(&self) -> [(&'static str, &str); 5] {
        [
            (INDEX, sd_v1_4::MODEL_INDEX),
            (SCHEDULER, &self.scheduler),
            (TEXT_ENCODER, &self.text_encoder),
            (UNET, &self.unet),
            (VAE, &self.vae),
        ]
    }
}

/// Refuses a folder of another kind of model.
fn check_index(json: &str, source: &dyn Source) -> Result<()> {
    let index: Value = serde_json::from_slice(&from_python(json.as_bytes())).map_err(|fault| {
        Error::BadFile { file: INDEX.into(), reason: format!("it is not JSON ({fault})") }
    })?;
    let pipeline = index["_class_name"].as_str().unwrap_or_default();
    if index.get("text_encoder_2").is_some() || index.get("transformer").is_some() {
        let short: String = pipeline.chars().take(40).collect();
        let what = format!("the index of another kind of model ({short})");
        return Err(Error::OtherModel { file: INDEX.into(), what });
    }
    for (part, classes) in PARTS.iter().filter(|(part, _)| source.other_part(part).is_none()) {
        let class = index[part][1].as_str();
        if !class.is_some_and(|class| classes.contains(&class)) {
            let found = class.unwrap_or("nothing");
            return Err(Error::Config {
                file: INDEX.into(),
                field: (*part).into(),
                reason: format!("names {found}, but only {} is supported", classes[0]),
            });
        }
    }
    Ok(())
}
