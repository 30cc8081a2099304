//! Writes a GGUF file from front to back, without holding it, as stable-diffusion.cpp reads it:
//! first the list of tensors, then their bytes in the same order, each aligned to 32.

use std::collections::HashSet;
use std::io::Write;

use crate::dtype::FileType;
use crate::error::{Error, Result};
use crate::weights::formats::gguf::{TEXT, TYPES};

/// GGUF's default alignment.
const ALIGNMENT: u64 = 32;

/// A GGUF file that is being written.
pub struct GgufWriter<W: Write> {
    out: W,
    path: String,
    /// The missing bytes of each tensor, in reverse order: the next tensor is the last element.
    missing: Vec<u64>,
    /// Bytes written of the current tensor, for its padding.
    written: u64,
}

impl<W: Write> GgufWriter<W> {
    /// Writes the header: `tensors` as (name, type, shape, slowest dimension first), in the order
    /// in which their bytes will come; `metadata` as text pairs. `path` is only for messages.
    ///
    /// # Errors
    /// [`Error::Write`] when the output refuses, or the list has a name twice, a type that GGUF
    /// does not have, or a size that is no whole number of blocks.
    pub fn new<N: AsRef<str>>(
        mut out: W,
        path: &str,
        tensors: &[(N, FileType, Vec<usize>)],
        metadata: &[(&str, &str)],
    ) -> Result<Self> {
        let fault = |reason: String| Error::Write { path: path.to_owned(), reason };
        let mut header = b"GGUF".to_vec();
        header.extend(3_u32.to_le_bytes());
        header.extend((tensors.len() as u64).to_le_bytes());
        header.extend((metadata.len() as u64).to_le_bytes());
        for (key, value) in metadata {
            text(&mut header, key);
            header.extend(TEXT.to_le_bytes());
            text(&mut header, value);
        }
        let (mut offset, mut missing, mut names) = (0_u64, Vec::new(), HashSet::new());
        for (name, file_type, shape) in tensors {
            let name = name.as_ref();
            if !names.insert(name) {
                return Err(fault(format!("the name `{name}` cannot be used twice")));
            }
            let number = TYPES.iter().find(|(_, known)| known == file_type);
            let Some((number, _)) = number else {
                return Err(fault(format!("GGUF has no type {}", file_type.name())));
            };
            let rows = shape.last().is_none_or(|n| n.is_multiple_of(file_type.block().0));
            let elements = shape.iter().try_fold(1_u64, |size, n| size.checked_mul(*n as u64));
            let bytes = elements.filter(|_| rows).and_then(|n| file_type.bytes_of(n));
            let bytes =
                bytes.ok_or_else(|| fault(format!("`{name}` has a size that cannot be")))?;
            text(&mut header, name);
            header.extend((shape.len() as u32).to_le_bytes());
            header.extend(shape.iter().rev().flat_map(|n| (*n as u64).to_le_bytes()));
            header.extend(number.to_le_bytes());
            header.extend(offset.to_le_bytes());
            let next =
                offset.checked_add(bytes).and_then(|n| n.checked_next_multiple_of(ALIGNMENT));
            offset = next.ok_or_else(|| fault(format!("`{name}` is too large")))?;
            missing.push(bytes);
        }
        header.resize(header.len().next_multiple_of(ALIGNMENT as usize), 0);
        out.write_all(&header).map_err(|error| fault(error.to_string()))?;
        // Tensors without elements have no bytes to wait for.
        missing.retain(|bytes| *bytes > 0);
        missing.reverse();
        Ok(GgufWriter { out, path: path.to_owned(), missing, written: 0 })
    }

    /// Writes the next bytes of the data, at most to the end of the current tensor.
    ///
    /// # Errors
    /// [`Error::Write`] when the output refuses, or these are more bytes than the list announced.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let count = bytes.len() as u64;
        let left = self.missing.last_mut().and_then(|left| {
            *left = left.checked_sub(count)?;
            Some(*left)
        });
        let left = left.ok_or_else(|| self.fault("more bytes than its header announces"))?;
        self.out.write_all(bytes).map_err(|error| self.fault(&error.to_string()))?;
        self.written += count;
        if left == 0 {
            let padding = self.written.next_multiple_of(ALIGNMENT) - self.written;
            let zeros = &[0; ALIGNMENT as usize][..padding as usize];
            self.out.write_all(zeros).map_err(|error| self.fault(&error.to_string()))?;
            self.missing.pop();
            self.written = 0;
        }
        Ok(())
    }

    /// Flushes and gives the output back.
    ///
    /// # Errors
    /// [`Error::Write`] when the output refuses, or bytes are missing.
    pub fn finish(mut self) -> Result<W> {
        let missing: u64 = self.missing.iter().sum();
        if missing != 0 {
            return Err(self.fault(&format!("{missing} bytes are missing")));
        }
        self.out.flush().map_err(|error| self.fault(&error.to_string()))?;
        Ok(self.out)
    }

    fn fault(&self, reason: &str) -> Error {
        Error::Write { path: self.path.clone(), reason: reason.to_owned() }
    }
}

fn text(header: &mut Vec<u8>, text: &str) {
    header.extend((text.len() as u64).to_le_bytes());
    header.extend(text.as_bytes());
}
