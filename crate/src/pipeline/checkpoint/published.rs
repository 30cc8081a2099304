//! Stable Diffusion v1.4 without its files: its published configs, and the headers of its files in
//! f16. They are enough for dry runs. BK-SDM-Tiny is the same with a smaller UNet, and a TAESD may
//! stand beside either.

use super::configs::Configs;
use super::files::{ConfigNames, Files};
use super::part::Part;
use crate::dtype::{FileType, WeightType};
use crate::error::Result;
use crate::gpu::Gpu;
use crate::models::clip::{TextConfig, TextEncoder};
use crate::models::sd_v1_4;
use crate::models::taesd::{TaesdConfig, TaesdDecoder};
use crate::models::unet::{Unet, UnetConfig};
use crate::models::vae::{Encoder, VaeConfig, VaeDecoder};
use crate::nn::Scope;
use crate::weights::{Archive, Taesd};
use std::rc::Rc;
use std::sync::Arc;

impl Files {
    /// The files of v1.4 as published, without any weights: for dry runs.
    ///
    /// # Errors
    /// Never, because the configs are built in; it returns `Result` because the functions that read
    /// them do.
    pub fn v1_4() -> Result<Files> {
        Files::published(sd_v1_4::UNET)
    }

    /// The files of BK-SDM-Tiny (nota-ai/bk-sdm-tiny) in the same way: v1.4's with another UNet.
    ///
    /// # Errors
    /// Never, as [`Files::v1_4`].
    pub fn bk_sdm_tiny() -> Result<Files> {
        Files::published(sd_v1_4::BK_SDM_TINY_UNET)
    }

    /// v1.4 with the UNet of this config.
    fn published(unet_json: &str) -> Result<Files> {
        let configs = Configs {
            scheduler: sd_v1_4::SCHEDULER.into(),
            text_encoder: sd_v1_4::TEXT_ENCODER.into(),
            unet: unet_json.into(),
            vae: sd_v1_4::VAE.into(),
        };
        let text_encoder = header("text_encoder", |scope| {
            TextEncoder::new(scope, &TextConfig::parse("text_encoder", sd_v1_4::TEXT_ENCODER)?)?;
            Ok(())
        })?;
        let unet = header("unet", |scope| {
            Unet::new(scope, &UnetConfig::parse("unet", unet_json)?)?;
            Ok(())
        })?;
        let vae = header("vae", |scope| {
            let config = VaeConfig::parse("vae", sd_v1_4::VAE)?;
            VaeDecoder::new(scope, &config)?;
            Encoder::new(scope, &config)?;
            Ok(())
        })?;
        let parts = [(Part::TextEncoder, text_encoder), (Part::Unet, unet), (Part::Vae, vae)];
        Files::new(configs, parts.into_iter().collect(), &ConfigNames::of(None))
    }
}

/// The decoder of a TAESD of the published sizes, without its numbers: for dry runs.
///
/// # Errors
/// Never, as [`Files::v1_4`].
pub(in crate::pipeline) fn published_taesd() -> Result<Arc<Taesd>> {
    let decoder = header("taesd", |scope| {
        TaesdDecoder::new(scope, &TaesdConfig::parse("taesd", "{}")?)?;
        Ok(())
    })?;
    Ok(Arc::new(Taesd::without_numbers("taesd", Archive::clone(&decoder))))
}

/// The header of a file with all tensors that `build` asks a scope for, in f16.
///
/// # Errors
/// Those of `build`.
fn header(file: &str, build: impl FnOnce(&Scope) -> Result<()>) -> Result<Rc<Archive>> {
    let scope = Scope::without_file(&Gpu::dry(false), WeightType::F16);
    build(&scope)?;
    Ok(Rc::new(Archive::of_shapes(file, FileType::F16, scope.catalogue().tensors)))
}
