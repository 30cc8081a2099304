//! Finds unfinished downloads. Some programs first make a file of the final size and then fill it,
//! so that the missing bytes are zeros. The header is complete then, and only the values show it.
//!
//! A bias that was never trained is all zeros too, and sometimes a whole layer is. So zeros are an
//! error only if they are a large part of what is read, or if one run of them is longer than any
//! layer. Token embeddings are ignored.

use super::archive::Archive;
use super::source::{Source, read_exact};
use crate::error::{Result, bad_file};

/// A run of zeros of so many bytes is longer than any layer of Stable Diffusion 1.
const RUN: u64 = 64 << 20;
/// At most one byte in so many may belong to a piece that is all zeros.
const SHARE: u64 = 8;
/// How many samples [`check_for_zeros`] reads, and how many bytes each has.
const PLACES: u64 = 64;
const PLACE: u64 = 4 << 10;

/// Counts the pieces of zeros among those that are read.
#[derive(Debug, Default)]
pub struct Zeros {
    seen: u64,
    zero: u64,
    run: u64,
    longest: u64,
}

impl Zeros {
    /// Counts a piece. Pieces come in the order of the file.
    pub fn add(&mut self, bytes: &[u8]) {
        self.add_piece(bytes.len() as u64, bytes.iter().all(|byte| *byte == 0));
    }

    /// The same for a piece of `length` bytes of which it is known whether it is all zeros.
    pub fn add_piece(&mut self, length: u64, is_zero: bool) {
        self.seen += length;
        if !is_zero {
            self.run = 0;
            return;
        }
        self.zero += length;
        self.run += length;
        self.longest = self.longest.max(self.run);
    }

    /// Checks the counts.
    ///
    /// # Errors
    /// [`Error::BadFile`](crate::Error::BadFile) when too much of it is zeros.
    pub fn check(&self, file: &str) -> Result<()> {
        let of_all = self.zero * SHARE > self.seen;
        if !of_all && self.longest < RUN {
            return Ok(());
        }
        let percent = (100 * self.zero).div_ceil(self.seen.max(1));
        let part = format!("{percent} % of what was read of it");
        Err(bad_file(file, format!("{part} is zeros: an unfinished download")))
    }
}

/// Checks samples of a checkpoint's values, without reading all of them.
///
/// # Errors
/// As [`Zeros::check`]; the source's.
pub async fn check_for_zeros(source: &dyn Source, archive: &Archive) -> Result<()> {
    let tensors = || archive.tensors().iter().filter(|info| !info.is_table());
    let total: u64 = tensors().map(|info| info.range.end - info.range.start).sum();
    let mut zeros = Zeros::default();
    let (mut before, mut place) = (0, 0);
    for info in tensors() {
        let length = info.range.end - info.range.start;
        while place < PLACES && total * place / PLACES < before + length {
            let start = info.range.start + (total * place / PLACES - before);
            let end = info.range.end.min(start + PLACE);
            zeros.add(&read_exact(source, &info.file, start..end).await?);
            place += 1;
        }
        before += length;
    }
    zeros.check(archive.file())
}
