//! The topologies that can be made up, as config files.

use clap::ValueEnum;
use darkroom::models::sd_v1_4;

/// A topology.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Config {
    /// CompVis/stable-diffusion-v1-4.
    #[value(name = "sd-v1-4")]
    SdV1_4,
    /// Three levels, two heads, a VAE of factor 8, the full vocabulary.
    Tiny,
}

/// The texts of a model's config files.
pub struct Files {
    pub text_encoder: &'static str,
    pub unet: &'static str,
    pub vae: &'static str,
}

impl Config {
    pub fn files(self) -> Files {
        match self {
            Config::SdV1_4 => Files {
                text_encoder: sd_v1_4::TEXT_ENCODER,
                unet: sd_v1_4::UNET,
                vae: sd_v1_4::VAE,
            },
            Config::Tiny => Files {
                text_encoder: include_str!("tiny/text_encoder.json"),
                unet: include_str!("tiny/unet.json"),
                vae: include_str!("tiny/vae.json"),
            },
        }
    }
}

impl Files {
    /// Every config file by its path.
    pub fn all(&self) -> [(&'static str, &'static str); 6] {
        [
            ("model_index.json", sd_v1_4::MODEL_INDEX),
            ("scheduler/scheduler_config.json", sd_v1_4::SCHEDULER),
            ("tokenizer/tokenizer_config.json", include_str!("common/tokenizer_config.json")),
            ("text_encoder/config.json", self.text_encoder),
            ("unet/config.json", self.unet),
            ("vae/config.json", self.vae),
        ]
    }
}
