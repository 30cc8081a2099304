//! The whole of CLIP: scores how well a picture fits a text. It is not part of a run.
//!
//! ```text
//! image_embeds = visual_projection(vision_model(picture))                  [1, d]
//! text_embeds  = text_projection(text_model(ids) at the end token)         [d]
//! score        = 100 · max(cos(image_embeds, text_embeds), 0)
//! ```
//!
//! Hessel et al., CLIPScore, 2021, as torchmetrics' `CLIPScore` scales it.

use super::{TextConfig, TextEncoder, VisionConfig, VisionTower};
use crate::dtype::Precision;
use crate::error::Result;
use crate::models::fields::Fields;
use crate::nn::{Linear, Scope};
use crate::tensor::Tensor;

/// The sizes of both towers. transformers: `CLIPConfig`.
#[derive(Debug, Clone, PartialEq)]
pub struct ClipConfig {
    /// The text encoder's.
    pub text: TextConfig,
    /// The vision tower's.
    pub vision: VisionConfig,
    /// Values of an embedding.
    pub projection_dim: usize,
}

impl ClipConfig {
    /// Reads `json`, the text of `file`.
    ///
    /// # Errors
    /// [`BadFile`](crate::Error::BadFile), [`Config`](crate::Error::Config).
    pub fn parse(file: &str, json: &str) -> Result<ClipConfig> {
        let fields = Fields::parse(file, json)?;
        fields.only("model_type", &["clip".into()])?;
        Ok(ClipConfig {
            text: TextConfig::read(&fields.object("text_config")?)?,
            vision: VisionConfig::read(&fields.object("vision_config")?)?,
            projection_dim: fields.channels("projection_dim", 512)?,
        })
    }
}

/// Both towers and their projections. transformers: `CLIPModel`.
pub struct ClipModel {
    text_model: TextEncoder,
    text_projection: Linear,
    vision_model: VisionTower,
    visual_projection: Linear,
}

impl ClipModel {
    /// From the root of the checkpoint.
    ///
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub fn new(scope: &Scope, config: &ClipConfig) -> Result<ClipModel> {
        let [text, vision] =
            [&config.text.encoder, &config.vision.encoder].map(|tower| tower.hidden_size);
        let projection = |name, c| Linear::without_bias(&scope.at(name), c, config.projection_dim);
        Ok(ClipModel {
            text_model: TextEncoder::new(scope, &config.text)?,
            text_projection: projection("text_projection", text)?,
            vision_model: VisionTower::new(scope, &config.vision)?,
            visual_projection: projection("visual_projection", vision)?,
        })
    }

    /// `ids`, a text of 77 tokens → `[77, d]`; the row of the end token is the embedding of the
    /// text.
    ///
    /// # Panics
    /// As [`TextEncoder::forward`].
    pub fn text_embeds(&self, ids: &[u32]) -> Tensor {
        self.text_projection.forward(&self.text_model.forward(ids, Precision::F32))
    }

    /// `picture` `[1, s, s, 4]`, f32, as the image processor makes it → `[1, d]`.
    pub fn image_embeds(&self, picture: &Tensor) -> Tensor {
        self.visual_projection.forward(&self.vision_model.forward(picture))
    }
}

/// The cosine of the angle between two embeddings.
pub fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
    };
    // The smallest divisor of torch's normalize().
    let norm = |a: &[f32]| dot(a, a).sqrt().max(1e-12);
    dot(a, b) / norm(a) / norm(b)
}
