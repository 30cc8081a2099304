//! The configs of CompVis/stable-diffusion-v1-4, with the published numbers: what the dry run
//! measures, and the topology of a made-up checkpoint.

/// `model_index.json`, without the safety checker.
pub const MODEL_INDEX: &str = include_str!("model_index.json");
/// `scheduler/scheduler_config.json`.
pub const SCHEDULER: &str = include_str!("scheduler.json");
/// `unet/config.json`.
pub const UNET: &str = include_str!("unet.json");
/// `vae/config.json`.
pub const VAE: &str = include_str!("vae.json");
/// `text_encoder/config.json`.
pub const TEXT_ENCODER: &str = include_str!("text_encoder.json");
/// `safety_checker/config.json`: of its fields those that the checker reads.
pub const SAFETY_CHECKER: &str = include_str!("safety_checker.json");
/// `feature_extractor/preprocessor_config.json`.
pub const FEATURE_EXTRACTOR: &str = include_str!("feature_extractor.json");
