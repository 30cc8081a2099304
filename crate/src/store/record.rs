//! The records that are stored besides the bytes: plain data, as JSON text.

use super::request::Version;
use crate::weights::{Manifest, ManifestFile};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A model in the library, complete or not.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Model {
    /// Its manifest.
    pub manifest: Manifest,
    /// The address of the manifest's folder; empty for a model from local files.
    pub address: String,
    /// The text of the licence, if it must be accepted.
    #[serde(default)]
    pub licence_text: Option<String>,
    /// When it was accepted.
    #[serde(default)]
    pub accepted: Option<Acceptance>,
    /// The state of each file, by path.
    #[serde(default)]
    pub files: BTreeMap<String, FileState>,
    /// The commit marker: the time when the last file was sealed.
    #[serde(default)]
    pub complete: Option<String>,
    /// The time when all bytes were last compared with their SHA-256.
    #[serde(default)]
    pub verified: Option<String>,
}

/// Which licence was accepted, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Acceptance {
    pub date: String,
    pub sha256: String,
    pub revision: Option<String>,
}

/// The state of a file.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct FileState {
    /// Its size, from the manifest or the server.
    pub bytes: Option<u64>,
    /// The server's etag of the file, and the server's host; used only if no hash is known.
    pub etag: Option<String>,
    #[serde(default)]
    pub etag_host: Option<String>,
    /// The SHA-256 in the publisher's pointer.
    #[serde(default)]
    pub told: Option<String>,
    /// SHA-256 of the stored bytes, if the file is complete and sealed.
    pub sha256: Option<String>,
    /// When the hash was pinned, if it was not known before the first download.
    pub pinned: Option<String>,
    /// SHA-256 of every chunk, recorded when the file was sealed.
    #[serde(default)]
    pub chunks: Vec<String>,
    /// Of a LoRA: the hash by which other programs know it,
    /// [`Lora::model_hash`](crate::weights::Lora::model_hash).
    #[serde(default)]
    pub model_hash: Option<String>,
}

/// A pin: the hash of a first download, which later downloads of that file must have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pin {
    /// SHA-256 of the whole file, in lower-case hex.
    pub sha256: String,
    /// The date of the first download: year, month, day.
    pub date: String,
    /// The address that the file came from.
    #[serde(default)]
    pub address: Option<String>,
}

/// The index entry of a stored chunk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChunkInfo {
    pub bytes: u64,
    pub sha256: String,
    /// [`Sum64`](crate::weights::Sum64), checked whenever the chunk is read.
    pub sum: String,
}

impl Model {
    /// A model without any bytes.
    pub fn new(manifest: Manifest, address: String) -> Model {
        Model {
            manifest,
            address,
            licence_text: None,
            accepted: None,
            files: BTreeMap::new(),
            complete: None,
            verified: None,
        }
    }

    /// Records that the licence was shown and accepted now.
    pub fn accept(&mut self) {
        let (sha256, revision) = (&self.manifest.licence.sha256, &self.manifest.revision);
        self.accepted = sha256.clone().map(|sha256| Acceptance {
            date: now(),
            sha256,
            revision: revision.clone(),
        });
    }

    /// The size of a file, if it is known.
    pub fn bytes(&self, file: &ManifestFile) -> Option<u64> {
        file.bytes.or_else(|| self.files.get(&file.path)?.bytes)
    }

    /// The SHA-256 that a file must have, if it is known: from the manifest or the publisher's
    /// pointer.
    pub fn sha256<'a>(&'a self, file: &'a ManifestFile) -> Option<&'a str> {
        let told = || self.files.get(&file.path)?.told.as_deref();
        file.sha256.as_deref().or_else(told)
    }

    /// The SHA-256 that a chunk must have, if it is known.
    pub fn chunk_sha256<'a>(&'a self, file: &'a ManifestFile, index: u64) -> Option<&'a str> {
        let step = self.manifest.chunk_bytes;
        let found = || {
            let chunks = &self.files.get(&file.path)?.chunks;
            chunks.get(usize::try_from(index).ok()?).map(String::as_str)
        };
        let whole = || self.sha256(file).filter(|_| file.chunk_count(step) == 1);
        file.chunk_sha256(step, index).or_else(found).or_else(whole)
    }

    /// The server's version (etag) of a file, if no hash is known.
    pub fn version(&self, file: &ManifestFile) -> Option<Version> {
        let state = self.files.get(&file.path).filter(|_| self.sha256(file).is_none())?;
        Some(Version { host: state.etag_host.clone()?, etag: state.etag.clone()? })
    }

    /// First byte and length of a chunk in its file; no length if the file's size is unknown.
    pub fn chunk(&self, file: &ManifestFile, index: u64) -> (u64, Option<u64>) {
        let step = self.manifest.chunk_bytes;
        let start = index * step;
        (start, self.bytes(file).map(|bytes| step.min(bytes.saturating_sub(start))))
    }

    /// Whether the licence is accepted, or need not be.
    pub fn may_be_fetched(&self) -> bool {
        let accepted = self.accepted.as_ref().map(|accepted| &accepted.sha256);
        self.manifest.licence.sha256.is_none() || accepted == self.manifest.licence.sha256.as_ref()
    }

    /// The name of a file's pin.
    pub fn pin_name(&self, path: &str) -> String {
        let Manifest { id, repository, revision, .. } = &self.manifest;
        let repository = repository.as_deref().unwrap_or(id);
        format!("{repository}@{}/{path}", revision.as_deref().unwrap_or("?"))
    }
}

/// The current time, as text.
pub(super) fn now() -> String {
    js_sys::Date::new_0().to_iso_string().into()
}
