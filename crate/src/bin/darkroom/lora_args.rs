//! LoRAs on the command line.

use clap::Args;
use darkroom::pipeline::Weighted;
use darkroom::weights::{FileSource, Lora};
use darkroom::{Error, Result};
use std::path::PathBuf;

/// Files that change the model while it is loaded.
#[derive(Debug, Args)]
pub(crate) struct LoraArgs {
    /// A LoRA (kohya, diffusers, PEFT, LyCORIS), and how much of it: style.safetensors:0.8. Without
    /// a weight 1; negative turns it around; 0 uses it only where a prompt has <lora:style:0.8> and
    /// --prompt-syntax a1111 is given. May be given several times.
    #[arg(long = "lora", value_name = "FILE[:WEIGHT]", value_parser = parse)]
    loras: Vec<(PathBuf, f32)>,
    /// LoRAs change the UNet alone.
    #[arg(long, requires = "loras")]
    no_lora_text_encoder: bool,
}

impl LoraArgs {
    /// Reads the files.
    ///
    /// # Errors
    /// Files that are missing, damaged, or no LoRAs for Stable Diffusion 1.
    pub(crate) async fn open(&self) -> Result<Vec<Weighted>> {
        let mut opened = Vec::new();
        for (path, weight) in &self.loras {
            let shown = path.display().to_string();
            let name = path.file_name().and_then(|name| name.to_str());
            let name = name.ok_or_else(|| Error::NotFound {
                path: shown,
                reason: "it names no file".into(),
            })?;
            let folder = path.parent().unwrap_or(path);
            let lora = Lora::open(&FileSource::new(folder), name).await?;
            let plain = Weighted::new(lora, *weight);
            opened.push(match self.no_lora_text_encoder {
                true => Weighted { text_encoder_weight: 0.0, ..plain },
                false => plain,
            });
        }
        Ok(opened)
    }
}

/// Parses `FILE` or `FILE:WEIGHT`; a colon without a number after it is part of the name.
fn parse(text: &str) -> Result<(PathBuf, f32), String> {
    let split = text.rsplit_once(':').map(|(file, weight)| (file, weight.parse::<f32>()));
    match split {
        Some((file, Ok(weight))) if weight.is_finite() && !file.is_empty() => {
            Ok((file.into(), weight))
        }
        Some((_, Ok(_))) => Err("the weight must be a number".into()),
        _ => Ok((text.into(), 1.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_weight_follows_the_last_colon() {
        assert_eq!(parse("a.safetensors"), Ok(("a.safetensors".into(), 1.0)));
        assert_eq!(parse("a.safetensors:-0.5"), Ok(("a.safetensors".into(), -0.5)));
        assert_eq!(parse(r"C:\loras\a.pt"), Ok((r"C:\loras\a.pt".into(), 1.0)));
        assert!(parse("a:inf").is_err());
    }
}
