//! Arguments of several commands: a model, and a float type of a file.

use crate::tokenizer;
use clap::ValueEnum;
use darkroom::dtype::FileType;
use darkroom::weights::{FileSource, PREDICTIONS, WithPrediction};
use std::path::PathBuf;

/// A model on the command line: a folder in the diffusers layout, or a single checkpoint file.
#[derive(Debug, clap::Args)]
pub(crate) struct ModelArgs {
    /// A folder in the diffusers layout (model_index.json, unet/, vae/, …), or a checkpoint in one
    /// file: .safetensors, .ckpt or .gguf.
    #[arg(long, value_name = "PATH")]
    pub model: PathBuf,
    /// Where vocab.json and merges.txt are; when left out, in the model's folder tokenizer/, or for
    /// a checkpoint that has none beside it, in this program.
    #[arg(long, value_name = "DIR")]
    pub tokenizer: Option<PathBuf>,
    /// What the model's UNet was trained to predict, where the file does not say it: epsilon, the
    /// noise, or v_prediction. Told wrongly, pictures are noise.
    #[arg(long, value_name = "KIND", value_parser = PREDICTIONS)]
    pub prediction: Option<String>,
}

impl ModelArgs {
    /// The source of its files.
    pub(crate) fn source(&self) -> WithPrediction<FileSource> {
        WithPrediction { source: self.files(), prediction: self.prediction.clone() }
    }

    fn files(&self) -> FileSource {
        let source = FileSource::open(&self.model);
        if let Some(tokenizer) = &self.tokenizer {
            return source.with_tokenizer(tokenizer);
        }
        let beside = self.model.with_file_name("tokenizer");
        if self.model.is_file() && !beside.join("vocab.json").is_file() {
            return source.with_embedded_tokenizer(tokenizer::FILES);
        }
        source
    }
}

/// A float type of a file.
#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
pub enum Float {
    F32,
    F16,
}

impl From<Float> for FileType {
    fn from(float: Float) -> Self {
        match float {
            Float::F32 => FileType::F32,
            Float::F16 => FileType::F16,
        }
    }
}
