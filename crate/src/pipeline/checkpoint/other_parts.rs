//! Parts of a model that are taken from other files: a fine-tuned VAE, another UNet or text
//! encoder.
//!
//! ```text
//! DIR/config.json           and the part's weights, as diffusers saves a part alone
//! DIR/vae/config.json       a whole model's folder, of which the part is used
//! FILE                      the part alone, under LDM's names or diffusers', or a whole checkpoint
//! ```
//!
//! A file has the config that lies beside it, if that is one of such a part, or else the one in its
//! header. Otherwise its tensors show the sizes, and the rest is as in the model.

use super::configs::Configs;
use super::layout::{VAE, text};
use super::part::Part;
use super::provenance::SHORT;
use super::single_file::{config_of, predicts_v};
use super::weights::weights;
use crate::error::{Error, Result};
use crate::json::from_python;
use crate::pipeline::control::Control;
use crate::weights::{Archive, Digest, FilePart, LonePart, OtherPart, Source};
use serde::Serialize;
use serde_json::Value;
use std::rc::Rc;

/// About how many bytes are read at once for a hash.
const WINDOW: u64 = 8 << 20;

/// A VAE's `scaling_factor` where its config does not have it.
const SCALING_FACTOR: f64 = 0.18215;

/// A part from other files.
pub(super) struct Other {
    /// Where it is.
    pub place: OtherPart,
    /// The text of its config.
    pub config: String,
    /// The file that the config is from, for error messages.
    pub file: String,
    /// The header of its weights, under diffusers' names.
    pub archive: Rc<Archive>,
    /// What the UNet predicts, where its files say it.
    pub predicts: Option<String>,
}

/// A part of the model that a picture was made with, where it was not the model's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartRecord {
    /// `unet`, `vae` or `text_encoder`.
    pub part: &'static str,
    /// The name of its file, or of its folder.
    pub name: String,
    /// SHA-256 of the file of its weights; where there are several, of all in the order of their
    /// names.
    pub sha256: String,
}

impl PartRecord {
    /// The hash, shortened as in other Stable Diffusion programs.
    pub fn short_hash(&self) -> &str {
        self.sha256.get(..SHORT).unwrap_or(&self.sha256)
    }
}

/// Opens a part, if the source takes it from other files; `own` has the configs of the model.
///
/// # Errors
/// Those of the source; [`Error::BadFile`] for a damaged file, [`Error::OtherModel`] for one that
/// has no such part, [`Error::Config`] for a VAE whose latents have another scale than the model's.
pub(super) async fn open(
    source: &dyn Source,
    (part, stem): (Part, &str),
    own: &Configs,
) -> Result<Option<Other>> {
    let Some(place) = source.other_part(part.name()) else { return Ok(None) };
    let other = match &place.checkpoint {
        Some(file) => from_file(source, part, &place, file, own.of(part)).await?,
        None => from_folder(source, (part, stem), &place).await?,
    };
    if part == Part::Vae {
        check_scale(&other, &own.vae)?;
    }
    Ok(Some(other))
}

async fn from_folder(
    source: &dyn Source,
    (part, stem): (Part, &str),
    place: &OtherPart,
) -> Result<Other> {
    let in_model = format!("{}{}/", place.place, part.name());
    let mut absent = None;
    for folder in [&in_model, &place.place] {
        let file = format!("{folder}config.json");
        let config = match text(source, &file).await {
            Ok(config) => config,
            Err(Error::NotFound { path, .. }) => {
                absent = Some(path);
                continue;
            }
            Err(error) => return Err(error),
        };
        let archive = weights(source, folder.trim_end_matches('/'), stem).await?;
        let of_model = part == Part::Unet && *folder == in_model;
        let predicts = if of_model { prediction(source, place).await? } else { None };
        return Ok(Other { place: place.clone(), config, file, archive, predicts });
    }
    Err(Error::NotFound {
        path: absent.expect("two places were tried"),
        reason: format!("a folder with config.json, or with {}/config.json", part.name()),
    })
}

