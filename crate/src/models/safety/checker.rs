//! The network of the safety checker.

use super::concepts::{CONCEPTS, Concepts, SPECIAL_CARE};
use super::config::SafetyConfig;
use crate::error::Result;
use crate::models::clip::VisionTower;
use crate::nn::{Linear, Numbers, Scope};
use crate::tensor::Tensor;

/// The safety checker's network. diffusers: `StableDiffusionSafetyChecker`.
pub struct SafetyChecker {
    vision_model: VisionTower,
    visual_projection: Linear,
    concept_embeds: Numbers,
    concept_embeds_weights: Numbers,
    special_care_embeds: Numbers,
    special_care_embeds_weights: Numbers,
}

impl SafetyChecker {
    /// From the root of the checkpoint.
    ///
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub fn new(scope: &Scope, config: &SafetyConfig) -> Result<SafetyChecker> {
        let (c, d) = (config.vision.encoder.hidden_size, config.projection_dim);
        Ok(SafetyChecker {
            vision_model: VisionTower::new(&scope.at("vision_model"), &config.vision)?,
            visual_projection: Linear::without_bias(&scope.at("visual_projection"), c, d)?,
            concept_embeds: scope.numbers("concept_embeds", &[CONCEPTS, d])?,
            concept_embeds_weights: scope.numbers("concept_embeds_weights", &[CONCEPTS])?,
            special_care_embeds: scope.numbers("special_care_embeds", &[SPECIAL_CARE, d])?,
            special_care_embeds_weights: scope
                .numbers("special_care_embeds_weights", &[SPECIAL_CARE])?,
        })
    }

    /// `picture` `[1, s, s, 4]`, f32, as the image processor makes it → `[1, d]`.
    pub fn image_embeds(&self, picture: &Tensor) -> Tensor {
        self.visual_projection.forward(&self.vision_model.forward(picture))
    }

    /// The concepts and thresholds; the weights must have been loaded.
    pub fn concepts(&self) -> Concepts {
        Concepts {
            concept_embeds: self.concept_embeds.to_vec(),
            concept_embeds_weights: self.concept_embeds_weights.to_vec(),
            special_care_embeds: self.special_care_embeds.to_vec(),
            special_care_embeds_weights: self.special_care_embeds_weights.to_vec(),
        }
    }
}
