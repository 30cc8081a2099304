//! numpy's array files. The program reads latents from them and writes every stage of a run to
//! them, so that anyone can compare it with another implementation.
//!
//! ```text
//! \x93NUMPY │ version 1 or 2 or 3, 0 │ header length, u16 or u32 │ header │ numbers, row-major
//! {'descr': '<f4', 'fortran_order': False, 'shape': (2, 77), }
//! ```
//!
//! Format: numpy.lib.format.

use crate::error::{Result, bad_file};

const MAGIC: &[u8] = b"\x93NUMPY";

/// An array read from a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Dimensions, slowest first; empty for a scalar.
    pub shape: Vec<usize>,
    /// The numbers, row-major.
    pub data: Vec<f32>,
}

/// The file of an f32 array.
///
/// # Panics
/// When `shape` does not have as many elements as `data`.
pub fn write_f32(shape: &[usize], data: &[f32]) -> Vec<u8> {
    write("<f4", shape, data.len(), data.iter().flat_map(|x| x.to_le_bytes()))
}

/// The file of an i64 array, such as token ids.
///
/// # Panics
/// When `shape` does not have as many elements as `data`.
pub fn write_i64(shape: &[usize], data: &[i64]) -> Vec<u8> {
    write("<i8", shape, data.len(), data.iter().flat_map(|x| x.to_le_bytes()))
}

fn write(
    descr: &str,
    shape: &[usize],
    elements: usize,
    bytes: impl Iterator<Item = u8>,
) -> Vec<u8> {
    assert_eq!(shape.iter().product::<usize>(), elements, "{shape:?} is not the data's shape");
    let comma = if shape.len() == 1 { "," } else { "" };
    let dims = shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    let mut header =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({dims}{comma}), }}");
    // Magic, version, length, header and newline together end at a multiple of 64 bytes.
    let padding = 63 - (MAGIC.len() + 4 + header.len()) % 64;
    header.extend(std::iter::repeat_n(' ', padding));
    header.push('\n');
    let mut file = MAGIC.to_vec();
    file.extend([1, 0]);
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(bytes);
    file
}

/// Reads a little-endian f32 or f64 array in row-major order; f64 is rounded to f32, as torch does
/// with `.to(torch.float32)`. `file` is its name in messages.
///
/// # Errors
/// `Error::BadFile` for anything else.
pub fn read(file: &str, bytes: &[u8]) -> Result<Array> {
    let bad = |reason: &str| bad_file(file, reason);
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| bad("it is not a .npy file"))?;
    let (length, rest) = match *rest {
        [1, _, a, b, ref rest @ ..] => (u32::from(u16::from_le_bytes([a, b])), rest),
        [2 | 3, _, a, b, c, d, ref rest @ ..] => (u32::from_le_bytes([a, b, c, d]), rest),
        _ => return Err(bad("its version is unknown")),
    };
    let (header, data) =
        rest.split_at_checked(length as usize).ok_or_else(|| bad("it ends within its header"))?;
    let header = std::str::from_utf8(header).map_err(|_| bad("its header is not text"))?;
    let header: String = header.chars().filter(|c| !c.is_whitespace()).collect();
    let header = header.replace('"', "'");
    let shape = shape(&header).ok_or_else(|| bad("its header has no shape"))?;
    if !header.contains("'fortran_order':False") && shape.len() > 1 {
        return Err(bad("it is stored column by column; save it in C order"));
    }
    let elements = shape.iter().try_fold(1_usize, |n, dim| n.checked_mul(*dim));
    let width = if header.contains("'descr':'<f4'") {
        4
    } else if header.contains("'descr':'<f8'") {
        8
    } else {
        return Err(bad("its numbers are neither f32 nor f64"));
    };
    if elements.and_then(|n| n.checked_mul(width)) != Some(data.len()) {
        return Err(bad("its shape and its size do not agree"));
    }
    let data = match width {
        4 => data.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        _ => data.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b) as f32).collect(),
    };
    Ok(Array { shape, data })
}

/// The tuple after `'shape':` in a header without spaces.
fn shape(header: &str) -> Option<Vec<usize>> {
    let (_, rest) = header.split_once("'shape':(")?;
    let (dims, _) = rest.split_once(')')?;
    dims.split(',').filter(|dim| !dim.is_empty()).map(|dim| dim.parse().ok()).collect()
}
