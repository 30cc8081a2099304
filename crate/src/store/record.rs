//! What is stored beside the bytes: plain data, kept as JSON text.

use super::request::Version;
use crate::weights::{Manifest, ManifestFile};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A model in the library, complete or not.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Model {
    /// What it consists of.
    pub manifest: Manifest,
    /// The folder that the manifest came from; empty for a model from local files.
    pub address: String,
    /// Text of the licence, where it must be accepted.
    #[serde(default)]
    pub licence_text: Option<String>,
    /// When that was.
    #[serde(default)]
    pub accepted: Option<Acceptance>,
    /// What is known of each file by now.
    #[serde(default)]
    pub files: BTreeMap<String, FileState>,
    /// The commit marker: when the last file was sealed.
    #[serde(default)]
    pub complete: Option<String>,
    /// When all bytes were last compared with their SHA-256.
    #[serde(default)]
    pub verified: Option<String>,
}

/// The licence was accepted: what, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Acceptance {
    pub date: String,
    pub sha256: String,
    pub revision: Option<String>,
}

/// A file that is not complete.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct FileState {
    /// Its size, from the manifest or the server.
    pub bytes: Option<u64>,
    /// What the server called this version of the file, and which host that was; of use only where
    /// no hash is known.
    pub etag: Option<String>,
    #[serde(default)]
    pub etag_host: Option<String>,
    /// The SHA-256 that the publisher's pointer names.
    #[serde(default)]
    pub told: Option<String>,
    /// SHA-256 of the stored bytes; there when the file is whole and sealed.
    pub sha256: Option<String>,
    /// When a first download found this hash, where nothing told it beforehand.
    pub pinned: Option<String>,
    /// SHA-256 of every chunk, found when the whole was first the right one.
    #[serde(default)]
    pub chunks: Vec<String>,
}

/// A hash that a first download found: later downloads of that file must give the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pin {
    /// Of the whole file, in lower-case hex.
    pub sha256: String,
    /// When it was found: year, month, day.
    pub date: String,
    /// Where the file came from.
    #[serde(default)]
    pub address: Option<String>,
}

/// What is known of a stored chunk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChunkInfo {
    pub bytes: u64,
    pub sha256: String,
    /// [`Sum64`](crate::weights::Sum64): checked whenever the chunk is read.
    pub sum: String,
}

impl Model {
    /// A model before its first byte.
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

    /// The licence was shown and accepted, now.
    pub fn accept(&mut self) {
        let (sha256, revision) = (&self.manifest.licence.sha256, &self.manifest.revision);
        self.accepted = sha256.clone().map(|sha256| Acceptance {
            date: now(),
            sha256,
            revision: revision.clone(),
        });
    }

    /// The size of a file, once it is known.
    pub fn bytes(&self, file: &ManifestFile) -> Option<u64> {
        file.bytes.or_else(|| self.files.get(&file.path)?.bytes)
    }

    /// The SHA-256 that a file must have, where it is known: of the manifest, or of its publisher.
    pub fn sha256<'a>(&'a self, file: &'a ManifestFile) -> Option<&'a str> {
        let told = || self.files.get(&file.path)?.told.as_deref();
        file.sha256.as_deref().or_else(told)
    }

    /// The SHA-256 that a chunk must have, where it is known.
    pub fn chunk_sha256<'a>(&'a self, file: &'a ManifestFile, index: u64) -> Option<&'a str> {
        let step = self.manifest.chunk_bytes;
        let found = || {
            let chunks = &self.files.get(&file.path)?.chunks;
            chunks.get(usize::try_from(index).ok()?).map(String::as_str)
        };
        let whole = || self.sha256(file).filter(|_| file.chunk_count(step) == 1);
        file.chunk_sha256(step, index).or_else(found).or_else(whole)
    }

    /// What a server called the file's version, where nothing tells more.
    pub fn version(&self, file: &ManifestFile) -> Option<Version> {
        let state = self.files.get(&file.path).filter(|_| self.sha256(file).is_none())?;
        Some(Version { host: state.etag_host.clone()?, etag: state.etag.clone()? })
    }

    /// The place of a chunk in its file; to the end of the file where its size is unknown.
    pub fn chunk(&self, file: &ManifestFile, index: u64) -> (u64, Option<u64>) {
        let step = self.manifest.chunk_bytes;
        let start = index * step;
        (start, self.bytes(file).map(|bytes| step.min(bytes.saturating_sub(start))))
    }

    /// What the licence demands is done.
    pub fn may_be_fetched(&self) -> bool {
        let accepted = self.accepted.as_ref().map(|accepted| &accepted.sha256);
        self.manifest.licence.sha256.is_none() || accepted == self.manifest.licence.sha256.as_ref()
    }

    /// Under which name a first download's hash is kept.
    pub fn pin_name(&self, path: &str) -> String {
        let Manifest { id, repository, revision, .. } = &self.manifest;
        let repository = repository.as_deref().unwrap_or(id);
        format!("{repository}@{}/{path}", revision.as_deref().unwrap_or("?"))
    }
}

/// The time, as text.
pub(super) fn now() -> String {
    js_sys::Date::new_0().to_iso_string().into()
}
