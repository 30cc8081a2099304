//! f32 weights to ggml's blocks and back, bit for bit as ggml and candle do it.
//!
//! ```text
//! type   block of 32 weights, in bytes          weight        scale d
//! q8_0   d: f16 │ 32 × i8                       d · q         max |x| / 127
//! q5_0   d: f16 │ 32 high bits │ 16 × 2 nibbles d · (q − 16)  x of the largest |x|, / −16
//! q4_0   d: f16 │ 16 × 2 nibbles                d · (q − 8)   x of the largest |x|, / −8
//! ```
//!
//! Byte j of the nibbles holds the weights j (low) and j + 16 (high). The integers are found with
//! the scale before it is rounded to f16. The scales of q4_0 and q5_0 have the sign that maps the
//! weight of the largest magnitude to the lowest integer, since there is one more integer below
//! zero than above.

use crate::dtype::WeightType;
use half::f16;

/// Weights of a block.
const BLOCK: usize = WeightType::BLOCK;
/// Bytes of a block's scale.
const SCALE: usize = 2;

/// Appends the blocks of `values` to `bytes`.
///
/// # Panics
/// When the values are not whole blocks, or the type has no blocks.
pub fn quantise(weight_type: WeightType, values: &[f32], bytes: &mut Vec<u8>) {
    let (blocks, rest) = values.as_chunks::<BLOCK>();
    assert!(rest.is_empty(), "{} weights are not whole blocks", values.len());
    bytes.reserve(weight_type.bytes(values.len()));
    for block in blocks {
        match weight_type {
            WeightType::Q8_0 => q8_0(block, bytes),
            WeightType::Q5_0 => q5_0(block, bytes),
            WeightType::Q4_0 => q4_0(block, bytes),
            WeightType::F32 | WeightType::F16 => panic!("{weight_type} has no blocks"),
        }
    }
}

/// Decodes blocks to weights.
///
/// # Panics
/// When the bytes are not whole blocks, or the type has no blocks.
pub fn dequantise(weight_type: WeightType, bytes: &[u8]) -> Vec<f32> {
    let size = weight_type.bytes(BLOCK);
    assert!(bytes.len().is_multiple_of(size), "{} bytes are not whole blocks", bytes.len());
    let blocks = bytes.chunks_exact(size);
    blocks
        .flat_map(|block| {
            let d = f16::from_le_bytes([block[0], block[1]]).to_f32();
            (0..BLOCK).map(move |i| f32::from(integer(weight_type, block, i)) * d)
        })
        .collect()
}

/// The signed integer of weight `i` of a block, before it is multiplied by the scale.
fn integer(weight_type: WeightType, block: &[u8], i: usize) -> i8 {
    let data = &block[SCALE..];
    let nibble = |data: &[u8]| (data[i % 16] >> (i / 16 * 4) & 15) as i8;
    match weight_type {
        WeightType::Q8_0 => data[i] as i8,
        WeightType::Q5_0 => (nibble(&data[4..]) | ((data[i / 8] >> (i % 8) & 1) << 4) as i8) - 16,
        WeightType::Q4_0 => nibble(data) - 8,
        WeightType::F32 | WeightType::F16 => panic!("{weight_type} has no blocks"),
    }
}

fn q8_0(block: &[f32; BLOCK], bytes: &mut Vec<u8>) {
    let largest = block.iter().fold(0.0, |largest: f32, x| largest.max(x.abs()));
    let d = largest / 127.0;
    let inverse = inverse(d);
    bytes.extend(f16::from_f32(d).to_le_bytes());
    bytes.extend(block.iter().map(|x| (x * inverse).round() as i8 as u8));
}

fn q5_0(block: &[f32; BLOCK], bytes: &mut Vec<u8>) {
    let d = largest(block) / -16.0;
    let inverse = inverse(d);
    let integers = block.map(|x| ((x * inverse + 16.5) as u8).min(31));
    let high = integers.iter().rev().fold(0u32, |bits, q| bits << 1 | u32::from(q >> 4));
    bytes.extend(f16::from_f32(d).to_le_bytes());
    bytes.extend(high.to_le_bytes());
    bytes.extend(nibbles(&integers));
}

fn q4_0(block: &[f32; BLOCK], bytes: &mut Vec<u8>) {
    let d = largest(block) / -8.0;
    let inverse = inverse(d);
    bytes.extend(f16::from_f32(d).to_le_bytes());
    bytes.extend(nibbles(&block.map(|x| ((x * inverse + 8.5) as u8).min(15))));
}

/// The weight of the largest magnitude; the first one if there are several.
fn largest(block: &[f32; BLOCK]) -> f32 {
    block.iter().fold(0.0, |most: f32, &x| if most.abs() < x.abs() { x } else { most })
}

fn inverse(d: f32) -> f32 {
    if d == 0.0 { 0.0 } else { 1.0 / d }
}

/// The low four bits of the integers, two of them in each byte.
fn nibbles(integers: &[u8; BLOCK]) -> impl Iterator<Item = u8> + '_ {
    let (low, high) = integers.split_at(BLOCK / 2);
    low.iter().zip(high).map(|(low, high)| low & 15 | (high & 15) << 4)
}
