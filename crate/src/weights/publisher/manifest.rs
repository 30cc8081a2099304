//! A model's parts list: its files, where they are fetched, and the hashes that their bytes must
//! have.
//!
//! ```json
//! {
//!   "format": 1,
//!   "id": "stable-diffusion-v1-4",
//!   "title": "Stable Diffusion v1.4",
//!   "repository": "CompVis/stable-diffusion-v1-4",
//!   "revision": "133a221b8aa7292a167afc5127cb63fb5005638b",
//!   "precision": "f16",
//!   "licence": { "name": "CreativeML OpenRAIL-M", "file": "LICENSE.txt", "sha256": "…" },
//!   "base": "https://huggingface.co/…/resolve/133a221b8aa7292a167afc5127cb63fb5005638b/",
//!   "mirrors": ["https://mirror.example.org/sd-v1-4/"],
//!   "pointers": "https://huggingface.co/…/raw/133a221b8aa7292a167afc5127cb63fb5005638b/",
//!   "hosts": ["https://huggingface.co", "https://*.cdn.hf.co", "https://mirror.example.org"],
//!   "chunk_bytes": 16777216,
//!   "files": [
//!     { "path": "vae/config.json", "bytes": 551, "sha256": "…", "beside": true },
//!     { "path": "unet/diffusion_pytorch_model.fp16.safetensors", "bytes": 1719125304,
//!       "sha256": "…", "pointer": true, "chunks": ["…", "…"] }
//!   ]
//! }
//! ```
//!
//! | field | meaning |
//! |---|---|
//! | `format` | 1 |
//! | `id` | its name in storage: lower-case letters, digits, `.` and `-` |
//! | `title` | its name for people |
//! | `kind` | `lora`, `embedding`, `control`, `upscaler`, `taesd`, `unet`, `vae`, `text_encoder`;
//! left out for a model |
//! | `words` | by which prompts call a textual inversion, besides its name; of a LoRA, those that
//! it was trained on; may be left out |
//! | `base_model` | the model that it was made for, by its name for people; may be left out |
//! | `repository`, `revision` | where it is from; each may be left out |
//! | `precision` | what most of its numbers are, for people; may be left out |
//! | `licence` | its name; with `file` (beside the manifest) and `sha256`, to be accepted first |
//! | `base` | the address that paths continue, or empty for the manifest's own folder |
//! | `mirrors` | further bases, each asked when the one before keeps failing; may be left out |
//! | `pointers` | the address that paths continue to Git LFS pointers; may be left out |
//! | `hosts` | every origin that may be asked: of the bases, and those they redirect to |
//! | `chunk_bytes` | the unit of fetching, storing and verifying: 4 KiB to 64 MiB |
//! | `files` | in the order in which they are fetched |
//! | `bytes` | a file's size; unknown only for files that fit in one chunk |
//! | `sha256` | of the file; where unknown, its pointer's, or the first whole download pins it |
//! | `chunks` | SHA-256 of every chunk, known where the manifest's maker had the file |
//! | `beside` | the file lies beside the manifest, not under `base`; its size and hash are given |
//! | `pointer` | it has a pointer: before its first byte is asked for, that must agree |
//!
//! A pointer says size and SHA-256 of a file from the publisher's side. The host `https://*.name`
//! is every origin below `name`: see [`HostPattern`].
//!
//! A manifest that the page offers gives size and SHA-256 of every file: the build fails for one
//! that does not.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::digest::is_sha256;
use super::hosts::HostPattern;
use super::path::is_inside;
use crate::error::{Result, bad_file};

/// The only format there is.
const FORMAT: u32 = 1;
/// Smaller chunks are only for tests; larger ones are more than browsers store well.
const CHUNK_BYTES_MIN: u64 = 4 << 10;
const CHUNK_BYTES_MAX: u64 = 64 << 20;
/// The largest file that a manifest may have.
const FILE_BYTES_MAX: u64 = 64 << 30;
/// The most files of a manifest.
const FILES_MAX: usize = 256;
/// The most mirrors of a manifest.
const MIRRORS_MAX: usize = 8;
/// The extensions of single-file checkpoints.
pub const CHECKPOINTS: [&str; 3] = [".safetensors", ".ckpt", ".gguf"];
/// The extensions of files that change a model or have a part of one.
pub const ADDONS: [&str; 6] = [".safetensors", ".ckpt", ".gguf", ".pt", ".pth", ".bin"];

