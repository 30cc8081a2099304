//! The paths of the diffusers layout, and the largest sizes of files that are read whole.

use crate::error::{Error, Result};
use crate::weights::{Source, read_all};

/// The longest config.
pub(crate) const CONFIG_BYTES_MAX: u64 = 1 << 20;

pub(crate) const INDEX: &str = "model_index.json";
pub(crate) const SCHEDULER: &str = "scheduler/scheduler_config.json";
pub(crate) const TEXT_ENCODER: &str = "text_encoder/config.json";
pub(crate) const UNET: &str = "unet/config.json";
pub(crate) const VAE: &str = "vae/config.json";

/// The longest vocabulary.
pub(crate) const VOCABULARY_BYTES_MAX: u64 = 16 << 20;

/// A config file, as text.
///
/// # Errors
/// Those of the source; [`Error::BadFile`] for a file that is not text, or too large.
pub(crate) async fn text(source: &dyn Source, path: &str) -> Result<String> {
    let bytes = read_all(source, path, CONFIG_BYTES_MAX).await?;
    let reason = "it is not UTF-8 text".to_string();
    String::from_utf8(bytes).map_err(|_| Error::BadFile { file: path.into(), reason })
}
