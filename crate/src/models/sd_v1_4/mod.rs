//! The configs of CompVis/stable-diffusion-v1-4 as published: for the dry run, and for checkpoints
//! of the same topology with invented weights. Those that the page serves are in the folder of the
//! model's manifest.

/// A file of `web/models/stable-diffusion-v1-4`.
macro_rules! served {
    ($path:literal) => {
        include_str!(concat!("../../../../web/models/stable-diffusion-v1-4/", $path))
    };
}

/// `model_index.json`, without the safety checker.
pub const MODEL_INDEX: &str = served!("model_index.json");
/// `scheduler/scheduler_config.json`.
pub const SCHEDULER: &str = served!("scheduler/scheduler_config.json");
/// `unet/config.json`.
pub const UNET: &str = served!("unet/config.json");
/// `unet/config.json` of nota-ai/bk-sdm-tiny, whose other parts are those of v1.4.
pub const BK_SDM_TINY_UNET: &str = include_str!("../../bin/darkroom/lab/synth/bk_sdm/tiny.json");
/// `vae/config.json`.
pub const VAE: &str = served!("vae/config.json");
/// `text_encoder/config.json`.
pub const TEXT_ENCODER: &str = served!("text_encoder/config.json");
/// `safety_checker/config.json`: only the fields that the checker reads.
pub const SAFETY_CHECKER: &str = include_str!("safety_checker.json");
/// `feature_extractor/preprocessor_config.json`.
pub const FEATURE_EXTRACTOR: &str = include_str!("feature_extractor.json");