/// A model's parts list: see the module.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Always 1.
    pub format: u32,
    /// Its name in storage: lower-case letters, digits, `.` and `-`.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// What it is.
    #[serde(default, skip_serializing_if = "Kind::is_model")]
    pub kind: Kind,
    /// The words by which prompts call a textual inversion, besides its file's name; of a LoRA,
    /// those that it was trained on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// The model that it was made for, by its name for people, where it is no model itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_model: Option<String>,
    /// Where it is from, as `owner/name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// Of the repository: a commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// What most of its numbers are, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<String>,
    /// Under which licence its weights are.
    pub licence: Licence,
    /// The address that paths continue, or empty for the manifest's own folder.
    pub base: String,
    /// Further bases, each asked when the one before keeps failing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mirrors: Vec<String>,
    /// The address that paths continue to Git LFS pointers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointers: Option<String>,
    /// Every origin that may be asked, or a pattern of them: see [`HostPattern`].
    pub hosts: Vec<String>,
    /// The unit of fetching, storing and verifying.
    pub chunk_bytes: u64,
    /// In the order in which they are fetched.
    pub files: Vec<ManifestFile>,
}

/// What a manifest is of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A model that can be opened.
    #[default]
    Model,
    /// A LoRA, which changes a model.
    Lora,
    /// A textual inversion, which prompts call.
    Embedding,
    /// A ControlNet or T2I-Adapter, which guides a model by a picture.
    Control,
    /// An upscaler, which makes finished pictures larger.
    Upscaler,
    /// A TAESD, a small stand-in for the VAE.
    Taesd,
    /// A UNet alone.
    Unet,
    /// A VAE alone.
    Vae,
    /// A text encoder alone.
    TextEncoder,
}

impl Kind {
    fn is_model(&self) -> bool {
        *self == Kind::Model
    }
}

/// Under which licence the weights are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Licence {
    /// For people.
    pub name: String,
    /// The file with its text, which must be accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// SHA-256 of that text, in lower-case hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// One file of a model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestFile {
    /// Its path, with `/`, which continues a base.
    pub path: String,
    /// Its size; unknown only for files that fit in one chunk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// SHA-256 of the whole file, in lower-case hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// SHA-256 of each chunk, in lower-case hex.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chunks: Vec<String>,
    /// Whether it lies beside the manifest, not under the base.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub beside: bool,
    /// Whether it has a pointer, which must agree before its first byte is asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pointer: bool,
}

impl Manifest {
    /// The name of its file.
    pub const FILE: &str = "manifest.json";

    /// Parses and checks a manifest; `file` is only for messages.
    ///
    /// # Errors
    /// [`Error::BadFile`](crate::Error::BadFile) for anything that the module does not describe.
    pub fn parse(file: &str, json: &[u8]) -> Result<Manifest> {
        let manifest: Manifest = serde_json::from_slice(json)
            .map_err(|error| bad_file(file, format!("it is not a manifest: {error}")))?;
        manifest.check().map_err(|reason| bad_file(file, reason))?;
        Ok(manifest)
    }

    /// The text of its file.
    pub fn to_json(&self) -> String {
        let json = serde_json::to_string_pretty(self).expect("texts and numbers are always JSON");
        json + "\n"
    }

    /// The file at `path`.
    pub fn file(&self, path: &str) -> Option<&ManifestFile> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Whether a URL is on one of the hosts.
    pub fn allows(&self, address: &str) -> bool {
        let allows =
            |host: &String| HostPattern::parse(host).is_ok_and(|host| host.allows(address));
        self.hosts.iter().any(allows)
    }

    /// Whether `other` lists the same files, and no size or hash that both know differs.
    pub fn agrees_with(&self, other: &Manifest) -> bool {
        let same = |one: &ManifestFile| {
            other.file(&one.path).is_some_and(|other| {
                let differ = |a: &Option<String>, b: &Option<String>| {
                    a.as_ref().zip(b.as_ref()).is_some_and(|(a, b)| a != b)
                };
                let sizes = one.bytes.zip(other.bytes).is_none_or(|(a, b)| a == b);
                sizes && !differ(&one.sha256, &other.sha256)
            })
        };
        self.files.len() == other.files.len() && self.files.iter().all(same)
    }

    /// The sum of the files' sizes, as far as they are known.
    pub fn bytes_total(&self) -> u64 {
        self.files.iter().filter_map(|file| file.bytes).sum()
    }

