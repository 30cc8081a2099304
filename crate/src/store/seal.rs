//! Sealing: the check that a stored file has the right hash. A file is sealed when all its chunks
//! are stored, and its SHA-256 is the one of the manifest, the publisher's pointer or a pin. If
//! none of these exists, its SHA-256 becomes the pin.

use super::body::sum;
use super::chunks::Store;
use super::content;
use super::fetcher::{FetchOptions, Fetcher};
use super::progress::DownloadProgress;
use super::record::{FileState, Model, Pin, now};
use super::watch::{Event, Watch};
use crate::error::{Error, Result};
use crate::weights::{Digest, ManifestFile, PIECE_BYTES};
use std::rc::Rc;

/// Seals a file of the model, if it is not sealed yet. `pins`: compare with a pin, and pin the hash
/// of a file of which none is known; only for downloads.
///
/// # Errors
/// [`Error::Fetch`] when its hash is wrong, also after its chunks were fetched again.
pub(super) async fn seal(
    store: &Store,
    fetcher: &Fetcher,
    model: &mut Model,
    number: usize,
    pins: bool,
) -> Result<()> {
    let file = model.manifest.files[number].clone();
    let state = model.files.get(&file.path).cloned().unwrap_or_default();
    if state.sha256.is_some() {
        return Ok(());
    }
    let pin_name = model.pin_name(&file.path);
    let known = model.sha256(&file).map(str::to_owned);
    let pin = match known {
        None if pins => store.pin(&pin_name).await?,
        _ => None,
    };
    let expected = known.or_else(|| pin.as_ref().map(|pin| pin.sha256.clone()));
    let mut chunks = 0..file.chunk_count(model.manifest.chunk_bytes);
    // If every chunk was compared with a hash, the file need not be read again.
    let all_chunks_checked = chunks.all(|index| model.chunk_sha256(&file, index).is_some());
    let sha256 = match expected.clone().filter(|_| all_chunks_checked) {
        Some(sha256) => sha256,
        None => hash(store, fetcher, model, &file).await?,
    };
    let sha256 = match &expected {
        Some(expected) if *expected != sha256 => {
            refetch_until(store, fetcher, model, &file, expected).await?
        }
        _ => sha256,
    };
    let mut pinned = pin.map(|pin| pin.date);
    if expected.is_none() && pins {
        refuse_what_it_is_not(store, model, &file).await?;
        let address = Some(model.manifest.base.clone()).filter(|base| !base.is_empty());
        let address = address.or_else(|| Some(model.address.clone()));
        let pin = Pin { sha256: sha256.clone(), date: now(), address };
        store.set_pin(&pin_name, &pin).await?;
        pinned = Some(pin.date);
    }
    let bytes = model.bytes(&file);
    let chunks = found_chunks(store, model, &file).await?;
    let state = FileState { bytes, sha256: Some(sha256), pinned, chunks, ..state };
    model.files.insert(file.path, state);
    Ok(())
}

/// Refuses an unknown file whose content does not fit its name, and deletes it.
async fn refuse_what_it_is_not(
    store: &Store,
    model: &mut Model,
    file: &ManifestFile,
) -> Result<()> {
    let Some(fault) = content::fault_of(store, model, file).await? else { return Ok(()) };
    store.remove_file(&model.manifest.id, &file.path).await?;
    // Its size and etag are deleted too, because the right file will have others.
    if let Some(state) = model.files.get_mut(&file.path) {
        (state.etag, state.etag_host, state.bytes) = (None, None, None);
        store.save(model).await?;
    }
    let reason =
        format!("What the server gave for it is something else: {fault}. It was not kept.");
    Err(Error::Fetch { path: file.path.clone(), reason })
}

/// SHA-256 of the chunks of a complete file, if the manifest does not have them, so that a damaged
/// chunk can be found and fetched again later.
async fn found_chunks(store: &Store, model: &Model, file: &ManifestFile) -> Result<Vec<String>> {
    let count = file.chunk_count(model.manifest.chunk_bytes);
    let mut found = Vec::new();
    if count < 2 || !file.chunks.is_empty() {
        return Ok(found);
    }
    for index in 0..count {
        match store.info(&model.manifest.id, &file.path, index).await? {
            Some(info) => found.push(info.sha256),
            None => return Ok(Vec::new()),
        }
    }
    Ok(found)
}

