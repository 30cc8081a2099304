//! The files of a model's safety checker, which is optional.
//!
//! ```text
//! model_index.json                              names its class
//! safety_checker/config.json                    and model.safetensors
//! feature_extractor/preprocessor_config.json    how pictures are preprocessed for it
//! ```

use super::layout::{CONFIG_BYTES_MAX, INDEX, text};
use super::part::Part;
use super::weights::weights;
use crate::error::{Error, Result};
use crate::json::from_python;
use crate::models::clip::ImageProcessor;
use crate::models::safety::SafetyConfig;
use crate::weights::{Archive, Source, read_all};
use serde_json::Value;
use std::rc::Rc;

const CONFIG: &str = "safety_checker/config.json";
const PROCESSOR: &str = "feature_extractor/preprocessor_config.json";
const CLASS: &str = "StableDiffusionSafetyChecker";

/// The checker's configs and the header of its weights.
pub struct SafetyFiles {
    pub(in crate::pipeline) config: SafetyConfig,
    pub(in crate::pipeline) processor: ImageProcessor,
    pub(in crate::pipeline) archive: Rc<Archive>,
}

impl SafetyFiles {
    /// Reads configs and header. `None` when the model is a single file, when its index names no
    /// checker, or when the checker's folder is missing, since it need not be fetched.
    ///
    /// # Errors
    /// Files that are damaged, not supported, or contradict one another.
    pub async fn open(source: &dyn Source) -> Result<Option<SafetyFiles>> {
        if source.checkpoint().is_some() || !named(source).await? {
            return Ok(None);
        }
        let config = match text(source, CONFIG).await {
            Err(Error::NotFound { .. }) => return Ok(None),
            other => SafetyConfig::parse(CONFIG, &other?)?,
        };
        let processor = ImageProcessor::parse(PROCESSOR, &text(source, PROCESSOR).await?)?;
        let (made, wanted) = (processor.output_size(), config.vision.image_size);
        if made != wanted {
            return Err(Error::Config {
                file: PROCESSOR.into(),
                field: "crop_size".into(),
                reason: format!("is {made}, but the safety checker looks at {wanted} pixels"),
            });
        }
        let archive = weights(source, Part::SafetyChecker.name(), "model").await?;
        Ok(Some(SafetyFiles { config, processor, archive }))
    }

    /// Bytes of the weights in f32, as the CPU holds them.
    pub(in crate::pipeline) fn bytes_on_cpu(&self) -> u64 {
        self.archive.tensors().iter().map(|tensor| 4 * tensor.elements() as u64).sum()
    }
}

/// Whether the model's index names a checker.
async fn named(source: &dyn Source) -> Result<bool> {
    let json = read_all(source, INDEX, CONFIG_BYTES_MAX).await?;
    let index: Value = serde_json::from_slice(&from_python(&json)).unwrap_or_default();
    match index["safety_checker"][1].as_str() {
        None => Ok(false),
        Some(CLASS) => Ok(true),
        Some(other) => Err(Error::Config {
            file: INDEX.into(),
            field: Part::SafetyChecker.name().into(),
            reason: format!("names {other}, but only {CLASS} is supported"),
        }),
    }
}
