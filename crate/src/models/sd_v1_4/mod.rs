//! The configs of CompVis/stable-diffusion-v1-4, as published: what the dry run measures, and the
//! topology of a made-up checkpoint.

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
