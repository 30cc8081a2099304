//! The topologies of synthetic checkpoints, as config files.

use clap::ValueEnum;
use darkroom::models::sd_v1_4;
use std::borrow::Cow;

/// A topology.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Config {
    /// CompVis/stable-diffusion-v1-4.
    #[value(name = "sd-v1-4")]
    SdV1_4,
    /// Three levels, two heads, a VAE of factor 8, the full vocabulary.
    Tiny,
    /// The same as a latent consistency model: its UNet takes the guidance scale as an input.
    TinyLcm,
    /// The UNet of v1.4 at a fifth of its width: 35 million numbers; the rest is small.
    #[value(name = "width-64")]
    Width64,
    /// Tiny, with a UNet as that of BK-SDM-Tiny: one layer a level, no middle.
    #[value(name = "tiny-distilled")]
    TinyDistilled,
    /// nota-ai/bk-sdm-base: v1.4 with a UNet of one layer a level.
    #[value(name = "bk-sdm-base")]
    BkSdmBase,
    /// nota-ai/bk-sdm-small (and segmind/small-sd): the same without a middle.
    #[value(name = "bk-sdm-small")]
    BkSdmSmall,
    /// nota-ai/bk-sdm-tiny (and segmind/tiny-sd): the same without the lowest level.
    #[value(name = "bk-sdm-tiny")]
    BkSdmTiny,
}

/// The texts of a model's config files.
pub(super) struct Files {
    pub scheduler: &'static str,
    pub text_encoder: &'static str,
    pub unet: Cow<'static, str>,
    pub vae: &'static str,
    pub safety_checker: &'static str,
    pub feature_extractor: &'static str,
}

/// v1.4.
const SD_V1_4: Files = Files {
    scheduler: sd_v1_4::SCHEDULER,
    text_encoder: sd_v1_4::TEXT_ENCODER,
    unet: Cow::Borrowed(sd_v1_4::UNET),
    vae: sd_v1_4::VAE,
    safety_checker: sd_v1_4::SAFETY_CHECKER,
    feature_extractor: sd_v1_4::FEATURE_EXTRACTOR,
};

/// The small one.
const TINY: Files = Files {
    scheduler: sd_v1_4::SCHEDULER,
    text_encoder: include_str!("tiny/text_encoder.json"),
    unet: Cow::Borrowed(include_str!("tiny/unet.json")),
    vae: include_str!("tiny/vae.json"),
    safety_checker: include_str!("tiny/safety_checker.json"),
    feature_extractor: include_str!("tiny/feature_extractor.json"),
};

impl Config {
    /// With so many channels of the UNet's input, where they are not the topology's own.
    pub(super) fn files(self, in_channels: Option<usize>) -> Files {
        let files = self.own();
        let Some(channels) = in_channels else { return files };
        let field = |channels: usize| format!("\"in_channels\": {channels},");
        Files { unet: files.unet.replace(&field(4), &field(channels)).into(), ..files }
    }

    fn own(self) -> Files {
        match self {
            Config::SdV1_4 => SD_V1_4,
            Config::BkSdmBase => {
                Files { unet: Cow::Borrowed(include_str!("bk_sdm/base.json")), ..SD_V1_4 }
            }
            Config::BkSdmSmall => {
                Files { unet: Cow::Borrowed(include_str!("bk_sdm/small.json")), ..SD_V1_4 }
            }
            Config::BkSdmTiny => {
                Files { unet: Cow::Borrowed(sd_v1_4::BK_SDM_TINY_UNET), ..SD_V1_4 }
            }
            Config::Tiny => TINY,
            Config::TinyDistilled => {
                Files { unet: Cow::Borrowed(include_str!("tiny/distilled_unet.json")), ..TINY }
            }
            Config::TinyLcm => Files {
                scheduler: include_str!("tiny/lcm/scheduler.json"),
                unet: Cow::Borrowed(include_str!("tiny/lcm/unet.json")),
                ..TINY
            },
            Config::Width64 => Files {
                text_encoder: include_str!("width64/text_encoder.json"),
                unet: Cow::Borrowed(include_str!("width64/unet.json")),
                ..TINY
            },
        }
    }
}

impl Files {
    /// All config files by path, on request with the safety checker's.
    pub(super) fn all(&self, safety: bool) -> Vec<(&'static str, String)> {
        let mut index = sd_v1_4::MODEL_INDEX.to_string();
        let mut files = Vec::new();
        if safety {
            for (part, class) in [
                ("safety_checker", r#"["stable_diffusion", "StableDiffusionSafetyChecker"]"#),
                ("feature_extractor", r#"["transformers", "CLIPImageProcessor"]"#),
            ] {
                index = index
                    .replace(&format!("\"{part}\": [null, null]"), &format!("\"{part}\": {class}"));
            }
            files.push(("safety_checker/config.json", self.safety_checker));
            files.push(("feature_extractor/preprocessor_config.json", self.feature_extractor));
        }
        files.extend([
            ("scheduler/scheduler_config.json", self.scheduler),
            ("tokenizer/tokenizer_config.json", include_str!("common/tokenizer_config.json")),
            ("text_encoder/config.json", self.text_encoder),
            ("unet/config.json", &self.unet),
            ("vae/config.json", self.vae),
        ]);
        let files = files.into_iter().map(|(path, text)| (path, text.to_string()));
        std::iter::once(("model_index.json", index)).chain(files).collect()
    }
}
