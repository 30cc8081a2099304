//! Adds what a converted folder needs to be served or imported: the licence's text, and the
//! manifest with the SHA-256 of every chunk. Put the folder into `web/models/`, or import it.

use crate::commands::manifest::{CHUNK_BYTES, id_of, list_files};
use crate::disk::write_in_folder;
use darkroom::dtype::FileType;
use darkroom::pipeline::Files;
use darkroom::weights::{Kind, Licence, Manifest, Source, read_all};
use darkroom::{Error, Result};
use std::fs;
use std::path::Path;

/// The name of the checkpoint in a folder with a single file.
pub(super) const CHECKPOINT: &str = "model.gguf";
/// The key of the licence's text in the header of a single file.
pub(super) const KEY: &str = "darkroom.licence";

/// Names of the licence's file in a folder; we write the first one.
const LICENCES: [&str; 3] = ["LICENSE.txt", "LICENSE", "LICENSE.md"];
/// The largest licence or manifest.
const TEXT_BYTES_MAX: u64 = 4 << 20;

/// The text of the licence: the given one, or the model's. For a single file only its header is
/// used, because a licence in the same folder may belong to something else.
pub(super) async fn licence(
    given: Option<&Path>,
    source: &dyn Source,
    files: &Files,
) -> Result<Option<String>> {
    if let Some(path) = given {
        let text = fs::read_to_string(path).map_err(|error| Error::Source {
            path: path.display().to_string(),
            reason: error.to_string(),
        })?;
        return Ok(Some(text));
    }
    if source.checkpoint().is_some() {
        let archives = files.archives();
        return Ok(archives.iter().find_map(|(_, archive)| archive.metadata().get(KEY)).cloned());
    }
    for path in LICENCES {
        if let Some(text) = read_text(source, path).await? {
            return Ok(Some(text));
        }
    }
    Ok(None)
}

/// Writes licence and manifest to a folder of converted files.
pub(super) async fn complete(
    source: &dyn Source,
    to: &Path,
    file_type: Option<FileType>,
    licence: Option<&str>,
) -> Result<()> {
    let [name, ..] = LICENCES;
    if let Some(text) = licence {
        write_in_folder(&to.join(name), text.as_bytes())?;
    }
    let before = match source.checkpoint() {
        Some(_) => None,
        None => read_text(source, Manifest::FILE).await?,
    };
    let before = before.map(|json| Manifest::parse(Manifest::FILE, json.as_bytes())).transpose()?;
    let files = list_files(to, CHUNK_BYTES)?;
    let listed = files.iter().find(|file| file.path == name).filter(|_| licence.is_some());
    let sha256 = listed.and_then(|file| file.sha256.clone());
    let told = before.as_ref().map(|before| before.licence.name.clone());
    let unnamed = || if licence.is_some() { "in LICENSE.txt" } else { "not told" }.to_owned();
    let id = id_of(to);
    let manifest = Manifest {
        kind: Kind::Model,
        words: Vec::new(),
        base_model: None,
        format: 1,
        title: before.as_ref().map_or_else(|| id.clone(), |before| before.title.clone()),
        id,
        repository: before.as_ref().and_then(|before| before.repository.clone()),
        revision: before.as_ref().and_then(|before| before.revision.clone()),
        precision: file_type
            .map(|file_type| file_type.name().to_lowercase())
            .or_else(|| before.as_ref()?.precision.clone()),
        licence: Licence {
            name: told.unwrap_or_else(unnamed),
            file: sha256.is_some().then(|| name.to_owned()),
            sha256,
        },
        base: String::new(),
        mirrors: Vec::new(),
        pointers: None,
        hosts: Vec::new(),
        chunk_bytes: CHUNK_BYTES,
        files,
    };
    write_in_folder(&to.join(Manifest::FILE), manifest.to_json().as_bytes())
}

async fn read_text(source: &dyn Source, path: &str) -> Result<Option<String>> {
    match read_all(source, path, TEXT_BYTES_MAX).await {
        Ok(bytes) => String::from_utf8(bytes).map(Some).map_err(|_| Error::BadFile {
            file: path.to_owned(),
            reason: "it is not text".to_owned(),
        }),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