    fn check(&self) -> Result<(), String> {
        if self.format != FORMAT {
            return Err(format!("its format is {}, and only {FORMAT} is known", self.format));
        }
        let of_id = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b);
        if !(1..=80).contains(&self.id.len()) || !self.id.bytes().all(of_id) {
            return Err(format!("its id {:?} is not of a-z, 0-9, `.` and `-`", self.id));
        }
        if !(CHUNK_BYTES_MIN..=CHUNK_BYTES_MAX).contains(&self.chunk_bytes) {
            return Err(format!("chunks of {} bytes are not supported", self.chunk_bytes));
        }
        self.licence.check()?;
        self.check_addresses()?;
        if self.files.is_empty() || self.files.len() > FILES_MAX {
            return Err(format!("it lists {} files", self.files.len()));
        }
        let mut paths = HashSet::new();
        for file in &self.files {
            if !is_inside(&file.path) || !paths.insert(&file.path) {
                return Err(format!("the path {:?} leaves the model or repeats", file.path));
            }
            file.check(self.chunk_bytes).map_err(|reason| format!("{} {reason}", file.path))?;
            if file.pointer && self.pointers.is_none() {
                return Err(format!("it does not say where the pointer of {} is", file.path));
            }
        }
        Ok(())
    }

    fn check_addresses(&self) -> Result<(), String> {
        let hosts: Result<Vec<HostPattern>, String> =
            self.hosts.iter().map(|host| HostPattern::parse(host)).collect();
        let hosts = hosts?;
        let is_folder = |address: &str| {
            let known = hosts.iter().any(|host| host.allows(address));
            known && address.ends_with('/') && !address.contains(['?', '#'])
        };
        if !(self.base.is_empty() || is_folder(&self.base)) {
            return Err(format!("its base {:?} is not a folder on one of its hosts", self.base));
        }
        if self.mirrors.len() > MIRRORS_MAX {
            return Err(format!("it names {} mirrors", self.mirrors.len()));
        }
        match self.mirrors.iter().chain(&self.pointers).find(|address| !is_folder(address)) {
            Some(address) => Err(format!("{address:?} is not a folder on one of its hosts")),
            None => Ok(()),
        }
    }
}

impl Manifest {
    /// The path of the checkpoint, when the model is a single file and not a folder in the
    /// diffusers layout; its tokenizer may be among the files. What is no model is one file, which
    /// a licence and, of a ControlNet, its config may accompany.
    pub fn checkpoint(&self) -> Option<&str> {
        let mut paths = self.files.iter().map(|file| file.path.as_str());
        if self.kind != Kind::Model {
            return paths.find(|path| ADDONS.iter().any(|ending| path.ends_with(ending)));
        }
        if paths.clone().any(|path| path == "model_index.json" || path.starts_with("unet/")) {
            return None;
        }
        let ends = |path: &str| CHECKPOINTS.iter().any(|ending| path.ends_with(ending));
        paths.find(|path| !path.contains('/') && ends(path))
    }
}

impl Licence {
    fn check(&self) -> Result<(), String> {
        let whole = match (&self.file, &self.sha256) {
            (None, None) => true,
            (Some(file), Some(sha256)) => is_inside(file) && is_sha256(sha256),
            _ => false,
        };
        if whole {
            return Ok(());
        }
        Err("its licence must name a file and that file's SHA-256, or neither".to_owned())
    }
}

impl ManifestFile {
    /// How many chunks of `chunk_bytes` it has; one where its size is unknown.
    pub fn chunk_count(&self, chunk_bytes: u64) -> u64 {
        self.bytes.map_or(1, |bytes| bytes.div_ceil(chunk_bytes))
    }

    /// The SHA-256 of a chunk, where it is known beforehand.
    pub fn chunk_sha256(&self, chunk_bytes: u64, index: u64) -> Option<&str> {
        let listed = usize::try_from(index).ok().and_then(|index| self.chunks.get(index));
        let whole = self.sha256.as_ref().filter(|_| self.chunk_count(chunk_bytes) == 1);
        listed.or(whole).map(String::as_str)
    }

    fn check(&self, chunk_bytes: u64) -> Result<(), String> {
        if self.bytes.is_some_and(|bytes| bytes == 0 || bytes > FILE_BYTES_MAX) {
            return Err(format!("cannot have {} bytes", self.bytes.unwrap_or_default()));
        }
        if self.beside && (self.bytes.is_none() || self.sha256.is_none()) {
            return Err(
                "lies beside the manifest, which does not tell its size and hash".to_owned()
            );
        }
        if !self.sha256.iter().chain(&self.chunks).all(|sha256| is_sha256(sha256)) {
            return Err("has a SHA-256 that is not 64 digits of 0-9 and a-f".to_owned());
        }
        let count = self.chunk_count(chunk_bytes);
        if !self.chunks.is_empty() && self.chunks.len() as u64 != count {
            return Err(format!("lists {} chunks and has {count}", self.chunks.len()));
        }
        Ok(())
    }
}
