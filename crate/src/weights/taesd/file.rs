//! An opened TAESD. Its files are small (10 MB in f32) and held in memory.

use super::names::{self, Half};
use crate::error::{Error, Result, bad_file};
use crate::weights::single_file::identify::instead_of_sd_v1;
use crate::weights::{Archive, MemorySource, Source, check_for_zeros, read_all, sha256};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// The largest file that is read.
const BYTES_MAX: u64 = 64 << 20;
/// The longest config.
const CONFIG_BYTES_MAX: u64 = 1 << 20;
const CONFIG: &str = "config.json";
/// The name of diffusers' file, without ending.
const STEM: &str = "diffusion_pytorch_model";

/// The names of the file with the decoder in a folder, in the order in which they are tried.
const NAMES: [&str; 10] = [
    "diffusion_pytorch_model.safetensors",
    "diffusion_pytorch_model.fp16.safetensors",
    "diffusion_pytorch_model.bin",
    "taesd_decoder.safetensors",
    "taesd_decoder.pth",
    "taesd.safetensors",
    "taesdxl_decoder.safetensors",
    "taesdxl_decoder.pth",
    "taesd3_decoder.safetensors",
    "taef1_decoder.safetensors",
];

/// Of SDXL's latents; ComfyUI's files have it as `vae_scale`.
const SCALE_OF_XL: f32 = 0.13025;

/// An opened TAESD: its decoder, and its encoder where there is one.
pub struct Taesd {
    name: String,
    decoder: TaesdHalf,
    encoder: Option<TaesdHalf>,
    /// The path and the text of its config, where it has one.
    config: Option<(String, String)>,
    sha256: String,
    is_xl: bool,
}

/// One of its networks: a file, and its tensors under diffusers' names.
pub struct TaesdHalf {
    source: MemorySource,
    archive: Archive,
}

impl TaesdHalf {
    /// The file.
    pub fn source(&self) -> &MemorySource {
        &self.source
    }

    /// The tensors: `decoder.layers.…` or `encoder.layers.…`.
    pub fn archive(&self) -> &Archive {
        &self.archive
    }
}

impl fmt::Debug for Taesd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Taesd({}, encoder: {})", self.file(), self.encoder.is_some())
    }
}

impl Taesd {
    /// Reads the file `path`, which has the decoder. The encoder may be in it, or in a file of the
    /// same name beside it, with `encoder` instead of `decoder`; and a `config.json` beside a file
    /// of diffusers.
    ///
    /// # Errors
    /// [`Error::BadFile`] for a file that is damaged or no TAESD; those of the source.
    pub async fn open(source: &dyn Source, path: &str) -> Result<Arc<Taesd>> {
        let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
        let name = file.split_once('.').map_or(file, |(name, _)| name);
        Taesd::open_as(source, path, name).await.map(Arc::new)
    }

    /// Reads the TAESD in the root of `source`, a folder in the layout of diffusers, or with the
    /// files of madebyollin/taesd; `name` is the folder's.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a folder without one; else as [`Taesd::open`].
    pub async fn open_folder(source: &dyn Source, name: &str) -> Result<Arc<Taesd>> {
        for path in NAMES {
            match Taesd::open_as(source, path, name).await {
                Err(Error::NotFound { path: absent, .. }) if absent == path => {}
                other => return other.map(Arc::new),
            }
        }
        let reason =
            format!("there is no TAESD in this folder, such as {} or {}", NAMES[0], NAMES[3]);
        Err(Error::NotFound { path: name.to_owned(), reason })
    }

    async fn open_as(source: &dyn Source, path: &str, name: &str) -> Result<Taesd> {
        let file = MemorySource::new(path, read_all(source, path, BYTES_MAX).await?);
        let archive = Archive::open(&file, path).await?;
        let [decoder, encoder] =
            [Half::Decoder, Half::Encoder].map(|half| names::half(&archive, half));
        let Some(decoder) = decoder else {
            return Err(bad_file(path, instead(&archive, encoder.is_some())));
        };
        check_for_zeros(&file, &decoder).await?;
        let encoder = match encoder {
            Some(archive) => Some(TaesdHalf { source: file.clone(), archive }),
            None => beside(source, path).await?,
        };
        let config = match path.rsplit('/').next().is_some_and(|name| name.starts_with(STEM)) {
            true => config_beside(source, path).await?,
            false => None,
        };
        let named = config.as_ref().and_then(|(_, json)| name_in(json));
        let is_xl = [Some(name), Some(path), named.as_deref()].into_iter().flatten().any(is_xl)
            || scale(&file, &archive).await.is_some_and(|x| (x - SCALE_OF_XL).abs() < 1e-3);
        Ok(Taesd {
            name: name.to_owned(),
            sha256: sha256(file.bytes()),
            decoder: TaesdHalf { source: file, archive: decoder },
            encoder,
            config,
            is_xl,
        })
    }

