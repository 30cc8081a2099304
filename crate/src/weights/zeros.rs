//! A file whose bytes did not all arrive: programs that download make it as long as it will be, and
//! what is missing are zeros. The header is whole then, and nothing but the numbers shows it.
//!
//! A bias that was never trained is zeros too, and so is a whole layer now and then; so zeros count
//! only where they are a large part of what is read, or lie together as no layer does. Tables of
//! words do not count at all.

use super::archive::Archive;
use super::source::{Source, read_exact};
use crate::error::{Result, bad_file};

/// So many zeros in a row, in bytes, are no layer of any model of this kind.
const RUN: u64 = 64 << 20;
/// One byte in so many may be of a piece of zeros.
const SHARE: u64 = 8;
/// How many places are looked at, and how many bytes at each.
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
    /// Takes note of a piece, in the order of the file.
    pub fn see(&mut self, bytes: &[u8]) {
        self.see_piece(bytes.len() as u64, bytes.iter().all(|byte| *byte == 0));
    }

    /// The same of a piece of `length` bytes that was looked at already.
    pub fn see_piece(&mut self, length: u64, is_zero: bool) {
        self.seen += length;
        if !is_zero {
            self.run = 0;
            return;
        }
        self.zero += length;
        self.run += length;
        self.longest = self.longest.max(self.run);
    }

    /// Says what is wrong with `file`.
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

/// Looks at a few places of a checkpoint's numbers, without reading all of them.
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
            zeros.see(&read_exact(source, &info.file, start..end).await?);
            place += 1;
        }
        before += length;
    }
    zeros.check(archive.file())
}
