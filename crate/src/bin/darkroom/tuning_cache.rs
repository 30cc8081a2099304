//! Stores the tunings of this machine's adapters, as JSON in the user's cache folder.

use crate::disk::write_in_folder;
use darkroom::Result;
use darkroom::gpu::Gpu;
use darkroom::measure::tuner;
use darkroom::pipeline::{self, Control};
use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::PathBuf;

/// Sets an adapter's tuning: the stored one, or else it is measured and stored.
pub(crate) async fn tune(gpu: &Gpu, control: &Control) -> Result<()> {
    let file = file();
    let text = file.as_ref().and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default();
    // If the file cannot be parsed, the adapter is measured again.
    let mut known: BTreeMap<String, String> = serde_json::from_str(&text).unwrap_or_default();
    let key = tuner::key(gpu);
    let remembered = known.get(&key);
    let chosen = pipeline::tune(gpu, remembered.map(String::as_str), control).await?.to_string();
    eprintln!("Kernels: {chosen}");
    if remembered == Some(&chosen) {
        return Ok(());
    }
    known.insert(key, chosen);
    let Some(file) = file else { return Ok(()) };
    let text = serde_json::to_string_pretty(&known).expect("a map of texts is plain data");
    write_in_folder(&file, text.as_bytes())
}

/// The file's path; `None` if the system has no cache folder.
fn file() -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    let home = |folder| set("HOME").map(|home| home.join(folder));
    let caches = if cfg!(windows) {
        set("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        home("Library/Caches")
    } else {
        set("XDG_CACHE_HOME").or_else(|| home(".cache"))
    };
    caches.map(|caches| caches.join("darkroom").join("tunings.json"))
}
