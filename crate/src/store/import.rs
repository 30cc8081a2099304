//! A model from local files: a folder, an archive that [`export`](super::export) made, or single
//! files. They pass chunk by chunk, verified like those from the network; nothing is held whole.

use super::body::{Chunk, sum};
use super::chunks::Store;
use super::fetcher::{FetchOptions, Fetcher};
use super::judge::{judge, judge_alone};
use super::pace::Pace;
use super::record::{ChunkInfo, Model, now};
use super::seal::seal;
use super::watch::{Event, Watch};
use crate::error::{Error, Result, bad_file};
use crate::weights::{
    Digest, Licence, LocalFuture, Manifest, ManifestFile, PIECE_BYTES, Source, is_inside, tar,
};
use js_sys::{Array, Uint8Array};
use std::collections::BTreeMap;
use std::ops::Range;
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
        files.retain(|(path, _)| !path.split('/').any(|part| part.starts_with('.')));
        let (files, unusable): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|(path, _)| is_inside(path));
        match (&files[..], &unusable[..]) {
            ([], [(path, _), ..]) => {
                let reason = "its name cannot be kept on every system: rename it".to_owned();
                Err(Error::Source { path: path.clone(), reason })
            }
            _ => Ok(Files(files.into_iter().collect())),
        }
    }

    /// The paths of all.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
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

    fn blob(&self, path: &str) -> Result<&Blob> {
        self.0.get(path).ok_or_else(|| Error::NotFound {
            path: path.to_owned(),
            reason: "it is not among the files that were given".to_owned(),
        })
    }

    /// Whether all files of a manifest are here, of the right size; those beside the manifest can
    /// be had there.
    fn match_up(&self, manifest: &Manifest) -> bool {
        manifest.files.iter().all(|file| {
            let size = self.0.get(&file.path).map(|blob| blob.size() as u64);
            size.is_some_and(|size| file.bytes.is_none_or(|bytes| bytes == size)) || file.beside
        })
    }

    /// Whether they are the files of a published model, by every hash: other models have files of
    /// the same names and sizes.
    async fn are_those_of(&self, manifest: &Manifest, watch: &Watch) -> Result<bool> {
        if !self.match_up(manifest) {
            return Ok(false);
        }
        let mut listed: Vec<_> = manifest.files.iter().filter(|file| !file.beside).collect();
        // What is small tells soonest.
        listed.sort_by_key(|file| file.bytes);
        let bytes_total = manifest.bytes_total();
        let mut bytes_done = 0;
        for file in listed {
            let (Some(blob), Some(sha256)) = (self.0.get(&file.path), &file.sha256) else {
                return Ok(false);
            };
            let (mut digest, mut at, size) = (Digest::default(), 0, blob.size() as u64);
            while at < size {
                watch.check()?;
                let path = file.path.clone();
                watch.tell(&Event::Verifying { path, bytes_done: bytes_done + at, bytes_total });
                let length = CHUNK_BYTES.min(size - at);
                let bytes = read(&file.path, blob, at, length).await?;
                sum(&bytes, &mut vec![0; PIECE_BYTES], &mut digest);
                at += length;
            }
            if digest.finish().0 != *sha256 {
                return Ok(false);
            }
            bytes_done += size;
        }
        Ok(true)
    }

    /// The manifest among them, if there is one.
    async fn manifest(&self) -> Result<Option<Manifest>> {
        let Some(json) = self.text(Manifest::FILE).await? else { return Ok(None) };
        let manifest = Manifest::parse(Manifest::FILE, json.as_bytes())?;
        if self.match_up(&manifest) {
            return Ok(Some(manifest));
        }
        let reason = "files that it lists are missing or have another size";
        Err(bad_file(Manifest::FILE, reason))
    }
}

impl Source for Files {
    fn size<'a>(&'a self, path: &'a str) -> LocalFuture<'a, u64> {
        Box::pin(async move { Ok(self.blob(path)?.size() as u64) })
    }

    fn read<'a>(&'a self, path: &'a str, range: Range<u64>) -> LocalFuture<'a, Vec<u8>> {
        Box::pin(async move {
            let bytes = read(path, self.blob(path)?, range.start, range.end - range.start).await?;
            Ok(bytes.to_vec())
        })
    }

    fn names_in(&self, folder: &str) -> Vec<String> {
        let inside = |path: &str| {
            let name = path.strip_prefix(folder)?.strip_prefix('/')?;
            (!name.contains('/')).then(|| name.to_owned())
        };
        self.paths().filter_map(inside).collect()
    }
}

/// Puts a model on the shelf for these files: by the manifest among them, or by one of the `known`
/// ones that they are by every hash, or by a new one called `name`, of which nothing can be
/// verified. Nothing takes the name of a known model without being it.
///
/// # Errors
/// [`Error::BadFile`] when a file of the manifest is missing; those of [`judge`] and
/// [`judge_alone`]; the store's.
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
            judge_alone(files).await?;
            Model::new(describe(files, name, known)?, String::new())
        }
    };
    if known.iter().all(|known| known.manifest != model.manifest) {
        // Nothing is kept of what could never be used.
        judge(files, &model.manifest).await?;
    }
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

/// Whether a manifest that came with local files has the name of a known model.
fn claims(manifest: &Manifest, known: &Model) -> bool {
    let known = &known.manifest;
    let published = |of: &Manifest| of.repository.clone().zip(of.revision.clone());
    let same = published(manifest).is_some_and(|own| published(known) == Some(own));
    manifest.id == known.id || same
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
    let fetcher = Fetcher::new(FetchOptions::default(), watch, Pace::new(0, total));
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

/// Whether a local file is the one that lies beside the manifest.
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
        let mut pace = fetcher.pace.borrow_mut();
        pace.arrived(&file.path, length, &fetcher.watch);
        (pace.done, pace.under_way) = (pace.done + length, 0);
    }
    Ok(())
}

/// Stores a file that lies beside the manifest.
async fn fetch(store: &Store, fetcher: &Fetcher, model: &Model, file: &ManifestFile) -> Result<()> {
    for chunk in 0..file.chunk_count(model.manifest.chunk_bytes) {
        let fetched = fetcher.chunk(model, file, chunk, model.chunk_sha256(file, chunk)).await?;
        store.put(&model.manifest.id, &file.path, chunk, &fetched).await?;
    }
    Ok(())
}

/// A name in storage: of the letters that such a name may have, and where the others tell names
/// apart, with a sum of the whole.
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

/// A manifest of files that have none, or one that is not theirs.
fn describe(files: &Files, name: &str, known: &[Model]) -> Result<Manifest> {
    let kinds = ["json", "txt", "safetensors", "bin", "ckpt", "gguf"];
    let wanted = |path: &&String| path.rsplit_once('.').is_some_and(|(_, k)| kinds.contains(&k));
    let licence = LICENCES.iter().find(|path| files.0.contains_key(**path));
    let filled = |path: &&String| files.0[*path].size() > 0.0 && **path != *Manifest::FILE;
    let list: Vec<_> = files.0.keys().filter(wanted).filter(filled).collect();
    if list.is_empty() {
        return Err(bad_file(name, "there is no model among these files"));
    }
    let file = |path: &String| ManifestFile {
        path: path.clone(),
        bytes: Some(files.0[path].size() as u64),
        ..ManifestFile::default()
    };
    let manifest = Manifest {
        format: 1,
        id: id_of(name, known),
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
        mirrors: Vec::new(),
        pointers: None,
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
    Ok(Chunk { parts: Array::of1(&bytes), bytes: length, sha256, sum, edge: None })
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
