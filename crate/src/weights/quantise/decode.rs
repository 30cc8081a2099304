//! Decodes little-endian floats and ggml's blocks to f32.
//!
//! Blocks are dequantised by candle, whose arithmetic is ggml's own (ggml-quants.c).
//!
//! f16 is converted without a branch, so that the loop becomes SIMD in wasm too: the exponent is
//! shifted to its place and corrected by one exact multiplication; subnormals (below 2⁻¹⁴) come
//! from the mantissa of a float near ½. (The method of the FP16 library of M. Dukhan.)

#[cfg(feature = "engine")]
use candle_core::Device;
#[cfg(feature = "engine")]
use candle_core::quantized::{GgmlDType, QStorage, QTensor};
#[cfg(feature = "engine")]
use std::borrow::Cow;

use crate::dtype::FileType;
use crate::error::{Result, bad_file};

/// Appends the numbers in `bytes` to `numbers`. f64 is rounded to the nearest f32; the other floats
/// are exact.
///
/// # Errors
/// `Error::BadFile` for a type that is not a float, or bytes that end within an element or block.
pub fn decode(file_type: FileType, bytes: &[u8], numbers: &mut Vec<f32>) -> Result<()> {
    if !file_type.is_float() {
        return Err(bad_file("The tensor", format!("{} is not a float", file_type.name())));
    }
    if !bytes.len().is_multiple_of(file_type.block().1) {
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
        FileType::F64 => {
            numbers.extend(bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b) as f32));
        }
        FileType::F8E4M3 => numbers.extend(bytes.iter().map(|b| widen_e4m3(*b))),
        FileType::F8E5M2 => numbers.extend(bytes.iter().map(|b| widen_f16(u16::from(*b) << 8))),
        _ => widen_blocks(file_type, bytes, numbers)?,
    }
    Ok(())
}

/// Without candle (the feature `engine`) blocks are not supported.
#[cfg(not(feature = "engine"))]
fn widen_blocks(file_type: FileType, _: &[u8], _: &mut Vec<f32>) -> Result<()> {
    Err(bad_file("The tensor", format!("{} needs the feature `engine`", file_type.name())))
}

#[cfg(feature = "engine")]
fn widen_blocks(file_type: FileType, bytes: &[u8], numbers: &mut Vec<f32>) -> Result<()> {
    let Some(ggml) = ggml_type(file_type) else {
        return Err(bad_file("The tensor", format!("{} is not a float", file_type.name())));
    };
    if bytes.is_empty() {
        return Ok(());
    }
    // candle takes blocks only where their scales are aligned; a piece of a file can lie anywhere.
    let mut aligned = vec![0_u32; bytes.len().div_ceil(4)];
    let aligned = &mut bytemuck::cast_slice_mut(&mut aligned)[..bytes.len()];
    aligned.copy_from_slice(bytes);
    let (per_block, block_bytes) = file_type.block();
    let elements = bytes.len() / block_bytes * per_block;
    let widened = QStorage::from_data(Cow::Borrowed(aligned), &Device::Cpu, ggml)
        .and_then(|storage| QTensor::new(storage, elements)?.dequantize(&Device::Cpu)?.to_vec1());
    let widened: Vec<f32> = widened.map_err(|fault| bad_file("The tensor", fault.to_string()))?;
    numbers.extend(widened);
    Ok(())
}

/// candle's name of a block.
#[cfg(feature = "engine")]
fn ggml_type(file_type: FileType) -> Option<GgmlDType> {
    Some(match file_type {
        FileType::Q4_0 => GgmlDType::Q4_0,
        FileType::Q4_1 => GgmlDType::Q4_1,
        FileType::Q5_0 => GgmlDType::Q5_0,
        FileType::Q5_1 => GgmlDType::Q5_1,
        FileType::Q8_0 => GgmlDType::Q8_0,
        FileType::Q2K => GgmlDType::Q2K,
        FileType::Q3K => GgmlDType::Q3K,
        FileType::Q4K => GgmlDType::Q4K,
        FileType::Q5K => GgmlDType::Q5K,
        FileType::Q6K => GgmlDType::Q6K,
        _ => return None,
    })
}

/// Exponent bias 7; values below 2⁻⁶ are subnormal; all ones are NaN, and there is no infinity.
#[inline]
fn widen_e4m3(bits: u8) -> f32 {
    let sign = u32::from(bits & 0x80) << 24;
    let (exponent, mantissa) = (u32::from(bits >> 3 & 15), u32::from(bits & 7));
    let size = match (exponent, mantissa) {
        (15, 7) => f32::NAN,
        (0, _) => mantissa as f32 * (1.0 / 512.0),
        _ => f32::from_bits((exponent + 120) << 23 | mantissa << 20),
    };
    f32::from_bits(size.to_bits() | sign)
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