async fn from_file(
    source: &dyn Source,
    part: Part,
    place: &OtherPart,
    file: &str,
    model: &str,
) -> Result<Other> {
    let path = format!("{}{file}", place.place);
    let archive = Archive::open(source, &path).await?;
    let lone = LonePart::find(&archive, file_part(part))?;
    let beside = format!("{}config.json", place.place);
    let (config, file) = match text(source, &beside).await {
        Ok(config) if is_of(part, &config) => (config, beside),
        Ok(_) | Err(Error::NotFound { .. } | Error::BadFile { .. }) => {
            (config_of(&archive, (part, &lone), model)?, path)
        }
        Err(error) => return Err(error),
    };
    let v = part == Part::Unet && predicts_v(&archive);
    let predicts = v.then(|| "v_prediction".to_owned());
    Ok(Other { place: place.clone(), config, file, archive: Rc::new(lone.archive), predicts })
}

/// A part of a single file.
fn file_part(part: Part) -> FilePart {
    match part {
        Part::TextEncoder => FilePart::TextEncoder,
        Part::Unet => FilePart::Unet,
        _ => FilePart::Vae,
    }
}

/// Whether a config is one of such a part, and not of something else in the same folder.
fn is_of(part: Part, config: &str) -> bool {
    let fields: Value = serde_json::from_slice(&from_python(config.as_bytes())).unwrap_or_default();
    let begins = |field: &str, with: &str| {
        fields[field].as_str().is_some_and(|value| value.starts_with(with))
    };
    match part {
        Part::TextEncoder => begins("model_type", "clip_text_model"),
        Part::Unet => begins("_class_name", "UNet2DConditionModel"),
        _ => begins("_class_name", "Autoencoder"),
    }
}

/// What the UNet of a model's folder predicts, as its scheduler's config says.
async fn prediction(source: &dyn Source, place: &OtherPart) -> Result<Option<String>> {
    let config = match text(source, &format!("{}{}", place.place, super::layout::SCHEDULER)).await {
        Ok(config) => config,
        Err(Error::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let fields: Value = serde_json::from_slice(&from_python(config.as_bytes())).unwrap_or_default();
    Ok(fields["prediction_type"].as_str().map(str::to_owned))
}

/// Refuses a VAE whose latents the model's UNet was not trained with, as far as configs say it.
/// Small stand-ins of other classes have scales of their own.
fn check_scale(other: &Other, own: &str) -> Result<()> {
    let scale = |config: &str| {
        let fields: Value = serde_json::from_slice(&from_python(config.as_bytes())).ok()?;
        let class = fields["_class_name"].as_str();
        let scale = fields["scaling_factor"].as_f64().unwrap_or(SCALING_FACTOR);
        class.is_none_or(|class| class == "AutoencoderKL").then_some(scale)
    };
    let (Some(scale), Some(of_model)) = (scale(&other.config), scale(own)) else { return Ok(()) };
    if scale == of_model {
        return Ok(());
    }
    Err(Error::Config {
        file: other.file.clone(),
        field: "scaling_factor".into(),
        reason: format!("is {scale}, but the latents of the model have {of_model} ({VAE})"),
    })
}

/// The records of a model's parts that are not its own.
///
/// # Errors
/// Those of the source; a cancel.
pub(in crate::pipeline) async fn part_records(
    source: &dyn Source,
    parts: &[(Part, OtherPart, Rc<Archive>)],
    control: &Control,
) -> Result<Vec<PartRecord>> {
    let mut records = Vec::new();
    for (part, place, archive) in parts {
        let mut files: Vec<&str> = archive.tensors().iter().map(|info| &*info.file).collect();
        files.sort_unstable();
        files.dedup();
        let mut digest = Digest::default();
        for file in files {
            let (size, mut start) = (source.size(file).await?, 0);
            while start < size {
                let end = size.min(start + WINDOW);
                digest.update(&source.read(file, start..end).await?);
                start = end;
                control.check()?;
            }
        }
        let (sha256, _) = digest.finish();
        records.push(PartRecord { part: part.name(), name: place.name.clone(), sha256 });
    }
    Ok(records)
}
