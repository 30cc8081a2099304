//! What is stored beside the bytes: plain data, kept as JSON text.

use crate::weights::{Manifest, ManifestFile};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A model on the shelf, whole or on its way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Model {
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

/// A file on its way.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct FileState {
    /// Its size, from the manifest or the server.
    pub bytes: Option<u64>,
    /// What the server called this version of the file.
    pub etag: Option<String>,
    /// SHA-256 of the stored bytes; there when the file is whole and sealed.
    pub sha256: Option<String>,
    /// When a first download found this hash, where nothing told it beforehand.
    pub pinned: Option<String>,
}

/// A hash that a first download found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pin {
    pub sha256: String,
    pub date: String,
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

    /// The address of a file, at a mirror where one is given; none for a model from local files.
    pub fn url(&self, path: &str, mirror: Option<&str>) -> Option<String> {
        let base = match (mirror, self.manifest.base.as_str()) {
            (Some(mirror), _) => mirror,
            (None, "") => self.address.as_str(),
            (None, base) => base,
        };
        let path = path.replace(' ', "%20");
        (!base.is_empty()).then(|| format!("{}/{path}", base.trim_end_matches('/')))
    }
}

/// The time, as text.
pub fn now() -> String {
    js_sys::Date::new_0().to_iso_string().into()
}
