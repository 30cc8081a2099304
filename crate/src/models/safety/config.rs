//! `safety_checker/config.json`, as transformers writes a whole `CLIPConfig`.

use crate::error::Result;
use crate::models::clip::VisionConfig;
use crate::models::fields::Fields;

/// The sizes of a safety checker.
#[derive(Debug, Clone, PartialEq)]
pub struct SafetyConfig {
    /// The vision tower's.
    pub vision: VisionConfig,
    /// Values of an embedding of a picture or a concept.
    pub projection_dim: usize,
}

impl SafetyConfig {
    /// Reads `json`, the text of `file`. Its `text_config` is ignored: a checker has no text
    /// encoder.
    ///
    /// # Errors
    /// [`BadFile`](crate::Error::BadFile), [`Config`](crate::Error::Config).
    pub fn parse(file: &str, json: &str) -> Result<SafetyConfig> {
        let fields = Fields::parse(file, json)?;
        Ok(SafetyConfig {
            vision: VisionConfig::read(&fields.object("vision_config")?)?,
            projection_dim: fields.channels("projection_dim", 512)?,
        })
    }
}
