//! The vision tower: turns a picture into one vector. Its tokens are patches of the picture.
//!
//! ```text
//! patches   = conv(picture), kernel and stride p                [s/p · s/p, c]
//! x         = [class_embedding; patches] + position_embedding   [s/p · s/p + 1, c]
//! x         = encoder(pre_layrnorm(x))                          without a mask
//! vector    = post_layernorm(x of the class token)              [c]
//! ```

use super::config::VisionConfig;
use super::encoder::Encoder;
use crate::error::Result;
use crate::nn::{Conv2d, LayerNorm, Scope};
use crate::ops::{Mask, Term};
use crate::tensor::Tensor;

/// CLIP's vision transformer. transformers: `CLIPVisionModel`.
pub struct VisionTower {
    class_embedding: Tensor,
    patch_embedding: Conv2d,
    position_embedding: Tensor,
    /// Spelled like this in every checkpoint.
    pre_layrnorm: LayerNorm,
    encoder: Encoder,
    post_layernorm: LayerNorm,
    config: VisionConfig,
}

impl VisionTower {
    /// From the scope of a `CLIPVisionModel`. As in the text encoder, names may or may not begin
    /// with `vision_model`.
    ///
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub fn new(scope: &Scope, config: &VisionConfig) -> Result<VisionTower> {
        let prefixed = scope.at("vision_model");
        let bare = scope.at("post_layernorm").has("weight");
        let scope =
            if bare && !prefixed.at("post_layernorm").has("weight") { scope } else { &prefixed };
        let (c, eps) = (config.encoder.hidden_size, config.encoder.layer_norm_eps);
        let embeddings = scope.at("embeddings");
        let (patch, picture) = (embeddings.at("patch_embedding"), VisionConfig::PICTURE);
        let positions = embeddings.at("position_embedding");
        Ok(VisionTower {
            class_embedding: embeddings.vector("class_embedding", c)?,
            patch_embedding: Conv2d::patches(&patch, picture, c, config.patch_size)?,
            position_embedding: positions.positions("weight", config.positions(), c)?,
            pre_layrnorm: LayerNorm::new(&scope.at("pre_layrnorm"), c, eps)?,
            encoder: Encoder::new(&scope.at("encoder"), &config.encoder)?,
            post_layernorm: LayerNorm::new(&scope.at("post_layernorm"), c, eps)?,
            config: config.clone(),
        })
    }

    /// `picture` `[1, s, s, 4]`, f32, s the config's `image_size` → `[1, c]`. transformers:
    /// `pooler_output`.
    ///
    /// # Panics
    /// When the picture has another size.
    pub fn forward(&self, picture: &Tensor) -> Tensor {
        let (side, c) = (self.config.image_size, self.config.encoder.hidden_size);
        assert_eq!(picture.shape().image()[..3], [1, side, side], "a picture for the vision tower");
        let tokens = self.config.positions();
        let patches = self.patch_embedding.forward(picture);
        // In memory, putting the class token before the patches is a concatenation of two long
        // rows.
        let class = self.class_embedding.reshape([1, c]);
        let x = class.concat(&patches.reshape([1, (tokens - 1) * c])).reshape([1, tokens, c]);
        let x = x.add(&self.position_embedding.reshape([1, tokens, c]));
        let x = self.encoder.forward(self.pre_layrnorm.forward(&x), Mask::None, 0);
        let tokens = x.reshape([tokens, c]);
        let class = Tensor::combine(1, picture.precision(), &[Term::new(1.0, &tokens)]);
        self.post_layernorm.forward(&class)
    }
}
