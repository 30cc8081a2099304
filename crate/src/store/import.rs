//! A model from local files: a folder, an archive that [`export`](super::export) made, or single
//! files. They pass chunk by chunk, verified like those from the network; nothing is held whole.

use super::body::{Chunk, sum};
use super::chunks::Store;
use super::fetcher::{FetchOptions, Fetcher};
use super::pace::Pace;
use super::record::{Model, now};
use super::seal::seal;
use super::watch::Watch;
use crate::error::{Error, Result, bad_file};
use crate::weights::{Digest, Licence, Manifest, ManifestFile, PIECE_BYTES, is_inside, tar};
use js_sys::{Array, Uint8Array};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;

/// No manifest and no licence is larger.
const TEXT_BYTES_MAX: u64 = 4 << 20;
/// The unit of models whose files say nothing about it.
const CHUNK_BYTES: u64 = 16 << 20;
/// The name of a licence's text in a folder.
const LICENCES: [&str; 3] = ["LICENSE.txt", "LICENSE", "LICENSE.md"];

/// Local files by path, an archive's taken apart and a common folder's name taken away.
pub struct Files(BTreeMap<String, Blob>);

impl Files {
    /// Of what the user has given: paths and files.
    ///
    /// # Errors
    /// [`Error::BadFile`] for a damaged archive.
    pub async fn open(given: Vec<(String, Blob)>) -> Result<Files> {
        let archive = |path: &str| path.to_ascii_lowercase().ends_with(".tar");
        let mut files = match &given[..] {
            [(path, file)] if archive(path) => unpack(path, file).await?,
            _ => given,
        };
        let first = |path: &str| path.split_once('/').map(|(folder, _)| format!("{folder}/"));
        if let Some(folder) = files.first().and_then(|(path, _)| first(path))
            && files.iter().all(|(path, _)| path.starts_with(&folder))
        {
            files.iter_mut().for_each(|(path, _)| *path = path[folder.len()..].to_owned());
        }
        // Hidden files are the system's own.
        files.retain(|(path, _)| is_inside(path) && !path.split('/').any(|p| p.starts_with('.')));
        Ok(Files(files.into_iter().collect()))
    }

    async fn text(&self, path: &str) -> Result<Option<String>> {
        let Some(file) = self.0.get(path) else { return Ok(None) };
        if file.size() as u64 > TEXT_BYTES_MAX {
            return Err(bad_file(path, "it is too large for what it should be"));
        }
        let bytes = read(path, file, 0, file.size() as u64).await?.to_vec();
        let text = String::from_utf8(bytes).map_err(|_| bad_file(path, "it is not text"))?;
        Ok(Some(text))
    }

    /// Whether all files of a manifest are here, of the right size.
    fn match_up(&self, manifest: &Manifest) -> bool {
        manifest.files.iter().all(|file| {
            let size = self.0.get(&file.path).map(|blob| blob.size() as u64);
            size.is_some_and(|size| file.bytes.is_none_or(|bytes| bytes == size))
        })
    }
}

/// Puts a model on the shelf for these files: by the manifest among them, or by one of the `known`
/// ones that they match, or by a new one called `name`, of which nothing can be verified.
///
/// # Errors
/// [`Error::BadFile`] when a file of the manifest is missing; the store's.
pub async fn plan(store: &Store, files: &Files, known: &[Model], name: &str) -> Result<Model> {
    let own = files.text(Manifest::FILE).await?;
    let mut model = match own {
        Some(json) => {
            let manifest = Manifest::parse(Manifest::FILE, json.as_bytes())?;
            if !files.match_up(&manifest) {
                let reason = "files that it lists are missing or have another size";
                return Err(bad_file(Manifest::FILE, reason));
            }
            let known = known.iter().find(|known| known.manifest.id == manifest.id);
            Model::new(manifest, known.map_or(String::new(), |known| known.address.clone()))
        }
        None => match known.iter().find(|known| files.match_up(&known.manifest)) {
            Some(known) => known.clone(),
            None => Model::new(describe(files, name)?, String::new()),
        },
    };
    if let Some(path) = model.manifest.licence.file.clone().filter(|_| model.licence_text.is_none())
    {
        model.licence_text = files.text(&path).await?;
    }
    if let Ok(before) = store.model(&model.manifest.id).await {
        if before.manifest == model.manifest {
            // The same once more: what is stored already stays.
            return Ok(before);
        }
        let reason = "another model of this name is stored: delete it first".to_owned();
        return Err(Error::Write { path: model.manifest.id, reason });
    }
    store.save(&model).await?;
    Ok(model)
}

