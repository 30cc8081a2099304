//! A TAESD on the command line.

use clap::{Args, ValueEnum};
use darkroom::pipeline::{BesideVae, DecoderChoice};
use darkroom::weights::{FileSource, Taesd};
use darkroom::{Error, Result};
use std::path::PathBuf;

/// A small stand-in for the VAE.
#[derive(Debug, Args)]
pub(crate) struct TaesdArgs {
    /// A TAESD, a small stand-in for the VAE: a folder of diffusers or of madebyollin/taesd, or the
    /// file with its decoder.
    #[arg(long, value_name = "PATH")]
    taesd: Option<PathBuf>,
    /// Who decodes pictures: the model's VAE, the TAESD, or (auto) the TAESD where memory is too
    /// short for the VAE.
    #[arg(long, value_enum, default_value = "auto", requires = "taesd")]
    decoder: Decoder,
}

/// Who decodes pictures.
#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
enum Decoder {
    Vae,
    Taesd,
    Auto,
}

impl TaesdArgs {
    /// Reads the files.
    ///
    /// # Errors
    /// Files that are missing, damaged, or no TAESD.
    pub(crate) async fn open(&self) -> Result<Option<BesideVae>> {
        let Some(path) = &self.taesd else { return Ok(None) };
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| Error::NotFound {
            path: path.display().to_string(),
            reason: "it names neither a file nor a folder".into(),
        })?;
        let taesd = if path.is_dir() {
            Taesd::open_folder(&FileSource::new(path), name).await?
        } else {
            Taesd::open(&FileSource::new(path.parent().unwrap_or(path)), name).await?
        };
        let decoder = match self.decoder {
            Decoder::Vae => DecoderChoice::Vae,
            Decoder::Taesd => DecoderChoice::Taesd,
            Decoder::Auto => DecoderChoice::Auto,
        };
        Ok(Some(BesideVae { taesd, decoder }))
    }
}
