//! Reads and writes files, with errors as sentences, for all commands.
//!
//! A file is written under a temporary name in its folder, flushed to the disk, and then renamed.
//! If this fails, an old file of that name is unchanged, and no temporary file is left.

use darkroom::image::Rgba;
use darkroom::image::png::{self, Png};
use darkroom::{Error, Result};
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process;

/// The beginning of temporary names; then follow the process id and a hash of the file's name,
/// since the name itself may have the maximum length. The hash has a random key, so that programs
/// on other machines with the same id, that write the same file, have other names.
const PART: &str = ".darkroom";

/// A picture from a PNG file.
pub(crate) fn read_picture(path: &Path) -> Result<Rgba> {
    read_png(path).map(|png| png.picture)
}

/// A picture from a PNG file, with its texts.
pub(crate) fn read_png(path: &Path) -> Result<Png> {
    let shown = path.display().to_string();
    let bytes = fs::read(path)
        .map_err(|e| Error::NotFound { path: shown.clone(), reason: e.to_string() })?;
    decode(&shown, &bytes)
}

/// A picture from the bytes of a PNG file of this name.
pub(crate) fn decode_picture(shown: &str, bytes: &[u8]) -> Result<Rgba> {
    decode(shown, bytes).map(|png| png.picture)
}

fn decode(shown: &str, bytes: &[u8]) -> Result<Png> {
    png::decode(shown, bytes).map_err(users_own)
}

/// An error of a picture's file: without the advice to fetch it again, since it is the user's own.
pub(crate) fn users_own(error: Error) -> Error {
    match error {
        Error::BadFile { file, reason } => {
            let reason = format!("{file} cannot be used: {reason}");
            Error::Request { field: "picture", reason }
        }
        other => other,
    }
}

/// Makes a folder and its parents.
pub(crate) fn create(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(|fault| unwritable(folder, &fault))
}

/// Writes a whole file.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let new = NewFile::create(path)?;
    new.file().and_then(|mut file| file.write_all(bytes).map_err(|e| unwritable(path, &e)))?;
    new.keep()
}

/// The same, and makes its folder if it does not exist.
pub(crate) fn write_in_folder(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        create(folder)?;
    }
    write(path, bytes)
}

/// Checks that a PNG file can be written, before a model is loaded.
///
/// # Errors
/// [`Error::Request`] for a folder and the extension of another format; [`Error::Write`] for a path
/// that does not exist or is not writable.
pub(crate) fn check_picture(path: &Path) -> Result<()> {
    let refused = |reason: &str| {
        let reason = format!("cannot be written to {}: {reason}", path.display());
        Err(Error::Request { field: "picture", reason })
    };
    if path.is_dir() {
        return refused("it is a folder; a file's name is wanted");
    }
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    if let Some(other) = ending.filter(|ending| FORMATS.contains(&ending.as_str())) {
        return refused(&format!(
            "pictures are written as PNG, not as {other}; let the name end in .png"
        ));
    }
    NewFile::create(path).map(drop)
}

/// Checks that files can be written into an existing folder.
pub(crate) fn check_folder(folder: &Path) -> Result<()> {
    NewFile::create(&folder.join("0.png")).map(drop)
}

/// Extensions of other picture formats.
const FORMATS: [&str; 11] =
    ["jpg", "jpeg", "jpe", "webp", "gif", "bmp", "tif", "tiff", "avif", "heic", "jxl"];

/// The error of a file that could not be written.
pub(crate) fn unwritable(path: &Path, fault: &std::io::Error) -> Error {
    Error::Write { path: path.display().to_string(), reason: fault.to_string() }
}

/// A file that is being written. Without [`NewFile::keep`] it is deleted when it is dropped.
pub(crate) struct NewFile {
    /// Its final path, for messages.
    path: PathBuf,
    /// The final path with symbolic links resolved, so that they are not replaced.
    real: PathBuf,
    /// The temporary path; `None` if the target is no regular file, such as a pipe.
    part: Option<PathBuf>,
    file: File,
}

impl NewFile {
    /// # Errors
    /// [`Error::Write`] where no file can be made.
    pub(crate) fn create(path: &Path) -> Result<NewFile> {
        let fault = |e: std::io::Error| unwritable(path, &e);
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let part = match fs::metadata(&real) {
            Ok(there) if !there.is_file() => None,
            Ok(there) if there.permissions().readonly() => {
                let reason = "the file that is there may not be changed".to_owned();
                return Err(Error::Write { path: path.display().to_string(), reason });
            }
            _ => {
                let (own, name) = (process::id(), RandomState::new().hash_one(&real));
                Some(real.with_file_name(format!("{PART}-{own}-{name:x}.part")))
            }
        };
        let file = match &part {
            Some(part) => File::create(part),
            None => File::options().write(true).open(&real),
        };
        Ok(NewFile { path: path.to_owned(), real, part, file: file.map_err(fault)? })
    }

    /// A handle for writing; all handles share one position.
    pub(crate) fn file(&self) -> Result<File> {
        self.file.try_clone().map_err(|e| unwritable(&self.path, &e))
    }

    /// The file is complete: renames it to its final path.
    ///
    /// # Errors
    /// [`Error::Write`] when it cannot be written; then an old file of that name is unchanged.
    pub(crate) fn keep(mut self) -> Result<()> {
        let fault = |e: std::io::Error| unwritable(&self.path, &e);
        if let Some(part) = &self.part {
            self.file.sync_all().map_err(fault)?;
            fs::rename(part, &self.real).map_err(fault)?;
        }
        self.part = None;
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if let Some(part) = &self.part {
            // An error here is ignored: the error that made it fail was reported.
            fs::remove_file(part).ok();
        }
    }
}
