//! Imports a model from local files: a folder, a tar file that [`export`](super::export) made, or
//! single files. They are verified and stored chunk by chunk, like a download; no file is held in
//! memory whole.

use super::body::{Chunk, sum};
use super::check::{Addon, addon_of, check_model, check_single_file};
use super::chunks::Store;
use super::fetcher::{FetchOptions, Fetcher};
use super::local_files::{CHUNK_BYTES, Files, TEXT_BYTES_MAX, read};
use super::progress::DownloadProgress;
use super::record::{ChunkInfo, Model, now};
use super::seal::seal;
use super::watch::Watch;
use crate::error::{Error, Result, bad_file};
use crate::weights::{Digest, Kind, Licence, Manifest, ManifestFile, PIECE_BYTES};
use js_sys::Array;
use std::collections::BTreeMap;
use std::rc::Rc;
use web_sys::Blob;

/// How much of the name of a file that is no model stands in its id.
const NAME_MAX: usize = 40;

/// Names of the licence's text in a folder.
const LICENCES: [&str; 3] = ["LICENSE.txt", "LICENSE", "LICENSE.md"];

/// Identifies the model of these files and adds its record to the library; [`fill`] stores the
/// bytes. The page calls it `identifyLocal`. Its manifest is the first of these that applies:
///
/// 1. One of the `known` ones, if all hashes of the files match it.
/// 2. The manifest among the files, unless it has the id of a known model.
/// 3. A new one called `name`, which has no hashes to verify.
///
/// # Errors
/// [`Error::BadFile`] when a file of the manifest is missing; those of [`check_model`] and
/// [`check_single_file`]; those of the store.
pub async fn plan(
    store: &Store,
    files: &Files,
    known: &[Model],
    name: &str,
    watch: &Watch,
) -> Result<Model> {
    let mut model = None;
    for known in known {
        if files.are_those_of(&known.manifest, watch).await? {
            model = Some(known.clone());
            break;
        }
    }
    let mut model = match (model, files.manifest().await?) {
        (Some(model), _) => model,
        (None, Some(manifest)) if !known.iter().any(|known| claims(&manifest, known)) => {
            Model::new(manifest, String::new())
        }
        (None, _) => {
            let addon = addon_of(files).await?;
            if addon.is_none() {
                check_single_file(files).await?;
            }
            let model_hash = addon.as_ref().and_then(|addon| addon.model_hash.clone());
            let mut model = Model::new(describe(files, (name, addon), known)?, String::new());
            if let Some(path) = model.manifest.checkpoint().filter(|_| model_hash.is_some()) {
                model.files.entry(path.to_owned()).or_default().model_hash = model_hash;
            }
            model
        }
    };
    let is_model = model.manifest.kind == Kind::Model;
    if is_model && known.iter().all(|known| known.manifest != model.manifest) {
        // A model that could never be opened is not stored.
        check_model(files, &model.manifest).await?;
    }
    if let Some(path) = model.manifest.licence.file.clone().filter(|_| model.licence_text.is_none())
    {
        model.licence_text = files.text(&path).await?;
    }
    if let Ok(before) = store.model(&model.manifest.id).await {
        if before.manifest == model.manifest {
            // The same model again: all that is stored already stays.
            return Ok(before);
        }
        let reason = "another model of this name is stored: delete it first".to_owned();
        return Err(Error::Write { path: model.manifest.id, reason });
    }
    store.save(&model).await?;
    Ok(model)
}

/// Whether a manifest among local files has the id, or repository and revision, of a known model.
fn claims(manifest: &Manifest, known: &Model) -> bool {
    let known = &known.manifest;
    let published = |of: &Manifest| of.repository.clone().zip(of.revision.clone());
    let same = published(manifest).is_some_and(|own| published(known) == Some(own));
    manifest.id == known.id || same
}

/// Stores the files of a model that [`plan`] added to the library.
///
/// # Errors
/// [`Error::Licence`]; [`Error::BadFile`] when bytes are not those of the manifest; those of the
/// store.
pub async fn fill(store: &Store, files: &Files, id: &str, watch: Rc<Watch>) -> Result<()> {
    let mut model = store.model(id).await?;
    if !model.may_be_fetched() {
        return Err(Error::Licence { title: model.manifest.title });
    }
    let total = files.0.values().map(|file| file.size() as u64).sum();
    let fetcher = Fetcher::new(FetchOptions::default(), watch, DownloadProgress::new(0, total));
    let index = store.index(id).await?;
    for number in 0..model.manifest.files.len() {
        let file = model.manifest.files[number].clone();
        let own = match files.0.get(&file.path) {
            Some(blob) if !file.beside || is_that(blob, &file).await? => Some(blob),
            _ => None,
        };
        match own {
            Some(blob) => keep(store, &fetcher, &mut model, &file, blob, &index).await?,
            None if file.beside => fetch(store, &fetcher, &model, &file).await?,
            None => {
                return Err(bad_file(&file.path, "it is not among the files that were given"));
            }
        }
        seal(store, &fetcher, &mut model, number, false).await?;
        store.save(&model).await?;
    }
    model.complete = Some(now());
    model.verified = model.complete.clone();
    store.save(&model).await
}

/// Whether a local file is the one that the page serves next to the manifest.
async fn is_that(blob: &Blob, file: &ManifestFile) -> Result<bool> {
    if Some(blob.size() as u64) != file.bytes || blob.size() as u64 > TEXT_BYTES_MAX {
        return Ok(false);
    }
    let found = take(&file.path, blob, 0, blob.size() as u64).await?;
    Ok(Some(found.sha256) == file.sha256)
}

