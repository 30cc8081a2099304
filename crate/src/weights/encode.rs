//! f32 to the little-endian elements of a file: what [`super::decode`] undoes.

use half::{bf16, f16};

use crate::dtype::FileType;
use crate::error::{Error, Result};

/// Appends `numbers` as elements of `file_type` to `bytes`, rounded to nearest even.
///
/// # Errors
/// [`Error::Request`] for a type that cannot be written.
pub fn encode(file_type: FileType, numbers: &[f32], bytes: &mut Vec<u8>) -> Result<()> {
    match file_type {
        FileType::F32 => bytes.extend(numbers.iter().flat_map(|x| x.to_le_bytes())),
        FileType::F16 => {
            bytes.extend(numbers.iter().flat_map(|x| f16::from_f32(*x).to_le_bytes()));
        }
        FileType::BF16 => {
            bytes.extend(numbers.iter().flat_map(|x| bf16::from_f32(*x).to_le_bytes()));
        }
        other => {
            let reason = format!("can be f32, f16 or bf16, not {}", other.name());
            return Err(Error::Request { field: "type", reason });
        }
    }
    Ok(())
}
