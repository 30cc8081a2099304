//! A TAESD beside a model: whether it fits, and what is recorded of it for pictures.

use super::files::Files;
use crate::error::{Result, bad_file, unfit};
use crate::gpu::Gpu;
use crate::models::taesd::{TaesdConfig, TaesdDecoder, TaesdEncoder};
use crate::nn::Scope;
use crate::pipeline::control::{Control, Progress};
use crate::weights::{Taesd, TaesdHalf};
use serde::Serialize;
use std::rc::Rc;
use std::sync::Arc;

/// Who decodes pictures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DecoderChoice {
    /// The model's VAE.
    Vae,
    /// The TAESD; it also encodes the picture that a run begins with, if it has an encoder.
    Taesd,
    /// The VAE; the TAESD where no plan with the VAE keeps the memory that may be taken.
    #[default]
    Auto,
}

/// A TAESD and what it is for. Previews are decoded by it in any case.
#[derive(Debug, Clone)]
pub struct BesideVae {
    /// The file.
    pub taesd: Arc<Taesd>,
    /// Who decodes finished pictures.
    pub decoder: DecoderChoice,
}

/// What decoded a picture instead of the model's VAE.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DecoderRecord {
    /// `taesd`.
    pub kind: &'static str,
    /// The name of its file or folder.
    pub name: String,
    /// SHA-256 of the file with the decoder.
    pub sha256: String,
    /// Whether its encoder encoded the picture that the run began with.
    pub encoder: bool,
}

impl DecoderRecord {
    /// Of a picture that this TAESD decoded.
    pub(in crate::pipeline) fn of(beside: &BesideVae, encoder: bool) -> DecoderRecord {
        let (name, sha256) = (beside.taesd.name().to_owned(), beside.taesd.sha256().to_owned());
        DecoderRecord { kind: "taesd", name, sha256, encoder }
    }
}

/// Checks that a TAESD, if there is one, is for the latents of this model. One for SDXL, which only
/// its name tells, is reported in a notice.
///
/// # Errors
/// [`Unfit`](crate::Error::Unfit) for one of another kind of model;
/// [`BadFile`](crate::Error::BadFile) for one whose halves differ; tensors that are missing or of
/// another shape.
pub(in crate::pipeline) fn check_taesd(
    files: &Files,
    beside: Option<&BesideVae>,
    control: &Control,
) -> Result<()> {
    let Some(BesideVae { taesd, .. }) = beside else { return Ok(()) };
    let config = TaesdConfig::of(taesd)?;
    let channels = files.vae.latent_channels;
    if config.latent_channels != channels {
        let found = config.latent_channels;
        let whose = if found == 16 { ", as Stable Diffusion 3 and Flux have them" } else { "" };
        let reason = format!(
            "it is a TAESD for latents of {found} channels{whose}; this model's have {channels}"
        );
        return Err(unfit(taesd.file(), reason));
    }
    let (factor, found) = (files.vae.factor(), config.factor());
    if found != factor {
        let reason = format!(
            "it is a TAESD whose pictures are {found} times as wide as its latents; those of this \
             model are {factor} times as wide"
        );
        return Err(unfit(taesd.file(), reason));
    }
    let levels = config.decoder.blocks.len();
    if let Some(encoder) = config.encoder.as_ref().filter(|e| e.blocks.len() != levels) {
        let reason = format!(
            "its encoder has {} levels and its decoder {levels}, so they do not belong together",
            encoder.blocks.len()
        );
        return Err(bad_file(taesd.file(), reason));
    }
    let gpu = Gpu::dry(false);
    let scope = |half: &TaesdHalf| Scope::open(&gpu, Rc::new(half.archive().clone()), None);
    TaesdDecoder::new(&scope(taesd.decoder()), &config)?;
    if let Some(half) = taesd.encoder() {
        TaesdEncoder::new(&scope(half), &config)?;
    }
    if taesd.is_xl() {
        let text = format!(
            "{} is a TAESD for SDXL by its name, whose latents are others: its pictures of this \
             model have wrong colours.",
            taesd.file()
        );
        control.report(Progress::Notice { text });
    }
    Ok(())
}
