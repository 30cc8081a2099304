//! Parts of other models on the command line.

use clap::Args;
use darkroom::pipeline::Part;
use darkroom::weights::{FileSource, Replacement, Source, WithParts};
use std::path::PathBuf;
use std::rc::Rc;

/// Where parts are taken from that are not the model's own.
#[derive(Debug, Args)]
pub(crate) struct PartArgs {
    /// Take the UNet from here: a folder with config.json and weights, a model's folder, or a file
    /// (.safetensors, .ckpt, .bin, .gguf) of a UNet alone or of a whole checkpoint.
    #[arg(long, value_name = "PATH")]
    unet: Option<PathBuf>,
    /// The same for the VAE.
    #[arg(long, value_name = "PATH")]
    vae: Option<PathBuf>,
    /// The same for the text encoder.
    #[arg(long, value_name = "PATH")]
    text_encoder: Option<PathBuf>,
}

impl PartArgs {
    /// The model's files, with these parts instead of its own.
    pub(crate) fn with<S: Source>(&self, source: S) -> WithParts<S> {
        let given = [
            (Part::Unet, &self.unet),
            (Part::Vae, &self.vae),
            (Part::TextEncoder, &self.text_encoder),
        ];
        let parts = given.into_iter().filter_map(|(part, path)| {
            let path = path.as_ref()?;
            let files = Rc::new(FileSource::open(path));
            Some(Replacement::new(part.name(), files, &path.display().to_string()))
        });
        WithParts { source, parts: parts.collect() }
    }
}
