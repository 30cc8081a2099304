//! The configs of CLIP's towers, as transformers writes them: `text_encoder/config.json`, and the
//! object `vision_config` of `safety_checker/config.json`.

use serde_json::json;

use crate::activation::Activation;
use crate::error::Result;
use crate::models::fields::Fields;

/// The sizes of the transformer of either tower.
#[derive(Debug, Clone, PartialEq)]
pub struct EncoderConfig {
    /// Channels of a token.
    pub hidden_size: usize,
    /// Channels inside a layer's feed-forward.
    pub intermediate_size: usize,
    /// Layers.
    pub num_hidden_layers: usize,
    /// Heads of a layer's attention.
    pub num_attention_heads: usize,
    /// The feed-forward's function.
    pub hidden_act: Activation,
    /// ε of all norms of the tower.
    pub layer_norm_eps: f32,
}

/// The sizes of a text encoder. transformers: `CLIPTextConfig`.
#[derive(Debug, Clone, PartialEq)]
pub struct TextConfig {
    /// Tokens of the vocabulary.
    pub vocab_size: usize,
    /// Tokens of a prompt, start and end included.
    pub max_position_embeddings: usize,
    /// Its transformer.
    pub encoder: EncoderConfig,
}

/// The sizes of a vision tower. transformers: `CLIPVisionConfig`.
#[derive(Debug, Clone, PartialEq)]
pub struct VisionConfig {
    /// Height and width of the picture.
    pub image_size: usize,
    /// Height and width of a patch, which becomes a token.
    pub patch_size: usize,
    /// Its transformer.
    pub encoder: EncoderConfig,
}

impl TextConfig {
    /// Reads `json`, the text of `file`.
    ///
    /// # Errors
    /// [`BadFile`](crate::Error::BadFile), [`Config`](crate::Error::Config).
    pub fn parse(file: &str, json: &str) -> Result<TextConfig> {
        TextConfig::read(&Fields::parse(file, json)?)
    }

    /// From the fields of a text encoder.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) for a field that does not fit, or is not supported.
    pub(super) fn read(fields: &Fields) -> Result<TextConfig> {
        fields.only("model_type", &[json!("clip_text_model")])?;
        Ok(TextConfig {
            vocab_size: fields.size("vocab_size", 49408)?,
            max_position_embeddings: fields.size("max_position_embeddings", 77)?,
            encoder: EncoderConfig::read(fields, [512, 2048, 12, 8])?,
        })
    }
}

impl VisionConfig {
    /// Channels of a picture.
    pub const PICTURE: usize = 3;

    /// From the fields of a vision tower.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) for a field that does not fit, or is not supported.
    pub(in crate::models) fn read(fields: &Fields) -> Result<VisionConfig> {
        fields.only("model_type", &[json!("clip_vision_model")])?;
        fields.only("num_channels", &[json!(Self::PICTURE)])?;
        let image_size = fields.size("image_size", 224)?;
        let patch_size = fields.size("patch_size", 32)?;
        if !image_size.is_multiple_of(patch_size) {
            let reason = format!("is {patch_size}, which does not divide {image_size} pixels");
            return Err(fields.error("patch_size", reason));
        }
        let encoder = EncoderConfig::read(fields, [768, 3072, 12, 12])?;
        Ok(VisionConfig { image_size, patch_size, encoder })
    }

    /// Tokens of a picture: its patches and the class token.
    pub fn positions(&self) -> usize {
        (self.image_size / self.patch_size).pow(2) + 1
    }
}

impl EncoderConfig {
    /// From a tower's fields, with these defaults of hidden size, intermediate size, layers and
    /// heads.
    fn read(fields: &Fields, [hidden, intermediate, layers, heads]: [usize; 4]) -> Result<Self> {
        fields.only("hidden_act", &[json!("quick_gelu"), json!("gelu")])?;
        let hidden_act = match fields.get("hidden_act", "quick_gelu".to_string())?.as_str() {
            "gelu" => Activation::Gelu,
            _ => Activation::QuickGelu,
        };
        let hidden_size = fields.channels("hidden_size", hidden)?;
        let num_attention_heads = fields.size("num_attention_heads", heads)?;
        fields.heads("num_attention_heads", num_attention_heads, hidden_size)?;
        Ok(EncoderConfig {
            hidden_size,
            intermediate_size: fields.channels("intermediate_size", intermediate)?,
            num_hidden_layers: fields.count("num_hidden_layers", layers)?,
            num_attention_heads,
            hidden_act,
            layer_norm_eps: fields.epsilon("layer_norm_eps", 1e-5)?,
        })
    }
}
