//! Checks that a file's content fits its name, before the hash of an unknown file is pinned:
//! otherwise the hash of a server's error page could be pinned.

use super::chunks::Store;
use super::record::Model;
use crate::error::{Error, Result};
use crate::weights::ManifestFile;
use serde_json::{Map, Value};

/// The largest texts and headers, which are read whole.
const TEXT_BYTES_MAX: u64 = 64 << 20;
const HEADER_BYTES_MAX: u64 = 100 << 20;

/// What is wrong with a stored file; `None` if it is as its name says, or of an unknown kind.
///
/// # Errors
/// Those of the store.
pub(super) async fn fault_of(
    store: &Store,
    model: &Model,
    file: &ManifestFile,
) -> Result<Option<String>> {
    let Some(bytes) = model.bytes(file) else { return Ok(Some("it has no size".into())) };
    let name = file.path.rsplit('/').next().unwrap_or_default();
    let ending = name.rsplit('.').next().unwrap_or_default();
    let head = read(store, model, file, bytes.min(8)).await?;
    let fault = match ending {
        "safetensors" => return safetensors(store, model, file, bytes, &head).await,
        "gguf" => (!head.starts_with(b"GGUF")).then_some("it does not begin as a GGUF file"),
        "ckpt" | "bin" => (!(head.starts_with(b"PK") || head.starts_with(&[0x80])))
            .then_some("it does not begin as a file of torch"),
        "json" | "txt" if bytes > TEXT_BYTES_MAX => Some("it is too large"),
        "json" | "txt" => text_fault(name, &read(store, model, file, bytes).await?),
        _ => None,
    };
    Ok(fault.map(str::to_owned))
}

async fn safetensors(
    store: &Store,
    model: &Model,
    file: &ManifestFile,
    bytes: u64,
    head: &[u8],
) -> Result<Option<String>> {
    let length = head.try_into().map(u64::from_le_bytes).unwrap_or(u64::MAX);
    if length > HEADER_BYTES_MAX || length > bytes.saturating_sub(8) {
        return Ok(Some("it does not begin as a safetensors file".into()));
    }
    let header = read(store, model, file, 8 + length).await?;
    let parsed = serde_json::from_slice::<Map<String, Value>>(&header[8..]);
    Ok(parsed.err().map(|error| format!("its safetensors header cannot be read: {error}")))
}

fn text_fault(name: &str, bytes: &[u8]) -> Option<&'static str> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Some("it is not text") };
    if name == "merges.txt" {
        let mut lines =
            text.lines().filter(|line| !line.starts_with("#version") && !line.is_empty());
        let bad = |line: &str| line.split_whitespace().count() != 2;
        return lines.any(bad).then_some("it is no list of merges");
    }
    if !name.ends_with(".json") {
        return None;
    }
    // Python writes numbers that JSON does not have.
    let plain = text.replace("-Infinity", "0").replace("Infinity", "0").replace("NaN", "0");
    let object = serde_json::from_str::<Map<String, Value>>(text)
        .or_else(|_| serde_json::from_str::<Map<String, Value>>(&plain));
    match object {
        Err(_) => Some("it is not a JSON object"),
        Ok(object) if object.len() < 4 && object.contains_key("error") => {
            Some("it is a server's error message")
        }
        Ok(object) if name == "vocab.json" && !object.values().all(Value::is_u64) => {
            Some("it is no vocabulary")
        }
        Ok(_) => None,
    }
}

/// The first bytes of a stored file.
async fn read(store: &Store, model: &Model, file: &ManifestFile, bytes: u64) -> Result<Vec<u8>> {
    let (mut read, mut index) = (Vec::new(), 0);
    while (read.len() as u64) < bytes {
        let chunk = store.bytes(&model.manifest.id, &file.path, index).await?;
        let chunk = chunk.filter(|chunk| chunk.length() > 0).ok_or_else(|| Error::Storage {
            reason: format!("it has lost a part of {}", file.path),
        })?;
        let wanted = (bytes - read.len() as u64).min(u64::from(chunk.length())) as u32;
        read.extend(chunk.subarray(0, wanted).to_vec());
        index += 1;
    }
    Ok(read)
}
