//! Encodes f32 as the little-endian elements of a file, the inverse of [`super::decode`].

use half::{bf16, f16};

use super::blocks::quantise;
use crate::dtype::{FileType, WeightType};
use crate::error::{Error, Result};

/// Appends `numbers` as elements of `file_type` to `bytes`: floats rounded to nearest even, blocks
/// as ggml makes them.
///
/// # Errors
/// [`Error::Request`] for a type that cannot be written, or numbers that are no whole blocks of it.
pub fn encode(file_type: FileType, numbers: &[f32], bytes: &mut Vec<u8>) -> Result<()> {
    match file_type {
        FileType::F32 => bytes.extend(numbers.iter().flat_map(|x| x.to_le_bytes())),
        FileType::F16 => {
            bytes.extend(numbers.iter().flat_map(|x| f16::from_f32(*x).to_le_bytes()));
        }
        FileType::BF16 => {
            bytes.extend(numbers.iter().flat_map(|x| bf16::from_f32(*x).to_le_bytes()));
        }
        FileType::Q8_0 => blocks(WeightType::Q8_0, numbers, bytes)?,
        FileType::Q5_0 => blocks(WeightType::Q5_0, numbers, bytes)?,
        FileType::Q4_0 => blocks(WeightType::Q4_0, numbers, bytes)?,
        other => {
            let known = "f32, f16, bf16, q8_0, q5_0 or q4_0";
            return refuse(format!("can be {known}, not {}", other.name()));
        }
    }
    Ok(())
}

fn blocks(weight_type: WeightType, numbers: &[f32], bytes: &mut Vec<u8>) -> Result<()> {
    if !numbers.len().is_multiple_of(WeightType::BLOCK) {
        let length = numbers.len();
        return refuse(format!("cannot be {weight_type}: {length} numbers are no whole blocks"));
    }
    quantise(weight_type, numbers, bytes);
    Ok(())
}

fn refuse(reason: String) -> Result<()> {
    Err(Error::Request { field: "type", reason })
}
