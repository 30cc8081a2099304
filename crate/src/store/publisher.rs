//! Fetches the publisher's Git LFS pointers before the first byte of a model: they come from its
//! repository and have sizes and SHA-256, while the bytes of the files come from other servers (a
//! CDN).

use super::chunks::Store;
use super::fetch_error::FetchError;
use super::fetcher::{Fetcher, address};
use super::record::Model;
use super::watch::Event;
use crate::error::{Error, Result};
use crate::weights::{ManifestFile, POINTER_BYTES_MAX, Pointer};

/// The most attempts for a pointer; fewer than for a file, because most hashes are also known
/// otherwise.
const TRIES: u32 = 3;

/// Fetches the pointers of the files with these numbers, compares them with the manifest, and
/// stores what they say.
///
/// # Errors
/// [`Error::Fetch`] if a pointer disagrees with the manifest, or cannot be fetched for a file
/// without another hash; [`Error::Cancelled`].
pub(super) async fn consult(
    store: &Store,
    fetcher: &Fetcher,
    model: &mut Model,
    numbers: impl Iterator<Item = usize>,
) -> Result<()> {
    let Some(base) = model.manifest.pointers.clone() else { return Ok(()) };
    for number in numbers {
        let file = model.manifest.files[number].clone();
        let state = model.files.get(&file.path);
        // Whether the pointer's SHA-256 is in the model's record already.
        let told = state.is_some_and(|state| state.told.is_some());
        let unknown = file.sha256.is_none();
        if told || file.beside || !(file.pointer || unknown) {
            continue;
        }
        match ask(fetcher, model, &address(&base, &file.path)).await? {
            Ok(pointer) => {
                compare(&file, &pointer)?;
                let state = model.files.entry(file.path.clone()).or_default();
                (state.told, state.bytes) = (Some(pointer.sha256), Some(pointer.bytes));
                store.save(model).await?;
            }
            Err(why) if unknown => {
                let reason = format!(
                    "Its SHA-256 is not known here, and the publisher's own record of it could not \
                     be read: {why} Nothing of it was fetched."
                );
                return Err(Error::Fetch { path: file.path, reason });
            }
            Err(why) => {
                let text = format!(
                    "{}: the publisher's own record of it could not be read ({why}). It is \
                     compared with the SHA-256 that this app knows.",
                    file.path
                );
                fetcher.watch.tell(&Event::Notice { text });
            }
        }
    }
    Ok(())
}

/// The pointer, or why it could not be fetched.
async fn ask(fetcher: &Fetcher, model: &Model, url: &str) -> Result<Result<Pointer, String>> {
    let mut tries = 0;
    loop {
        let fault: FetchError = match fetcher.small(model, url, POINTER_BYTES_MAX).await {
            Ok(text) => {
                let bad = |reason| format!("it is no Git LFS pointer: {reason}.");
                return Ok(Pointer::parse(&text).map_err(bad));
            }
            Err(fault) => fault,
        };
        fetcher.watch.check()?;
        tries += 1;
        if tries >= fault.kind.tries(TRIES.min(fetcher.options.attempts)) {
            return Ok(Err(fault.sentence()));
        }
        fetcher.watch.sleep(fetcher.options.backoff_ms).await?;
    }
}

fn compare(file: &ManifestFile, pointer: &Pointer) -> Result<()> {
    let size = file.bytes.is_none_or(|bytes| bytes == pointer.bytes);
    let sum = file.sha256.as_ref().is_none_or(|sha256| *sha256 == pointer.sha256);
    if size && sum {
        return Ok(());
    }
    let ours = |text: Option<String>| text.unwrap_or_else(|| "anything".to_owned());
    let reason = format!(
        "The publisher's own record says that it has {} bytes and the SHA-256 {}; this app expects \
         {} bytes and {}. Nothing of it was fetched. Check for a newer version of this app.",
        pointer.bytes,
        pointer.sha256,
        ours(file.bytes.map(|bytes| bytes.to_string())),
        ours(file.sha256.clone()),
    );
    Err(Error::Fetch { path: file.path.clone(), reason })
}