/// Compares all stored chunks with their SHA-256 and fetches wrong ones again. Returns the number
/// of these.
///
/// # Errors
/// [`Error::Fetch`] when a damaged chunk cannot be fetched.
pub async fn verify(
    store: &Store,
    options: FetchOptions,
    watch: Rc<Watch>,
    id: &str,
) -> Result<u64> {
    let fetcher = &Fetcher::new(options, watch, DownloadProgress::new(0, 0));
    let mut model = store.model(id).await?;
    let mut refetched = 0;
    for number in 0..model.manifest.files.len() {
        let file = model.manifest.files[number].clone();
        let mut unchecked = false;
        for index in 0..file.chunk_count(model.manifest.chunk_bytes) {
            fetcher.watch.check()?;
            tell(fetcher, &model, &file, index);
            let info = store.info(id, &file.path, index).await?;
            if let Some(info) = &info {
                let bytes = store.bytes(id, &file.path, index).await?;
                let found = bytes.map(|bytes| {
                    let mut digest = Digest::default();
                    sum(&bytes, &mut vec![0; PIECE_BYTES], &mut digest);
                    digest.finish().0
                });
                if found.as_ref() == Some(&info.sha256) {
                    continue;
                }
            }
            let listed = model.chunk_sha256(&file, index);
            let expected = listed.or_else(|| info.as_ref().map(|info| info.sha256.as_str()));
            unchecked |= expected.is_none();
            let chunk = fetcher.chunk(&model, &file, index, expected).await?;
            store.put(id, &file.path, index, &chunk).await?;
            refetched += 1;
            fetcher.watch.tell(&Event::Healed { path: file.path.clone(), chunk: index });
        }
        if unchecked {
            check_hash(store, fetcher, &model, &file).await?;
        }
    }
    model.verified = Some(now());
    store.save(&model).await?;
    Ok(refetched)
}

/// Checks the hash of a sealed file after a chunk without a known hash was fetched again.
///
/// # Errors
/// [`Error::Fetch`] if it is wrong; [`Error::Storage`] where the browser's database does not work.
pub(super) async fn check_hash(
    store: &Store,
    fetcher: &Fetcher,
    model: &Model,
    file: &ManifestFile,
) -> Result<()> {
    let before = model.files.get(&file.path).and_then(|state| state.sha256.as_ref());
    if let Some(before) = before
        && hash(store, fetcher, model, file).await? != *before
    {
        refetch_until(store, fetcher, model, file, before).await?;
    }
    Ok(())
}

/// SHA-256 of a file's stored bytes.
async fn hash(
    store: &Store,
    fetcher: &Fetcher,
    model: &Model,
    file: &ManifestFile,
) -> Result<String> {
    let id = &model.manifest.id;
    let count = file.chunk_count(model.manifest.chunk_bytes);
    if count == 1
        && let Some(info) = store.info(id, &file.path, 0).await?
    {
        return Ok(info.sha256);
    }
    let (mut digest, mut buffer) = (Digest::default(), vec![0; PIECE_BYTES]);
    for index in 0..count {
        fetcher.watch.check()?;
        tell(fetcher, model, file, index);
        let bytes = store.bytes(id, &file.path, index).await?;
        let bytes = bytes.ok_or_else(|| Error::Storage {
            reason: format!("it has lost a part of {}", file.path),
        })?;
        sum(&bytes, &mut buffer, &mut digest);
    }
    Ok(digest.finish().0)
}

/// For a file whose hash is wrong: fetches one chunk after another again, and stores those that
/// differ, until the hash is right. The hash of the whole file is checked again after 1, 2, 4, 8 …
/// replaced chunks, and at the end.
async fn refetch_until(
    store: &Store,
    fetcher: &Fetcher,
    model: &Model,
    file: &ManifestFile,
    expected: &str,
) -> Result<String> {
    let id = &model.manifest.id;
    let count = file.chunk_count(model.manifest.chunk_bytes);
    let mut refetched: u64 = 0;
    for index in 0..count {
        let chunk = fetcher.chunk(model, file, index, model.chunk_sha256(file, index)).await?;
        let info = store.info(id, &file.path, index).await?;
        let differs = match info {
            // Two answers differ, and either may be wrong: a third one decides.
            Some(info) if info.sha256 != chunk.sha256 => {
                fetcher.chunk(model, file, index, None).await?.sha256 != info.sha256
            }
            Some(_) => false,
            None => true,
        };
        if differs {
            store.put(id, &file.path, index, &chunk).await?;
            fetcher.watch.tell(&Event::Healed { path: file.path.clone(), chunk: index });
            refetched += 1;
        }
        let due = differs && refetched.is_power_of_two() || refetched > 0 && index + 1 == count;
        if due && hash(store, fetcher, model, file).await? == expected {
            return Ok(expected.to_owned());
        }
    }
    let reason = format!(
        "The server gives other bytes than {expected}, the SHA-256 that this file must have, every \
         time. It was replaced: this copy is not used."
    );
    Err(Error::Fetch { path: file.path.clone(), reason })
}

fn tell(fetcher: &Fetcher, model: &Model, file: &ManifestFile, index: u64) {
    let mut bytes_done = index * model.manifest.chunk_bytes;
    let (mut bytes_total, mut before) = (0, true);
    for other in &model.manifest.files {
        let bytes = model.bytes(other).unwrap_or(0);
        before &= other.path != file.path;
        bytes_done += if before { bytes } else { 0 };
        bytes_total += bytes;
    }
    let path = file.path.clone();
    fetcher.watch.tell(&Event::Verifying { path, bytes_done, bytes_total });
}