/// Stores the files of a model that [`plan`] put on the shelf.
///
/// # Errors
/// [`Error::Licence`]; [`Error::BadFile`] when bytes are not those of the manifest; the store's.
pub async fn fill(store: &Store, files: &Files, id: &str, watch: Rc<Watch>) -> Result<()> {
    let mut model = store.model(id).await?;
    if !model.may_be_fetched() {
        return Err(Error::Licence { title: model.manifest.title });
    }
    let total = files.0.values().map(|file| file.size() as u64).sum();
    let pace = RefCell::new(Pace::new(0, total));
    let fetcher = Fetcher { options: FetchOptions::default(), watch, pace };
    let index = store.index(id).await?;
    let step = model.manifest.chunk_bytes;
    for number in 0..model.manifest.files.len() {
        let file = model.manifest.files[number].clone();
        let Some(blob) = files.0.get(&file.path) else {
            return Err(bad_file(&file.path, "it is not among the files that were given"));
        };
        let bytes = blob.size() as u64;
        model.files.entry(file.path.clone()).or_default().bytes = Some(bytes);
        for chunk in 0..bytes.div_ceil(step) {
            fetcher.watch.check()?;
            let length = step.min(bytes - chunk * step);
            if !index.contains_key(&(file.path.clone(), chunk)) {
                let read = take(&file.path, blob, chunk * step, length).await?;
                let expected = file.chunk_sha256(step, chunk);
                if expected.is_some_and(|expected| expected != read.sha256) {
                    return Err(bad_file(&file.path, "its bytes are not those of the publisher"));
                }
                store.put(id, &file.path, chunk, &read).await?;
            }
            let mut pace = fetcher.pace.borrow_mut();
            pace.arrived(&file.path, length, &fetcher.watch);
            (pace.done, pace.under_way) = (pace.done + length, 0);
        }
        seal(store, &fetcher, &mut model, number).await?;
        store.save(&model).await?;
    }
    model.complete = Some(now());
    model.verified = model.complete.clone();
    store.save(&model).await
}

/// A manifest of files that have none.
fn describe(files: &Files, name: &str) -> Result<Manifest> {
    let of_id = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let id: String = name.chars().map(of_id).take(80).collect();
    let kinds = ["json", "txt", "safetensors", "bin", "ckpt", "gguf"];
    let wanted = |path: &&String| path.rsplit_once('.').is_some_and(|(_, k)| kinds.contains(&k));
    let licence = LICENCES.iter().find(|path| files.0.contains_key(**path));
    let list: Vec<_> = files.0.keys().filter(wanted).collect();
    if list.is_empty() {
        return Err(bad_file(name, "there is no model among these files"));
    }
    let file = |path: &String| ManifestFile {
        path: path.clone(),
        bytes: Some(files.0[path].size() as u64),
        sha256: None,
        chunks: Vec::new(),
    };
    let manifest = Manifest {
        format: 1,
        id: id.trim_matches('-').to_owned(),
        title: name.to_owned(),
        repository: None,
        revision: None,
        precision: None,
        licence: Licence {
            name: licence.map_or("not told", |_| "in its files").to_owned(),
            file: None,
            sha256: None,
        },
        base: String::new(),
        hosts: Vec::new(),
        chunk_bytes: CHUNK_BYTES,
        files: list.into_iter().map(file).collect(),
    };
    Manifest::parse(name, manifest.to_json().as_bytes())
}

/// The files of an archive, as slices of it.
async fn unpack(path: &str, archive: &Blob) -> Result<Vec<(String, Blob)>> {
    let (mut files, mut at) = (Vec::new(), 0);
    let size = archive.size() as u64;
    loop {
        let block = read(path, archive, at, tar::BLOCK).await?.to_vec();
        let block = block.try_into().map_err(|_| bad_file(path, "it ends too early"))?;
        let Some((name, length)) = tar::parse(&block).map_err(|why| bad_file(path, why))? else {
            return Ok(files);
        };
        at += tar::BLOCK;
        if length > size - at.min(size) {
            return Err(bad_file(path, "it ends too early"));
        }
        files.push((name, slice(path, archive, at, length)?));
        at += length.next_multiple_of(tar::BLOCK);
    }
}

/// A chunk of a local file.
async fn take(path: &str, file: &Blob, start: u64, length: u64) -> Result<Chunk> {
    let bytes = read(path, file, start, length).await?;
    let mut digest = Digest::default();
    sum(&bytes, &mut vec![0; PIECE_BYTES], &mut digest);
    let (sha256, sum) = digest.finish();
    Ok(Chunk { parts: Array::of1(&bytes), bytes: length, sha256, sum })
}

async fn read(path: &str, file: &Blob, start: u64, length: u64) -> Result<Uint8Array> {
    let part = slice(path, file, start, length)?;
    let buffer = JsFuture::from(part.array_buffer()).await.map_err(|error| Error::Source {
        path: path.to_owned(),
        reason: super::trouble::text(&error),
    })?;
    let bytes = Uint8Array::new(&buffer);
    if u64::from(bytes.length()) != length {
        return Err(bad_file(path, "it ends too early"));
    }
    Ok(bytes)
}

fn slice(path: &str, file: &Blob, start: u64, length: u64) -> Result<Blob> {
    file.slice_with_f64_and_f64(start as f64, (start + length) as f64).map_err(|error| {
        Error::Source { path: path.to_owned(), reason: super::trouble::text(&error) }
    })
}
