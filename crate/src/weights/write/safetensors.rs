//! Writes a safetensors file from front to back, without holding it: first the list of tensors,
//! then their bytes in the same order, in pieces of any size.

use std::collections::{BTreeMap, HashSet};
use std::io::Write;

use serde_json::{Map, Value, json};

use crate::dtype::FileType;
use crate::error::{Error, Result};
use crate::weights::formats::safetensors::METADATA;

/// A safetensors file that is being written.
///
/// ```
/// # use darkroom::{weights::SafetensorsWriter, dtype::FileType};
/// let list = [("bias", FileType::F32, vec![2])];
/// let mut writer = SafetensorsWriter::new(Vec::new(), "a.safetensors", &list, &[])?;
/// writer.write(&1f32.to_le_bytes())?;
/// writer.write(&2f32.to_le_bytes())?;
/// let file = writer.finish()?;
/// # Ok::<(), darkroom::Error>(())
/// ```
pub struct SafetensorsWriter<W: Write> {
    out: W,
    path: String,
    missing: u64,
}

impl<W: Write> SafetensorsWriter<W> {
    /// Writes the header: `tensors` as (name, type, shape), in the order in which their bytes will
    /// come. `path` is only for messages; `metadata` is the header's free text pairs.
    ///
    /// # Errors
    /// [`Error::Write`] when the output refuses, or the list has a name twice, the reserved name of
    /// the metadata, a type that safetensors does not have (ggml's blocks), or a size beyond u64.
    pub fn new<N: AsRef<str>>(
        mut out: W,
        path: &str,
        tensors: &[(N, FileType, Vec<usize>)],
        metadata: &[(&str, &str)],
    ) -> Result<Self> {
        let fault = |reason: String| Error::Write { path: path.to_owned(), reason };
        let mut header = Vec::new();
        if !metadata.is_empty() {
            let pairs: BTreeMap<_, _> = metadata.iter().copied().collect();
            header.push(format!("{}:{}", json!(METADATA), json!(pairs)));
        }
        let mut end = 0_u64;
        let mut names = HashSet::new();
        for (name, file_type, shape) in tensors {
            let name = name.as_ref();
            if name == METADATA || !names.insert(name) {
                return Err(fault(format!("the name `{name}` cannot be used twice")));
            }
            let begin = end;
            if file_type.is_block() {
                return Err(fault(format!("safetensors has no type {}", file_type.name())));
            }
            let elements =
                shape.iter().try_fold(1_u64, |size, n| size.checked_mul(u64::try_from(*n).ok()?));
            end = elements
                .and_then(|elements| begin.checked_add(file_type.bytes_of(elements)?))
                .ok_or_else(|| fault(format!("`{name}` is too large")))?;
            let mut entry = Map::new();
            entry.insert("dtype".to_owned(), Value::from(file_type.name()));
            entry.insert("shape".to_owned(), json!(shape));
            entry.insert("data_offsets".to_owned(), json!([begin, end]));
            header.push(format!("{}:{}", json!(name), Value::Object(entry)));
        }
        let mut header = format!("{{{}}}", header.join(","));
        // Spaces, so that the data begins at a multiple of eight bytes.
        header.extend(std::iter::repeat_n(' ', header.len().next_multiple_of(8) - header.len()));
        let written = out
            .write_all(&(header.len() as u64).to_le_bytes())
            .and_then(|()| out.write_all(header.as_bytes()));
        written.map_err(|error| fault(error.to_string()))?;
        Ok(SafetensorsWriter { out, path: path.to_owned(), missing: end })
    }

    /// Writes the next bytes of the data.
    ///
    /// # Errors
    /// [`Error::Write`] when the output refuses, or these are more bytes than the list announced.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.missing = self
            .missing
            .checked_sub(bytes.len() as u64)
            .ok_or_else(|| self.fault("more bytes than its header announces"))?;
        self.out.write_all(bytes).map_err(|error| self.fault(&error.to_string()))
    }

    /// Flushes and gives the output back.
    ///
    /// # Errors
    /// [`Error::Write`] when the output refuses, or bytes are missing.
    pub fn finish(mut self) -> Result<W> {
        if self.missing != 0 {
            return Err(self.fault(&format!("{} bytes are missing", self.missing)));
        }
        self.out.flush().map_err(|error| self.fault(&error.to_string()))?;
        Ok(self.out)
    }

    fn fault(&self, reason: &str) -> Error {
        Error::Write { path: self.path.clone(), reason: reason.to_owned() }
    }
}
