//! Little-endian floats of a file to f32.
//!
//! f16 is widened without a branch, so that the loop becomes SIMD in wasm too: the exponent is
//! moved to its place and corrected by one exact multiplication; numbers below 2⁻¹⁴ come from the
//! mantissa of a float near ½. (The method of the FP16 library of M. Dukhan.)

use crate::dtype::FileType;
use crate::error::{Result, bad_file};

/// Appends the floats in `bytes` to `numbers`. f64 is rounded to the nearest f32; the other types
/// are exact.
///
/// # Errors
/// `Error::BadFile` for a type that is not a float, or bytes that end within an element.
pub fn decode(file_type: FileType, bytes: &[u8], numbers: &mut Vec<f32>) -> Result<()> {
    if !file_type.is_float() {
        return Err(bad_file("The tensor", format!("{} is not a float", file_type.name())));
    }
    if !bytes.len().is_multiple_of(file_type.bytes()) {
        let reason = format!("{} bytes are no whole number of elements", bytes.len());
        return Err(bad_file("The tensor", reason));
    }
    match file_type {
        FileType::F32 => numbers.extend(bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b))),
        FileType::F16 => {
            numbers.extend(bytes.as_chunks().0.iter().map(|b| widen_f16(u16::from_le_bytes(*b))));
        }
        FileType::BF16 => numbers.extend(
            bytes
                .as_chunks()
                .0
                .iter()
                .map(|b| f32::from_bits(u32::from(u16::from_le_bytes(*b)) << 16)),
        ),
        _ => numbers.extend(bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b) as f32)),
    }
    Ok(())
}

#[inline]
fn widen_f16(bits: u16) -> f32 {
    let word = u32::from(bits) << 16;
    let sign = word & 0x8000_0000;
    let magnitude = word.wrapping_add(word);
    // 5 exponent bits at the place of 8, their bias raised by 0xe0; the factor is 2⁻¹¹².
    let normal = f32::from_bits((magnitude >> 4).wrapping_add(0xe0 << 23));
    let normal = normal * f32::from_bits(0x0780_0000);
    let subnormal = f32::from_bits((magnitude >> 17) | (126 << 23)) - 0.5;
    let value = if magnitude < 1 << 27 { subnormal } else { normal };
    f32::from_bits(sign | value.to_bits())
}