    /// A decoder by its tensors' names and shapes alone, for dry runs, which read no numbers.
    pub fn without_numbers(name: &str, decoder: Archive) -> Taesd {
        let source = MemorySource::new(name, Vec::new());
        Taesd {
            name: name.to_owned(),
            decoder: TaesdHalf { source, archive: decoder },
            encoder: None,
            config: None,
            sha256: String::new(),
            is_xl: false,
        }
    }

    /// The path of the file with the decoder.
    pub fn file(&self) -> &str {
        self.decoder.source.file()
    }

    /// The name of its file without folders and extension, or that of its folder.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of the file with the decoder.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Whether its name, or the scale of its latents, says that it is for SDXL; its tensors have
    /// the same shapes.
    pub fn is_xl(&self) -> bool {
        self.is_xl
    }

    /// The decoder.
    pub fn decoder(&self) -> &TaesdHalf {
        &self.decoder
    }

    /// The encoder, where there is one.
    pub fn encoder(&self) -> Option<&TaesdHalf> {
        self.encoder.as_ref()
    }

    /// The path and the text of its config, where it has one.
    pub fn config(&self) -> Option<(&str, &str)> {
        self.config.as_ref().map(|(path, json)| (path.as_str(), json.as_str()))
    }
}

/// What a file is that has no decoder of a TAESD.
fn instead(archive: &Archive, encoder: bool) -> String {
    if encoder {
        return "it is the encoder of a TAESD alone; the decoder is a file of its own, such as \
                taesd_decoder.safetensors"
            .into();
    }
    match instead_of_sd_v1(archive) {
        Some(what) => format!("it is {what}, and no TAESD"),
        None => "it is a checkpoint, and no TAESD".into(),
    }
}

/// The encoder in a file of its own beside the decoder's.
async fn beside(source: &dyn Source, path: &str) -> Result<Option<TaesdHalf>> {
    let (folder, file) = path.rsplit_once('/').map_or(("", path), |(folder, file)| (folder, file));
    let other = file.replace("decoder", "encoder");
    if other == file {
        return Ok(None);
    }
    let path = if folder.is_empty() { other } else { format!("{folder}/{other}") };
    let bytes = match read_all(source, &path, BYTES_MAX).await {
        Err(Error::NotFound { .. }) => return Ok(None),
        other => other?,
    };
    let source = MemorySource::new(&*path, bytes);
    let archive = names::half(&Archive::open(&source, &path).await?, Half::Encoder);
    let archive = archive
        .ok_or_else(|| bad_file(&path, "it is not the encoder of a TAESD, as its name says"))?;
    Ok(Some(TaesdHalf { source, archive }))
}

/// The path and the text of the config in the same folder.
async fn config_beside(source: &dyn Source, path: &str) -> Result<Option<(String, String)>> {
    let config = match path.rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/{CONFIG}"),
        None => CONFIG.to_owned(),
    };
    match read_all(source, &config, CONFIG_BYTES_MAX).await {
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(json) => Ok(Some((config, json))),
            Err(_) => Err(bad_file(&config, "it is not UTF-8")),
        },
    }
}

/// Where a config says that it is from.
fn name_in(json: &str) -> Option<String> {
    let json: Value = serde_json::from_str(json).ok()?;
    json["_name_or_path"].as_str().map(str::to_owned)
}

/// Whether a name is that of a TAESD for SDXL.
fn is_xl(name: &str) -> bool {
    let name = name.to_lowercase();
    name.contains("taesdxl") || name.contains("taesd-xl") || name.contains("sdxl")
}

/// The scale of the latents, where a file for ComfyUI has it.
async fn scale(source: &MemorySource, archive: &Archive) -> Option<f32> {
    let info = archive.get("vae_scale").filter(|info| info.elements() == 1)?;
    archive.load(source, &info.name).await.ok()?.first().copied()
}
