//! Tier 7: how well pictures fit their prompts, by a CLIP model that the user brings: the folder
//! of a `CLIPModel` as transformers writes it.
//!
//! ```text
//! config.json  model.safetensors  preprocessor_config.json  vocab.json  merges.txt
//! ```
//!
//! Not part of a run and not needed for any picture. The tokenizer may also be where a model of
//! pictures has it, under `tokenizer/`: it is the same one.

use crate::dtype::Precision;
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::image::Rgba;
use crate::models::clip::{ClipConfig, ClipModel, ImageProcessor, cosine};
use crate::nn::Scope;
use crate::pipeline::{Control, Pending, Place, VOCABULARY_BYTES_MAX, text, weights};
use crate::tensor::Tensor;
use crate::text::Tokenizer;
use crate::weights::{Source, read_all};

const CONFIG: &str = "config.json";
const PROCESSOR: &str = "preprocessor_config.json";
const PART: &str = "clip";

/// A CLIP model on the GPU, ready to judge.
pub struct ClipScore {
    gpu: Gpu,
    tokenizer: Tokenizer,
    processor: ImageProcessor,
    model: ClipModel,
}

impl ClipScore {
    /// Reads a model; its weights stay f32 or f16, as they come.
    ///
    /// # Errors
    /// Files that are missing, damaged, not supported, or contradict one another; a cancel; the
    /// device's faults.
    pub async fn open(gpu: &Gpu, source: &dyn Source, control: &Control) -> Result<ClipScore> {
        let config = ClipConfig::parse(CONFIG, &text(source, CONFIG).await?)?;
        let processor = ImageProcessor::parse(PROCESSOR, &text(source, PROCESSOR).await?)?;
        let (made, wanted) = (processor.output_size(), config.vision.image_size);
        if made != wanted {
            let reason = format!("is {made}, but the model looks at {wanted} pixels");
            return Err(Error::Config {
                file: PROCESSOR.into(),
                field: "crop_size".into(),
                reason,
            });
        }
        let tokenizer = tokenizer(source, &config).await?;
        let archive = weights(source, "", "model").await?;
        let build = |scope: &Scope| ClipModel::new(scope, &config);
        let pending = Pending::new(gpu, PART, &archive, None, build)?;
        let model = pending.load_alone(&Place { gpu, source, control }).await?;
        Ok(ClipScore { gpu: gpu.clone(), tokenizer, processor, model })
    }

    /// How well a picture fits a prompt: 100 times the cosine, at least 0. What does not fit into
    /// 77 tokens is cut off.
    ///
    /// # Errors
    /// [`Error::BadFile`] when the weights give no numbers; the device's faults.
    pub async fn score(&self, prompt: &str, picture: &Rgba) -> Result<f64> {
        let side = self.processor.output_size();
        let pixels = self.processor.pixels(picture);
        let input = Tensor::from_f32(&self.gpu, &pixels, [1, side, side, 4], Precision::F32);
        let image_embeds = self.model.image_embeds(&input).to_f32().await?;
        let tokens = self.tokenizer.encode(prompt)?;
        let text_embeds = self.model.text_embeds(&tokens.ids).to_f32().await?;
        self.gpu.trim();
        // `used` counts the start, the text and the end.
        let end = (tokens.used - 1) * image_embeds.len();
        let text_embeds = &text_embeds[end..end + image_embeds.len()];
        let score = 100.0 * cosine(&image_embeds, text_embeds);
        if score.is_nan() {
            let reason = "its weights give values that are not numbers".into();
            return Err(Error::BadFile { file: "the CLIP model".into(), reason });
        }
        Ok(score.max(0.0))
    }
}

/// CLIP's tokenizer, beside the config or in a folder of its own.
async fn tokenizer(source: &dyn Source, config: &ClipConfig) -> Result<Tokenizer> {
    let read = |path| read_all(source, path, VOCABULARY_BYTES_MAX);
    let (vocab, merges) = match read("vocab.json").await {
        Ok(vocab) => (vocab, read("merges.txt").await?),
        Err(Error::NotFound { .. }) => {
            (read("tokenizer/vocab.json").await?, read("tokenizer/merges.txt").await?)
        }
        Err(error) => return Err(error),
    };
    let tokenizer =
        Tokenizer::new(&vocab, &merges)?.with_length(config.text.max_position_embeddings)?;
    tokenizer.check_vocabulary(config.text.vocab_size, CONFIG, "text_config.vocab_size")?;
    Ok(tokenizer)
}
