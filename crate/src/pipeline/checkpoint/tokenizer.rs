//! Reads the tokenizer's files in the diffusers layout, and checks that they agree with the text
//! encoder.

use super::layout::{CONFIG_BYTES_MAX, TEXT_ENCODER, VOCABULARY_BYTES_MAX};
use crate::error::{Error, Result};
use crate::models::clip::TextConfig;
use crate::text::Tokenizer;
use crate::weights::{Source, read_all};

/// Reads `tokenizer/` for a text encoder.
///
/// # Errors
/// [`Error::BadFile`], or [`Error::Config`] when the text encoder has fewer tokens.
pub(super) async fn read(source: &dyn Source, config: &TextConfig) -> Result<Tokenizer> {
    let read = |path| read_all(source, path, VOCABULARY_BYTES_MAX);
    let tokenizer = match read("tokenizer/vocab.json").await {
        Ok(vocab) => Tokenizer::new(&vocab, &read("tokenizer/merges.txt").await?)?,
        Err(Error::NotFound { path, reason }) => match read("tokenizer/tokenizer.json").await {
            Ok(json) => Tokenizer::from_tokenizer_json(&json)?,
            Err(Error::NotFound { .. }) => return Err(Error::NotFound { path, reason }),
            Err(error) => return Err(error),
        },
        Err(error) => return Err(error),
    };
    let mut tokenizer = tokenizer.with_length(config.max_position_embeddings)?;
    tokenizer = added_tokens(source, tokenizer).await?;
    for file in ["tokenizer/special_tokens_map.json", "tokenizer/tokenizer_config.json"] {
        match read_all(source, file, CONFIG_BYTES_MAX).await {
            Ok(json) => tokenizer = tokenizer.with_special_tokens(file, &json)?,
            Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    tokenizer.check_vocabulary(config.vocab_size, TEXT_ENCODER, "vocab_size")?;
    Ok(tokenizer)
}

/// Reads the added words of a tokenizer, from `added_tokens.json` or `tokenizer_config.json`.
async fn added_tokens(source: &dyn Source, mut tokenizer: Tokenizer) -> Result<Tokenizer> {
    for file in ["tokenizer/added_tokens.json", "tokenizer/tokenizer_config.json"] {
        match read_all(source, file, VOCABULARY_BYTES_MAX).await {
            Ok(json) => tokenizer = tokenizer.with_added_tokens(file, &json)?,
            Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(tokenizer)
}
