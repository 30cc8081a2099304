//! Exports a stored model as one tar file with its manifest, its licence and its files; what is no
//! model, such as a LoRA, as the file that it is, unless a config belongs to it. The result is a
//! `Blob` made of the stored `Blob`s, so that no bytes are read; the manifest in the tar file has
//! the hash of every chunk, even if the original one had not.

use super::chunks::Store;
use super::record::Model;
use crate::error::{Error, Result};
use crate::weights::{Kind, Manifest, ManifestFile, tar};
use js_sys::{Array, Uint8Array};
use wasm_bindgen::JsCast;
use web_sys::Blob;

/// The tar file, or the one file of what is no model.
///
/// # Errors
/// [`Error::NotFound`] for a model that is not complete; those of the store.
pub async fn export(store: &Store, id: &str) -> Result<Blob> {
    let model = store.model(id).await?;
    if model.complete.is_none() {
        let reason = "only a model that is stored whole can be exported".to_owned();
        return Err(Error::NotFound { path: model.manifest.title, reason });
    }
    let manifest = exact(store, &model).await?;
    let parts = Array::new();
    let has_config = manifest.files.iter().any(|file| file.path.ends_with("config.json"));
    let is_file = manifest.kind != Kind::Model && !has_config;
    if let Some(path) = manifest.checkpoint().filter(|_| is_file) {
        let file = manifest.file(path).expect("a checkpoint is one of the files");
        contents(store, &manifest, file, &parts).await?;
        return Ok(super::chunks::blob(&parts)?.unchecked_into());
    }
    entry(&parts, Manifest::FILE, manifest.to_json().as_bytes())?;
    if let (Some(path), Some(text)) = (&manifest.licence.file, &model.licence_text)
        && manifest.file(path).is_none()
    {
        entry(&parts, path, text.as_bytes())?;
    }
    for file in &manifest.files {
        let size = file.bytes.unwrap_or(0);
        let head = head(&file.path, size)?;
        parts.push(&head);
        contents(store, &manifest, file, &parts).await?;
        parts.push(&zeros(size));
    }
    parts.push(&Uint8Array::new_with_length(2 * tar::BLOCK as u32));
    Ok(super::chunks::blob(&parts)?.unchecked_into())
}

/// Adds the chunks of a file.
async fn contents(
    store: &Store,
    manifest: &Manifest,
    file: &ManifestFile,
    parts: &Array,
) -> Result<()> {
    for index in 0..file.chunk_count(manifest.chunk_bytes) {
        let blob = store.blob(&manifest.id, &file.path, index).await?;
        let blob = blob.ok_or_else(|| Error::Storage {
            reason: format!("it has lost a part of {}: verify the model", file.path),
        })?;
        parts.push(&blob);
    }
    Ok(())
}

/// The manifest with all sizes and hashes that are known by now.
async fn exact(store: &Store, model: &Model) -> Result<Manifest> {
    let index = store.index(&model.manifest.id).await?;
    let mut manifest = model.manifest.clone();
    let step = manifest.chunk_bytes;
    for file in &mut manifest.files {
        let state = model.files.get(&file.path);
        file.bytes = model.bytes(&model.manifest.file(&file.path).cloned().unwrap_or(file.clone()));
        file.sha256 = file.sha256.take().or_else(|| state?.sha256.clone());
        let count = file.chunk_count(step);
        let infos = (0..count).filter_map(|i| index.get(&(file.path.clone(), i)));
        file.chunks = infos.map(|info| info.sha256.clone()).collect();
        if count == 1 {
            file.chunks.clear();
        }
    }
    Ok(manifest)
}

fn entry(parts: &Array, path: &str, bytes: &[u8]) -> Result<()> {
    let head = head(path, bytes.len() as u64)?;
    parts.push(&head);
    parts.push(&Uint8Array::from(bytes));
    parts.push(&zeros(bytes.len() as u64));
    Ok(())
}

fn head(path: &str, size: u64) -> Result<Uint8Array> {
    let reason = || "its path is too long for an archive".to_owned();
    let block = tar::header(path, size)
        .ok_or_else(|| Error::Write { path: path.to_owned(), reason: reason() })?;
    Ok(Uint8Array::from(&block[..]))
}

/// The padding to the next block.
fn zeros(size: u64) -> Uint8Array {
    Uint8Array::new_with_length((size.next_multiple_of(tar::BLOCK) - size) as u32)
}
