//! Git LFS pointers: what a publisher's repository has in place of a large file. A pointer is a
//! text of a few lines with size and SHA-256; the bytes themselves come from elsewhere.
//!
//! ```text
//! version https://git-lfs.github.com/spec/v1
//! oid sha256:a35404d03ec8f977715a4d2a080ddf72e2144f2ee49bb1ee213258bc64f9cc87
//! size 1719125304
//! ```

use super::digest::is_sha256;

/// The largest pointer, by the format's definition.
pub const POINTER_BYTES_MAX: u64 = 1024;
const VERSION: &str = "version https://git-lfs.github.com/spec/v1";

/// A file's size and SHA-256, from its publisher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    /// In lower-case hex.
    pub sha256: String,
    /// The file's size.
    pub bytes: u64,
}

impl Pointer {
    /// Parses a pointer's text, strictly.
    ///
    /// # Errors
    /// What does not follow the format, as the end of a sentence.
    pub fn parse(text: &[u8]) -> Result<Pointer, String> {
        if text.len() as u64 >= POINTER_BYTES_MAX {
            return Err("it is too long".into());
        }
        let text = std::str::from_utf8(text).map_err(|_| "it is not text")?;
        let mut lines = text.strip_suffix('\n').unwrap_or(text).split('\n');
        if lines.next() != Some(VERSION) {
            return Err("its first line is not that of a pointer".into());
        }
        let oid = lines.next().and_then(|line| line.strip_prefix("oid sha256:"));
        let sha256 = oid.filter(|oid| is_sha256(oid)).ok_or("it names no SHA-256")?;
        let size = lines.next().and_then(|line| line.strip_prefix("size "));
        let digits = size.filter(|size| size.bytes().all(|b| b.is_ascii_digit()));
        let bytes = digits.and_then(|size| size.parse().ok()).ok_or("it names no size")?;
        match lines.next() {
            None => Ok(Pointer { sha256: sha256.to_owned(), bytes }),
            Some(_) => Err("it has more lines than a pointer".into()),
        }
    }
}
