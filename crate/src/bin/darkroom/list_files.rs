//! The files that a list of requests names: beside the list, or, of the pictures, in the zip file
//! that it is in, as the page's gallery exports start images and masks.

use crate::disk::{decode_picture, read_picture, users_own};
use darkroom::image::Rgba;
use darkroom::weights::{FileSource, is_inside, read_stored};
use darkroom::{Error, Result};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The name of the list in a zip file that the page exported (`web/views/export.js`), and its
/// largest size.
const EXPORTED: &str = "requests.jsonl";
const EXPORTED_BYTES_MAX: u64 = 64 << 20;

/// The largest picture in a zip file: one of 8192×8192 has 256 MB without compression.
const PICTURE_BYTES_MAX: u64 = 300 << 20;

/// Where a list is.
pub(crate) struct ListFile {
    path: PathBuf,
    is_zip: bool,
}

impl ListFile {
    /// Looks whether it is in a zip file.
    ///
    /// # Errors
    /// Those of the disk.
    pub(crate) fn open(path: &Path) -> std::io::Result<ListFile> {
        let mut start = Vec::new();
        fs::File::open(path)?.take(4).read_to_end(&mut start)?;
        Ok(ListFile { path: path.to_owned(), is_zip: start == b"PK\x03\x04" })
    }

    /// The list's own text: the file's, or that of the list in the zip file.
    ///
    /// # Errors
    /// A file that cannot be read; a zip file without a list.
    pub(crate) fn text(&self, unreadable: impl Fn(std::io::Error) -> Error) -> Result<Vec<u8>> {
        match self.is_zip {
            true => stored(&self.path, EXPORTED, EXPORTED_BYTES_MAX),
            false => fs::read(&self.path).map_err(unreadable),
        }
    }

    /// A file that the list names: a relative path begins at the list's folder.
    ///
    /// # Errors
    /// A list in a zip file, which may be someone else's, names files of no other folder.
    pub(crate) fn beside(&self, name: &str) -> Result<PathBuf, String> {
        self.check(name)?;
        Ok(self.path.parent().map_or_else(|| name.into(), |folder| folder.join(name)))
    }

    /// A picture that the list names; that of a zip file is in it.
    ///
    /// # Errors
    /// As [`ListFile::beside`].
    pub(crate) fn picture(&self, name: &str) -> Result<PictureFile, String> {
        let path = self.beside(name)?;
        match self.is_zip {
            true => Ok(PictureFile { path: name.into(), zip: Some(self.path.clone()) }),
            false => Ok(PictureFile { path, zip: None }),
        }
    }

    fn check(&self, name: &str) -> Result<(), String> {
        match self.is_zip && !is_inside(name) {
            true => Err(format!("`{name}` leads out of the zip file, which is refused")),
            false => Ok(()),
        }
    }
}

/// A picture's file, on the disk or in a zip file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PictureFile {
    path: PathBuf,
    zip: Option<PathBuf>,
}

impl PictureFile {
    /// On the disk.
    pub(crate) fn new(path: &Path) -> PictureFile {
        PictureFile { path: path.to_owned(), zip: None }
    }

    /// Reads it.
    ///
    /// # Errors
    /// A file that is missing or no picture.
    pub(crate) fn read(&self) -> Result<Rgba> {
        let Some(zip) = &self.zip else { return read_picture(&self.path) };
        let name = self.path.to_string_lossy();
        let bytes = stored(zip, &name, PICTURE_BYTES_MAX).map_err(users_own)?;
        decode_picture(&name, &bytes)
    }
}

/// The bytes of a file in a zip file.
fn stored(zip: &Path, name: &str, bytes_max: u64) -> Result<Vec<u8>> {
    let path = zip.file_name().unwrap_or_default().to_string_lossy();
    pollster::block_on(read_stored(&FileSource::open(zip), &path, name, bytes_max))
}
