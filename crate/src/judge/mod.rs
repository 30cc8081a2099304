//! Tier 7: CLIP scores: how well pictures fit their prompts, by a CLIP model that the user
//! provides, a folder of a `CLIPModel` as transformers writes it.
//!
//! ```text
//! config.json  model.safetensors  preprocessor_config.json  vocab.json  merges.txt
//! ```
//!
//! It is not part of a run. The tokenizer's files may also be in a folder `tokenizer/`, as in a
//! Stable Diffusion model, whose tokenizer is the same.

use crate::dtype::Precision;
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::image::Rgba;
use crate::models::clip::{ClipConfig, ClipModel, ImageProcessor, cosine};
use crate::nn::Scope;
use crate::pipeline::{Control, LoadTarget, Pending, VOCABULARY_BYTES_MAX, text, weights};
use crate::tensor::Tensor;
use crate::text::Tokenizer;
use crate::weights::{Source, read_all};

const CONFIG: &str = "config.json";
const PROCESSOR: &str = "preprocessor_config.json";
const PART: &str = "clip";

/// A CLIP model on the GPU.
pub struct ClipScore {
    gpu: Gpu,
    tokenizer: Tokenizer,
    processor: ImageProcessor,
    model: ClipModel,
}

impl ClipScore {
    /// Loads a model; its weights stay f32 or f16, as in its files.
    ///
    /// # Errors
    /// Files that are missing, damaged, not supported, or contradict one another; a cancel; those
    /// of the device.
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
        let model = pending.load_alone(&LoadTarget { gpu, source, control }).await?;
        Ok(ClipScore { gpu: gpu.clone(), tokenizer, processor, model })
    }

    /// The CLIP score: 100 times the cosine of the embeddings, at least 0. A prompt is cut off
    /// after 77 tokens.
    ///
    /// # Errors
    /// [`Error::BadFile`] when the weights give NaN or infinity; those of the device.
    pub async fn score(&self, prompt: &str, picture: &Rgba) -> Result<f64> {
        let side = self.processor.output_size();
        let pixels = self.processor.preprocess_nhwc(picture);
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

/// CLIP's tokenizer, from the config's folder or from `tokenizer/`.
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
