//! Pictures on the disk, where `--save-to` asks for them.

use crate::disk::write;
use darkroom::Result;
use std::path::Path;

/// Writes a picture of a job.
///
/// # Errors
/// Those of the disk.
pub(super) fn save(folder: &Path, job: &str, index: usize, png: &[u8]) -> Result<()> {
    write(&folder.join(format!("{job}-{index:03}.png")), png)
}
