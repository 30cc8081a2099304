//! The safety checker's network on candle-nn: CLIP's vision tower and its projection.

use super::CHECKED;
use super::encoder::Encoder;
use super::weights::Weights;
use crate::models::clip::VisionConfig;
use crate::models::safety::{CONCEPTS, Concepts, SPECIAL_CARE, SafetyConfig};
use candle_core::{Device, Result, Tensor};
use candle_nn::{
    Conv2d, Conv2dConfig, LayerNorm, Linear, Module, VarBuilder, conv2d_no_bias, layer_norm,
    linear_no_bias,
};

/// diffusers: `StableDiffusionSafetyChecker`.
pub struct SafetyNetwork {
    class_embedding: Tensor,
    patch_embedding: Conv2d,
    position_embedding: Tensor,
    pre_layrnorm: LayerNorm,
    encoder: Encoder,
    post_layernorm: LayerNorm,
    visual_projection: Linear,
    image_size: usize,
}

impl SafetyNetwork {
    /// The network, and the concepts that pictures are compared with.
    ///
    /// # Errors
    /// [`Error::BadFile`](crate::Error::BadFile) for weights that do not fit the config.
    pub fn load(
        weights: Weights,
        config: &SafetyConfig,
    ) -> crate::Result<(SafetyNetwork, Concepts)> {
        weights.build(|vars| {
            let concepts = concepts(&vars, config.projection_dim)?;
            Ok((SafetyNetwork::new(&vars, config)?, concepts))
        })
    }

    fn new(vars: &VarBuilder, config: &SafetyConfig) -> Result<SafetyNetwork> {
        let VisionConfig { image_size, patch_size, encoder } = &config.vision;
        let (c, eps) = (encoder.hidden_size, f64::from(encoder.layer_norm_eps));
        let prefixed = vars.contains_tensor("vision_model.vision_model.post_layernorm.weight");
        let tower = vars.pp("vision_model");
        let tower = if prefixed { tower.pp("vision_model") } else { tower };
        let embeddings = tower.pp("embeddings");
        let window = Conv2dConfig { stride: *patch_size, ..Default::default() };
        let (patch, picture) = (embeddings.pp("patch_embedding"), VisionConfig::PICTURE);
        let positions = config.vision.positions();
        Ok(SafetyNetwork {
            class_embedding: embeddings.get(c, "class_embedding")?,
            patch_embedding: conv2d_no_bias(picture, c, *patch_size, window, patch)?,
            position_embedding: embeddings.get((positions, c), "position_embedding.weight")?,
            pre_layrnorm: layer_norm(c, eps, tower.pp("pre_layrnorm"))?,
            encoder: Encoder::new(&tower.pp("encoder"), encoder)?,
            post_layernorm: layer_norm(c, eps, tower.pp("post_layernorm"))?,
            visual_projection: linear_no_bias(
                c,
                config.projection_dim,
                vars.pp("visual_projection"),
            )?,
            image_size: *image_size,
        })
    }

    /// A picture `[3, s, s]`, as the image processor makes it → its embedding `[d]`.
    pub fn image_embeds(&self, planes: &[f32]) -> Vec<f32> {
        self.forward(planes).expect(CHECKED)
    }

    fn forward(&self, planes: &[f32]) -> Result<Vec<f32>> {
        let shape = (1, VisionConfig::PICTURE, self.image_size, self.image_size);
        let picture = Tensor::from_slice(planes, shape, &Device::Cpu)?;
        // [1, c, h, w] → [1, h·w, c]
        let patches = self.patch_embedding.forward(&picture)?.flatten_from(2)?.transpose(1, 2)?;
        let class = self.class_embedding.reshape((1, 1, ()))?;
        let x = Tensor::cat(&[&class, &patches.contiguous()?], 1)?;
        let x = x.broadcast_add(&self.position_embedding)?;
        let x = self.encoder.forward(self.pre_layrnorm.forward(&x)?, None, 0)?;
        let vector = self.post_layernorm.forward(&x.narrow(1, 0, 1)?.squeeze(1)?.contiguous()?)?;
        self.visual_projection.forward(&vector)?.squeeze(0)?.to_vec1()
    }
}

/// The concepts that pictures are compared with, from the same file.
fn concepts(vars: &VarBuilder, d: usize) -> Result<Concepts> {
    let matrix = |rows: usize, name: &str| vars.get((rows, d), name)?.flatten_all()?.to_vec1();
    let vector = |rows: usize, name: &str| vars.get(rows, name)?.to_vec1();
    Ok(Concepts {
        concept_embeds: matrix(CONCEPTS, "concept_embeds")?,
        concept_embeds_weights: vector(CONCEPTS, "concept_embeds_weights")?,
        special_care_embeds: matrix(SPECIAL_CARE, "special_care_embeds")?,
        special_care_embeds_weights: vector(SPECIAL_CARE, "special_care_embeds_weights")?,
    })
}
