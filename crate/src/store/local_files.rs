//! Files that the user has given: a folder, single files, or a tar file, which is unpacked.

use super::body::sum;
use super::watch::{Event, Watch};
use crate::error::{Error, Result, bad_file};
use crate::weights::{Digest, LocalFuture, Manifest, PIECE_BYTES, Source, is_inside, tar};
use js_sys::Uint8Array;
use std::collections::BTreeMap;
use std::ops::Range;
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;

/// The largest manifest or licence.
pub(super) const TEXT_BYTES_MAX: u64 = 4 << 20;
/// The chunk size of models without a manifest.
pub(super) const CHUNK_BYTES: u64 = 16 << 20;
/// Local files by path. Tar files are unpacked, and the name of a common folder is removed.
pub struct Files(pub(super) BTreeMap<String, Blob>);

impl Files {
    /// From what the user has given: paths and files.
    ///
    /// # Errors
    /// [`Error::BadFile`] for a damaged tar file.
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
        // Hidden files belong to the system.
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

    /// All paths.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether a file has no bytes, or is not here.
    pub(super) fn is_empty(&self, path: &str) -> bool {
        self.0.get(path).is_none_or(|blob| blob.size() == 0.0)
    }

    /// # Errors
    /// [`Error::Source`] where a file cannot be read.
    pub(super) async fn text(&self, path: &str) -> Result<Option<String>> {
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

    /// Whether all files of a manifest are here, with the right size; files that are served next to
    /// the manifest may be missing.
    fn match_up(&self, manifest: &Manifest) -> bool {
        manifest.files.iter().all(|file| {
            let size = self.0.get(&file.path).map(|blob| blob.size() as u64);
            size.is_some_and(|size| file.bytes.is_none_or(|bytes| bytes == size)) || file.beside
        })
    }

    /// Whether they are the files of a known model, by all hashes: names and sizes are not enough,
    /// since other models have the same.
    ///
    /// # Errors
    /// [`Error::Source`] where a file cannot be read; [`Error::Cancelled`].
    pub(super) async fn are_those_of(&self, manifest: &Manifest, watch: &Watch) -> Result<bool> {
        if !self.match_up(manifest) {
            return Ok(false);
        }
        let mut listed: Vec<_> = manifest.files.iter().filter(|file| !file.beside).collect();
        if listed.is_empty() {
            // Nothing tells.
            return Ok(false);
        }
        // Small files first, because they are hashed fastest.
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
                // Adds the bytes to the file's SHA-256.
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
    ///
    /// # Errors
    /// [`Error::Source`] where a file cannot be read; [`Error::BadFile`] for a damaged one.
    pub(super) async fn manifest(&self) -> Result<Option<Manifest>> {
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

/// The files of a tar file, as slices of it.
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

/// Reads bytes of a local file.
///
/// # Errors
/// [`Error::Source`] where a file cannot be read.
pub(super) async fn read(path: &str, file: &Blob, start: u64, length: u64) -> Result<Uint8Array> {
    let part = slice(path, file, start, length)?;
    let buffer = JsFuture::from(part.array_buffer()).await.map_err(|error| Error::Source {
        path: path.to_owned(),
        reason: super::fetch_error::text(&error),
    })?;
    let bytes = Uint8Array::new(&buffer);
    if u64::from(bytes.length()) != length {
        return Err(bad_file(path, "it ends too early"));
    }
    Ok(bytes)
}

fn slice(path: &str, file: &Blob, start: u64, length: u64) -> Result<Blob> {
    file.slice_with_f64_and_f64(start as f64, (start + length) as f64).map_err(|error| {
        Error::Source { path: path.to_owned(), reason: super::fetch_error::text(&error) }
    })
}