/// Stores a local file.
async fn keep(
    store: &Store,
    fetcher: &Fetcher,
    model: &mut Model,
    file: &ManifestFile,
    blob: &Blob,
    index: &BTreeMap<(String, u64), ChunkInfo>,
) -> Result<()> {
    let (id, step, bytes) =
        (model.manifest.id.clone(), model.manifest.chunk_bytes, blob.size() as u64);
    model.files.entry(file.path.clone()).or_default().bytes = Some(bytes);
    for chunk in 0..bytes.div_ceil(step) {
        fetcher.watch.check()?;
        let length = step.min(bytes - chunk * step);
        if !index.contains_key(&(file.path.clone(), chunk)) {
            let read = take(&file.path, blob, chunk * step, length).await?;
            let expected = model.chunk_sha256(file, chunk);
            if expected.is_some_and(|expected| expected != read.sha256) {
                return Err(bad_file(&file.path, "its bytes are not those of the publisher"));
            }
            store.put(&id, &file.path, chunk, &read).await?;
        }
        // `pace` is the progress of the import.
        let mut pace = fetcher.pace.borrow_mut();
        pace.arrived(&file.path, length, &fetcher.watch);
        (pace.done, pace.under_way) = (pace.done + length, 0);
    }
    Ok(())
}

/// Fetches and stores a file that the page serves next to the manifest.
async fn fetch(store: &Store, fetcher: &Fetcher, model: &Model, file: &ManifestFile) -> Result<()> {
    for chunk in 0..file.chunk_count(model.manifest.chunk_bytes) {
        let fetched = fetcher.chunk(model, file, chunk, model.chunk_sha256(file, chunk)).await?;
        store.put(&model.manifest.id, &file.path, chunk, &fetched).await?;
    }
    Ok(())
}

/// Makes an id from a name: other characters than those of ids are replaced, and a checksum of the
/// name is added if two names would otherwise have the same id.
fn id_of(name: &str, known: &[Model]) -> String {
    let of_id = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let id: String = name.chars().map(of_id).take(60).collect();
    let id = id.trim_matches('-');
    let taken = known.iter().any(|known| known.manifest.id == id);
    if name.is_ascii() && !id.is_empty() && !taken {
        return id.to_owned();
    }
    let mut digest = Digest::default();
    digest.update(name.as_bytes());
    let sum = &digest.finish().0[..8];
    let id = if id.is_empty() { "model" } else { id };
    format!("{id}-{sum}")
}

/// Makes a manifest for files that have none, or have one that may not be used.
fn describe(
    files: &Files,
    (name, addon): (&str, Option<Addon>),
    known: &[Model],
) -> Result<Manifest> {
    let kinds = ["json", "txt", "safetensors", "bin", "ckpt", "gguf", "pt", "pth"];
    let wanted = |path: &&String| path.rsplit_once('.').is_some_and(|(_, k)| kinds.contains(&k));
    let licence = LICENCES.iter().find(|path| files.0.contains_key(**path));
    let filled = |path: &&String| files.0[*path].size() > 0.0 && **path != *Manifest::FILE;
    let own = |path: &&String| addon.as_ref().is_none_or(|addon| addon.has(path));
    let list: Vec<_> = files.0.keys().filter(wanted).filter(filled).filter(own).collect();
    if list.is_empty() {
        return Err(bad_file(name, "there is no model among these files"));
    }
    let file = |path: &String| ManifestFile {
        path: path.clone(),
        bytes: Some(files.0[path].size() as u64),
        sha256: addon.as_ref().and_then(|addon| addon.sha256.clone()),
        ..ManifestFile::default()
    };
    let id = match &addon {
        // Many files have one name, such as v1.safetensors.
        Some(addon) => {
            let start: String = name.chars().take(NAME_MAX).collect();
            let bytes = list.iter().map(|path| files.0[*path].size() as u64).sum::<u64>();
            let which = addon.sha256.as_ref().map_or(bytes.to_string(), |sha| sha[..12].to_owned());
            id_of(&format!("{start}-{which}"), known)
        }
        None => id_of(name, known),
    };
    let manifest = Manifest {
        format: 1,
        id,
        title: name.to_owned(),
        kind: addon.as_ref().map_or(Kind::Model, |addon| addon.kind),
        words: addon.as_ref().map_or(Vec::new(), |addon| addon.words.clone()),
        base_model: None,
        repository: None,
        revision: None,
        precision: None,
        licence: Licence {
            name: licence.map_or("not told", |_| "in its files").to_owned(),
            file: None,
            sha256: None,
        },
        base: String::new(),
        mirrors: Vec::new(),
        pointers: None,
        hosts: Vec::new(),
        chunk_bytes: CHUNK_BYTES,
        files: list.into_iter().map(file).collect(),
    };
    Manifest::parse(name, manifest.to_json().as_bytes())
}

/// Reads a chunk of a local file.
async fn take(path: &str, file: &Blob, start: u64, length: u64) -> Result<Chunk> {
    let bytes = read(path, file, start, length).await?;
    let mut digest = Digest::default();
    sum(&bytes, &mut vec![0; PIECE_BYTES], &mut digest);
    let (sha256, sum) = digest.finish();
    Ok(Chunk { parts: Array::of1(&bytes), bytes: length, sha256, sum, host: None })
}
