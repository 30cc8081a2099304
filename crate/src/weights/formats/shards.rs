//! The index of a checkpoint in several files.
//!
//! ```text
//! {"metadata": {…}, "weight_map": {"conv_in.weight": "model-00001-of-00002.safetensors"}}
//! ```

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::{Result, bad_file};
use crate::json::from_python;
use crate::weights::source::{Source, read_all};

/// The longest index that is read; v1.4's would have 60 kB.
const BYTES_MAX: u64 = 16 << 20;
/// The most files of a checkpoint.
const FILES_MAX: usize = 256;

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// The files of the index `path`, each with the names of its tensors.
///
/// # Errors
/// Those of the source; [`Error::BadFile`](crate::Error::BadFile) for what is no index.
pub(in crate::weights) async fn read(
    source: &dyn Source,
    path: &str,
) -> Result<BTreeMap<String, Vec<String>>> {
    let json = read_all(source, path, BYTES_MAX).await?;
    let index: Index = serde_json::from_slice(&from_python(&json))
        .map_err(|error| bad_file(path, format!("it is not an index of weights: {error}")))?;
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, file) in index.weight_map {
        let bare = !file.is_empty() && !file.contains(['/', '\\', '\0']) && file != "..";
        if !bare {
            return Err(bad_file(path, format!("{file:?} is not a file beside it")));
        }
        files.entry(file).or_default().push(name);
    }
    if files.len() > FILES_MAX || files.is_empty() {
        return Err(bad_file(path, format!("it names {} files", files.len())));
    }
    Ok(files)
}
