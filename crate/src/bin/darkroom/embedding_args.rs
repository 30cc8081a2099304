//! Textual inversions on the command line.

use clap::Args;
use darkroom::pipeline::NamedEmbedding;
use darkroom::weights::{Embedding, FileSource};
use darkroom::{Error, Result};
use std::path::PathBuf;

/// The ends of names of files, which are no tokens.
const ENDINGS: [&str; 3] = [".pt", ".bin", ".safetensors"];

/// Files whose words prompts may use.
#[derive(Debug, Args)]
pub(crate) struct EmbeddingArgs {
    /// A textual inversion (AUTOMATIC1111, diffusers, kohya), and the word that prompts call it by:
    /// easynegative.pt, or learned_embeds.bin:<cat-toy>. Without a word the file's name without
    /// extension, and the token that diffusers' files have. May be given several times.
    #[arg(long = "embedding", value_name = "FILE[:TOKEN]", value_parser = parse)]
    embeddings: Vec<(PathBuf, Option<String>)>,
}

impl EmbeddingArgs {
    /// Reads the files.
    ///
    /// # Errors
    /// Files that are missing, damaged, or no textual inversions.
    pub(crate) async fn open(&self) -> Result<Vec<NamedEmbedding>> {
        let mut opened = Vec::new();
        for (path, token) in &self.embeddings {
            let name = path.file_name().and_then(|name| name.to_str());
            let name = name.ok_or_else(|| Error::NotFound {
                path: path.display().to_string(),
                reason: "it names no file".into(),
            })?;
            let folder = path.parent().unwrap_or(path);
            let embedding = Embedding::open(&FileSource::new(folder), name).await?;
            opened.push(NamedEmbedding { embedding, token: token.clone() });
        }
        Ok(opened)
    }
}

/// Parses `FILE` or `FILE:TOKEN`. A colon in a folder's name, or before the end of a file's name,
/// is part of the name.
fn parse(text: &str) -> Result<(PathBuf, Option<String>), String> {
    let is_token = |token: &str| {
        let is_file = ENDINGS.iter().any(|ending| token.to_ascii_lowercase().ends_with(ending));
        !is_file && !token.contains(['/', '\\'])
    };
    match text.rsplit_once(':') {
        Some((_, token)) if token.trim().is_empty() => Err("the token is missing".into()),
        Some((file, token)) if is_token(token) && !file.is_empty() => {
            Ok((file.into(), Some(token.to_owned())))
        }
        _ => Ok((text.into(), None)),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_token_follows_the_last_colon() {
        let with = |file: &str, token: &str| Ok((file.into(), Some(token.to_owned())));
        assert_eq!(parse("a.pt"), Ok(("a.pt".into(), None)));
        assert_eq!(parse("a.pt:<cat-toy>"), with("a.pt", "<cat-toy>"));
        assert_eq!(parse(r"C:\words\a.pt"), Ok((r"C:\words\a.pt".into(), None)));
        assert_eq!(parse(r"C:\words\a.pt:b"), with(r"C:\words\a.pt", "b"));
        assert_eq!(parse("a style: v2.pt"), Ok(("a style: v2.pt".into(), None)));
        assert!(parse("a.pt:").is_err());
    }
}
