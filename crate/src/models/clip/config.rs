//! `text_encoder/config.json`, as transformers writes it.

use serde_json::json;

use crate::error::Result;
use crate::models::fields::Fields;
use crate::ops::Activation;

/// The sizes of a text encoder. transformers: `CLIPTextConfig`.
#[derive(Debug, Clone, PartialEq)]
pub struct TextConfig {
    /// Tokens known.
    pub vocab_size: usize,
    /// Tokens of a prompt, start and end included.
    pub max_position_embeddings: usize,
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
    /// ε of every norm.
    pub layer_norm_eps: f32,
}

impl TextConfig {
    /// Reads `json`, the text of `file`.
    ///
    /// # Errors
    /// [`BadFile`](crate::Error::BadFile), [`Config`](crate::Error::Config).
    pub fn parse(file: &str, json: &str) -> Result<TextConfig> {
        let fields = Fields::parse(file, json)?;
        fields.only("model_type", &[json!("clip_text_model")])?;
        fields.only("hidden_act", &[json!("quick_gelu"), json!("gelu")])?;
        let hidden_act = match fields.get("hidden_act", "quick_gelu".to_string())?.as_str() {
            "gelu" => Activation::Gelu,
            _ => Activation::QuickGelu,
        };
        let hidden_size = fields.channels("hidden_size", 512)?;
        let num_attention_heads = fields.size("num_attention_heads", 8)?;
        fields.heads("num_attention_heads", num_attention_heads, hidden_size)?;
        Ok(TextConfig {
            vocab_size: fields.size("vocab_size", 49408)?,
            max_position_embeddings: fields.size("max_position_embeddings", 77)?,
            hidden_size,
            intermediate_size: fields.channels("intermediate_size", 2048)?,
            num_hidden_layers: fields.count("num_hidden_layers", 12)?,
            num_attention_heads,
            hidden_act,
            layer_norm_eps: fields.epsilon("layer_norm_eps", 1e-5)?,
        })
    }
}
