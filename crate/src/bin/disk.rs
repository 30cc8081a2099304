//! Files of the user's disk, with their faults as sentences: what all commands share.

use darkroom::image::{Rgba, png};
use darkroom::{Error, Result};
use std::fs;
use std::path::Path;

/// A picture from a PNG file.
pub fn read_picture(path: &Path) -> Result<Rgba> {
    let shown = path.display().to_string();
    let bytes = fs::read(path)
        .map_err(|e| Error::NotFound { path: shown.clone(), reason: e.to_string() })?;
    Ok(png::decode(&shown, &bytes)?.picture)
}

/// Makes a folder, and those around it.
pub fn create(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(|fault| unwritable(folder, &fault))
}

/// Writes a whole file.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).map_err(|fault| unwritable(path, &fault))
}

/// The same, in a folder that may have to be made.
pub fn write_in_folder(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        create(folder)?;
    }
    write(path, bytes)
}

/// What the user is told of a file that could not be written.
pub fn unwritable(path: &Path, fault: &std::io::Error) -> Error {
    Error::Write { path: path.display().to_string(), reason: fault.to_string() }
}
